import { ByteList, Uint32List } from "./growing.ts"
import { finishHash, type HashKey } from "./keyed-hash.ts"

/** Values of a column while a part is made: each once, numbered as they come, found by their bytes. No object per value. */
export class ValueTable {
  readonly #key: HashKey
  readonly #bytes = new ByteList()
  readonly #ends = new Uint32List()
  readonly hashes = new Uint32List()
  readonly secondHashes = new Uint32List()
  #slots = new Uint32Array(2048)

  constructor(key: HashKey) {
    this.#key = key
  }

  get count(): number {
    return this.#ends.length
  }

  /** The number of a value. */
  idOf(value: Uint8Array, from = 0, to = value.length): number {
    const { start, factor, secondStart, secondFactor } = this.#key
    let first = start
    let second = secondStart
    for (let at = from; at < to; at++) {
      const byte = value[at] as number
      first = Math.imul(first ^ byte, factor)
      second = Math.imul(second ^ byte, secondFactor)
    }
    first = finishHash(first)
    second = finishHash(second ^ (to - from))
    const mask = this.#slots.length - 1
    let slot = (first ^ (second << 7)) & mask
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const id = (this.#slots[slot] as number) - 1
      if (this.hashes.values[id] !== first || this.secondHashes.values[id] !== second) continue
      if (this.#equals(id, value, from, to)) return id
    }
    return this.#add(slot, first, second, value.subarray(from, to))
  }

  #add(slot: number, first: number, second: number, value: Uint8Array): number {
    const id = this.count
    this.#bytes.append(value)
    this.#ends.push(this.#bytes.length)
    this.hashes.push(first)
    this.secondHashes.push(second)
    this.#slots[slot] = id + 1
    if (this.count * 2 > this.#slots.length) this.#spread()
    return id
  }

  #spread(): void {
    const slots = new Uint32Array(this.#slots.length * 2)
    const mask = slots.length - 1
    for (let id = 0; id < this.count; id++) {
      const second = this.secondHashes.values[id] as number
      let slot = ((this.hashes.values[id] as number) ^ (second << 7)) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = id + 1
    }
    this.#slots = slots
  }

  #equals(id: number, value: Uint8Array, from: number, to: number): boolean {
    const begin = this.#beginOf(id)
    if ((this.#ends.values[id] as number) - begin !== to - from) return false
    const { bytes } = this.#bytes
    for (let i = 0; i < to - from; i++) if (bytes[begin + i] !== value[from + i]) return false
    return true
  }

  #beginOf(id: number): number {
    return id === 0 ? 0 : (this.#ends.values[id - 1] as number)
  }

  /** A view that holds until the next value is added. */
  valueOf(id: number): Uint8Array {
    return this.#bytes.bytes.subarray(this.#beginOf(id), this.#ends.values[id])
  }

  /** Sorts numbers of values by the values' bytes. */
  sort(ids: Uint32Array): Uint32Array {
    // Strings of one byte a letter compare natively; one object per value, once per part.
    const texts = Array.from(ids, (id) => ({ id, text: latin1(this.valueOf(id)) }))
    texts.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    return Uint32Array.from(texts, ({ id }) => id)
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")
}
