import type { Piece } from "./pieces.ts"

/** Of all texts that one reader keeps for later; of a sender that ends nothing it would be as much as he sends. */
const heldUnitsMax = 1_048_576
/** What a piece takes besides its text. */
const pieceUnits = 512

/** How much a reader holds of what was begun, whatever number of sources it is of. */
export class HeldPieces {
  #units = 0

  get isTooMuch(): boolean {
    return this.#units > heldUnitsMax
  }

  add(piece: Piece): void {
    this.#units += unitsOf(piece)
  }

  remove(pieces: readonly Piece[]): void {
    for (const piece of pieces) this.#units -= unitsOf(piece)
  }
}

function unitsOf({ text }: Piece): number {
  return text.length + pieceUnits
}
