import type { ByteList } from "./growing.ts"
import { PartDamaged } from "./part-source.ts"

/** Low bits of a distance that are written as they are, where `count` of `rows` are set: about the mean distance takes so many. */
export function riceBits(rows: number, count: number): number {
  return Math.max(0, 31 - Math.clz32(Math.max(1, Math.floor(rows / count))))
}

/**
 * Distances as a Rice code: the bits above the low ones as so many ones and a zero, then the low ones, the lowest first; bits fill
 * bytes from the lowest.
 */
export class RiceWriter {
  readonly #out: ByteList
  readonly #bits: number
  #held = 0
  #count = 0

  constructor(out: ByteList, bits: number) {
    this.#out = out
    this.#bits = bits
  }

  push(value: number): void {
    let ones = value >>> this.#bits
    for (; ones > 8; ones -= 8) this.#put(0xff, 8)
    this.#put((1 << ones) - 1, ones + 1)
    this.#put(value & ((1 << this.#bits) - 1), this.#bits)
  }

  /** The low `count` bits, at most 18 of them. */
  #put(bits: number, count: number): void {
    this.#held |= bits << this.#count
    this.#count += count
    for (; this.#count >= 8; this.#count -= 8) {
      this.#out.push(this.#held & 0xff)
      this.#held >>>= 8
    }
  }

  end(): void {
    if (this.#count > 0) this.#out.push(this.#held)
  }
}

/** Sets the rows that `count` distances lead to, each a bit in `words`. @throws PartDamaged */
export function setRiceRows(
  bytes: Uint8Array,
  bits: number,
  count: number,
  rows: number,
  words: Int32Array,
): void {
  let at = 0
  let held = 0
  let left = 0
  let row = -1
  const low = (1 << bits) - 1
  for (let i = 0; i < count; i++) {
    let distance = 0
    for (;;) {
      if (left === 0) {
        if (at === bytes.length) throw new PartDamaged("a list of rows is cut off")
        held = bytes[at++] as number
        left = 8
      }
      // So many ones at the low end, at most those that are held.
      const ones = Math.min(left, 31 - Math.clz32(~held & -~held))
      distance += ones
      held >>>= ones
      left -= ones
      if (left > 0) {
        held >>>= 1
        left -= 1
        break
      }
    }
    while (left < bits) {
      if (at === bytes.length) throw new PartDamaged("a list of rows is cut off")
      held |= (bytes[at++] as number) << left
      left += 8
    }
    row += distance * (low + 1) + (held & low) + 1
    held >>>= bits
    left -= bits
    if (row >= rows) throw new PartDamaged("a list of rows goes beyond the last")
    words[row >>> 5] = (words[row >>> 5] as number) | (1 << (row & 31))
  }
}
