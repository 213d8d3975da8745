import { Uint32List } from "./growing.ts"
import { finishHash } from "./keyed-hash.ts"
import type { TokenSink } from "./leaf-scanner.ts"

/** Entries of a block: as many as a word has bits. */
export const blockRows = 32
/** Of one entry so many different tokens are kept; one that has more is a candidate of every question. */
export const rowTokensMax = 512

const slotsMin = 4096
const slotWords = 4
const [stampWord, hashWord, rowsWord] = [0, 1, 2]

/**
 * Gathers which tokens stand in which rows: for each block, each token once with a word that says in which of its rows. The
 * table of the block at hand is small enough for the cache; what it held is appended to lists when the block ends.
 */
export class TokenBlocks implements TokenSink {
  readonly hashes = new Uint32List(65_536)
  readonly rows = new Uint32List(65_536)
  /** By block: where its tokens end in the lists. */
  readonly ends = new Uint32List()
  #table = new Int32Array(slotsMin * slotWords)
  #mask = slotsMin - 1
  #used = new Uint32List()
  #stamp = 1
  #bit = 1
  #rowTokens = 0
  #isCapped = false

  /** The next tokens are those of this row. */
  beginRow(row: number): void {
    this.#bit = 1 << (row % blockRows)
    this.#rowTokens = 0
    this.#isCapped = false
  }

  /** Whether the row has more tokens than are kept of it. */
  get isCapped(): boolean {
    return this.#isCapped
  }

  add(hash: number): void {
    const table = this.#table
    let slot = (Math.imul(hash, 0x9e3779b1) >>> 12) & this.#mask
    for (;;) {
      const at = slot * slotWords
      if (table[at + stampWord] !== this.#stamp) break
      if (table[at + hashWord] === hash) {
        const rows = table[at + rowsWord] as number
        if ((rows & this.#bit) !== 0) return
        if (this.#isFull()) return
        table[at + rowsWord] = rows | this.#bit
        return
      }
      slot = (slot + 1) & this.#mask
    }
    if (this.#isFull()) return
    const at = slot * slotWords
    table[at + stampWord] = this.#stamp
    table[at + hashWord] = hash
    table[at + rowsWord] = this.#bit
    this.#used.push(slot)
    if (this.#used.length * 2 > this.#mask) this.#spread()
  }

  #isFull(): boolean {
    if (this.#rowTokens === rowTokensMax) {
      this.#isCapped = true
      return true
    }
    this.#rowTokens += 1
    return false
  }

  #spread(): void {
    const old = this.#table
    const slots = this.#used
    this.#table = new Int32Array(old.length * 2)
    this.#mask = this.#mask * 2 + 1
    this.#used = new Uint32List()
    for (let i = 0; i < slots.length; i++) {
      const from = (slots.values[i] as number) * slotWords
      let slot = (Math.imul(old[from + hashWord] as number, 0x9e3779b1) >>> 12) & this.#mask
      while (this.#table[slot * slotWords + stampWord] === this.#stamp) {
        slot = (slot + 1) & this.#mask
      }
      this.#table.set(old.subarray(from, from + slotWords), slot * slotWords)
      this.#used.push(slot)
    }
  }

  /** Appends what the block at hand has, and begins the next. A block that goes on later is begun again by `reopen`. */
  endBlock(): void {
    const { values, length } = this.#used
    for (let i = 0; i < length; i++) {
      const at = (values[i] as number) * slotWords
      this.hashes.push(finishHash(this.#table[at + hashWord] as number))
      this.rows.push(this.#table[at + rowsWord] as number)
    }
    this.ends.push(this.hashes.length)
    this.#clear()
  }

  #clear(): void {
    this.#used.length = 0
    this.#stamp += 1
    if (this.#stamp < 0x7fff_ffff) return
    this.#table.fill(0)
    this.#stamp = 1
  }

  /** Appends what the block at hand has so far without ending it; `restore` takes it off again. */
  peekBlock(): void {
    const stamp = this.#stamp
    const { length } = this.#used
    this.endBlock()
    this.#stamp = stamp
    this.#used.length = length
  }

  restore(): void {
    this.ends.length -= 1
    const length = this.ends.length === 0 ? 0 : (this.ends.values[this.ends.length - 1] as number)
    this.hashes.length = length
    this.rows.length = length
  }
}
