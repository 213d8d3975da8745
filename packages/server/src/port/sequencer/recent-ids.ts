import { concatBytes, encodeUtf8, sha256 } from "@postern/log/base"

/**
 * Recognises repeats of senders without streams: the last 262,144 ids seen, over all writers, each with a digest of its
 * content and its index. Typed arrays, filled round; the digests are keyed, so a writer cannot choose colliding ids.
 * Memory 20 MiB, taken at the first use.
 */
const windowMax = 262_144
const slotsCount = 2 * windowMax

export class RecentIds {
  readonly #key: Uint8Array
  #table: Int32Array | undefined
  #ids = new BigUint64Array(0)
  #contents = new BigUint64Array(0)
  #indexes = new Float64Array(0)
  #next = 0

  /** @param key 16 random bytes of this process */
  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** Index of the entry with this id and whether its content is the same; undefined if the id is not remembered. */
  find(
    writer: string,
    id: Uint8Array,
    content: Uint8Array,
  ): { index: number; same: boolean } | undefined {
    const table = this.#table
    if (table === undefined) return undefined
    const key = this.#digest(writer, id)
    for (let at = Number(key % BigInt(slotsCount)); ; at = (at + 1) % slotsCount) {
      const entry = (table[at] ?? 0) - 1
      if (entry === -1) return undefined
      if (entry >= 0 && this.#ids[entry] === key) {
        const same = this.#contents[entry] === this.#digest(writer, content)
        return { index: this.#indexes[entry] ?? 0, same }
      }
    }
  }

  add(writer: string, id: Uint8Array, content: Uint8Array, index: number): void {
    if (this.#next % windowMax === 0) this.#rebuild()
    const entry = this.#next % (2 * windowMax)
    this.#ids[entry] = this.#digest(writer, id)
    this.#contents[entry] = this.#digest(writer, content)
    this.#indexes[entry] = index
    this.#next += 1
    this.#insert(entry)
  }

  #digest(writer: string, bytes: Uint8Array): bigint {
    const digest = sha256(concatBytes(this.#key, encodeUtf8(`${writer}\n`), bytes))
    return new DataView(digest.buffer, digest.byteOffset).getBigUint64(0)
  }

  #insert(entry: number): void {
    const table = this.#table
    if (table === undefined) return
    let at = Number((this.#ids[entry] ?? 0n) % BigInt(slotsCount))
    while ((table[at] ?? 0) !== 0 && this.#ids[(table[at] ?? 0) - 1] !== this.#ids[entry]) {
      at = (at + 1) % slotsCount
    }
    table[at] = entry + 1
  }

  /** Every windowMax ids: drops all but the last windowMax, so that probing stays short. */
  #rebuild(): void {
    if (this.#table === undefined) {
      this.#ids = new BigUint64Array(2 * windowMax)
      this.#contents = new BigUint64Array(2 * windowMax)
      this.#indexes = new Float64Array(2 * windowMax)
    }
    this.#table = new Int32Array(slotsCount)
    const half = this.#next % (2 * windowMax)
    if (this.#next === 0) return
    const from = half === 0 ? windowMax : 0
    for (let entry = from; entry < from + windowMax; entry++) this.#insert(entry)
  }
}
