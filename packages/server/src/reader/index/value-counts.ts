import type { Dictionary } from "./dictionary.ts"
import { type HashKey, hashValue } from "./keyed-hash.ts"
import { idFirst } from "./part-format.ts"
import type { Turns } from "./turns.ts"

const slotsMin = 1024
const valuesATurn = 4096

export interface CountedBytes {
  readonly bytes: Uint8Array
  readonly count: number
}

/** Counts of a column's values over several parts, brought together by the values' hashes of 64 bits. */
export class ValueCounts {
  readonly #key: HashKey
  #counts = new Float64Array(slotsMin)
  #hashes = new Uint32Array(slotsMin)
  #secondHashes = new Uint32Array(slotsMin)
  /** Where a value was seen first: its dictionary, by its place from 1 on, and its number there. 0 is a free slot. */
  #seenIn = new Uint32Array(slotsMin)
  #seenId = new Uint32Array(slotsMin)
  readonly #dictionaries: Dictionary[] = []
  #size = 0

  constructor(key: HashKey) {
    this.#key = key
  }

  /** How many different values there are. */
  get size(): number {
    return this.#size
  }

  /**
   * Adds all counts of a part; lets others have their turn meanwhile, and goes on even if the time is up.
   * @param counts by number, as in the dictionary
   */
  async add(dictionary: Dictionary, counts: Uint32Array, turns: Turns): Promise<void> {
    const seenIn = this.#dictionaries.push(dictionary)
    for (let from = idFirst; from < counts.length; from += valuesATurn) {
      const to = Math.min(counts.length, from + valuesATurn)
      dictionary.visitBytes(from, to, (id, bytes, length) => {
        if (counts[id] !== 0) this.#add(bytes, length, counts[id] as number, seenIn, id)
      })
      await turns.go()
    }
  }

  #add(bytes: Uint8Array, length: number, count: number, seenIn: number, id: number): void {
    const { start, factor, secondStart, secondFactor } = this.#key
    const first = hashValue(start, factor, bytes, length)
    const second = hashValue(secondStart, secondFactor, bytes, length)
    const slot = this.#slotOf(first, second)
    this.#counts[slot] = (this.#counts[slot] as number) + count
    if (this.#seenIn[slot] !== 0) return
    this.#hashes[slot] = first
    this.#secondHashes[slot] = second
    this.#seenIn[slot] = seenIn
    this.#seenId[slot] = id
    this.#size += 1
    if (this.#size * 2 > this.#counts.length) this.#spread()
  }

  #slotOf(first: number, second: number): number {
    const mask = this.#counts.length - 1
    let slot = (first ^ (second << 7)) & mask
    while (this.#seenIn[slot] !== 0) {
      if (this.#hashes[slot] === first && this.#secondHashes[slot] === second) break
      slot = (slot + 1) & mask
    }
    return slot
  }

  #spread(): void {
    const [slots, hashes, second] = [this.#counts, this.#hashes, this.#secondHashes]
    const [seenIn, seenId] = [this.#seenIn, this.#seenId]
    const length = slots.length * 2
    this.#counts = new Float64Array(length)
    this.#hashes = new Uint32Array(length)
    this.#secondHashes = new Uint32Array(length)
    this.#seenIn = new Uint32Array(length)
    this.#seenId = new Uint32Array(length)
    for (let old = 0; old < slots.length; old++) {
      if (seenIn[old] === 0) continue
      const slot = this.#slotOf(hashes[old] as number, second[old] as number)
      this.#counts[slot] = slots[old] as number
      this.#hashes[slot] = hashes[old] as number
      this.#secondHashes[slot] = second[old] as number
      this.#seenIn[slot] = seenIn[old] as number
      this.#seenId[slot] = seenId[old] as number
    }
  }

  /** The most frequent values; where the last ones are equal, more, up to a bound. */
  top(most: number): CountedBytes[] {
    return this.#topSlots(most).map((slot) => {
      const dictionary = this.#dictionaries[(this.#seenIn[slot] as number) - 1] as Dictionary
      const bytes = dictionary.valueOf(this.#seenId[slot] as number)
      return { bytes, count: this.#counts[slot] as number }
    })
  }

  #topSlots(most: number): number[] {
    const equalsMax = most + 1024
    const least = leastOfTop(this.#counts, most)
    const above: number[] = []
    const equal: number[] = []
    for (let slot = 0; slot < this.#counts.length; slot++) {
      const count = this.#counts[slot] as number
      if (count > least) above.push(slot)
      else if (count === least && equal.length < equalsMax) equal.push(slot)
    }
    return [...above, ...equal]
  }
}

/** The smallest of the `most` highest counts; 1 if there are fewer. */
export function leastOfTop(
  counts: Uint32Array | Float64Array | readonly number[],
  most: number,
): number {
  const top = new Float64Array(most).fill(1)
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] as number
    if (count <= (top[0] as number)) continue
    let at = 0
    for (; at + 1 < most && count > (top[at + 1] as number); at++) top[at] = top[at + 1] as number
    top[at] = count
  }
  return top[0] ?? 1
}
