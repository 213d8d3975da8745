import { PartDamaged } from "./part-source.ts"

/** A place in a section that is read in order. */
export interface VarintCursor {
  readonly bytes: Uint8Array
  at: number
  readonly end: number
}

/** @throws PartDamaged if the section ends before the number does, or if it is above 2^53 - 1 */
export function readVarint(cursor: VarintCursor): number {
  const { bytes, end } = cursor
  let value = 0
  let scale = 1
  for (;;) {
    if (cursor.at >= end) throw new PartDamaged("a number is cut off")
    const byte = bytes[cursor.at++] as number
    value += (byte & 0x7f) * scale
    if (byte < 0x80) break
    scale *= 128
    if (scale > 2 ** 49) throw new PartDamaged("a number is too long")
  }
  if (value > Number.MAX_SAFE_INTEGER) throw new PartDamaged("a number is too large")
  return value
}
