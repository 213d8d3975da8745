import { sha256 } from "@postern/log/base"

/**
 * Recognises repeats of senders without streams: at least the last 262,144 ids seen, over all writers, each with half a
 * SHA-256 of its content and its index. Typed arrays, filled round; memory 32 MiB, taken at the first use.
 *
 * The place in the table comes from a hash keyed with a secret of this process, so nobody can make look-ups long; whether
 * an event is a repeat is decided by the SHA-256 of its content, which holds the id.
 */
const windowMax = 262_144
const entriesMax = 2 * windowMax
const tableMax = 4 * windowMax
const contentWords = 4
const multiplier = 0x9e3779b1

export interface RecentId {
  readonly writer: string
  readonly id: Uint8Array
  readonly content: Uint8Array
}

export class RecentIds {
  readonly #seed: number
  readonly #writers = new Map<string, number>()
  /** Entry + 1 at the place of its key, 0 = free. */
  #table = new Uint32Array(0)
  /** Two words that stand for writer and id. */
  #keys = new Uint32Array(0)
  #contents = new Uint32Array(0)
  #indexes = new Float64Array(0)
  #next = 0

  /** @param secret at least 4 random bytes of this process */
  constructor(secret: Uint8Array) {
    this.#seed = new DataView(secret.buffer, secret.byteOffset).getUint32(0)
  }

  /**
   * Looks the event up and remembers it under `index` unless it is there with the same content. Gives where it, or an
   * event of the same id with other content, stood before; undefined if the id is not remembered.
   */
  meet(
    event: RecentId,
    index: number,
  ): { readonly index: number; readonly same: boolean } | undefined {
    if (this.#next % windowMax === 0) this.#makeRoom()
    const [high, low] = this.#keyOf(event)
    const content = new Uint32Array(new Uint8Array(sha256(event.content)).buffer, 0, contentWords)
    let place = high % tableMax
    for (;;) {
      const entry = (this.#table[place] ?? 0) - 1
      if (entry === -1) break
      if (this.#keys[2 * entry] === high && this.#keys[2 * entry + 1] === low) {
        const known = { index: this.#indexes[entry] ?? 0, same: this.#hasContent(entry, content) }
        if (!known.same) this.#put(place, high, low, content, index)
        return known
      }
      place = (place + 1) % tableMax
    }
    this.#put(place, high, low, content, index)
    return undefined
  }

  #put(place: number, high: number, low: number, content: Uint32Array, index: number): void {
    const entry = this.#next % entriesMax
    this.#keys[2 * entry] = high
    this.#keys[2 * entry + 1] = low
    this.#contents.set(content, entry * contentWords)
    this.#indexes[entry] = index
    this.#table[place] = entry + 1
    this.#next += 1
  }

  #hasContent(entry: number, content: Uint32Array): boolean {
    for (let word = 0; word < contentWords; word++) {
      if (this.#contents[entry * contentWords + word] !== content[word]) return false
    }
    return true
  }

  #sameKey(a: number, b: number): boolean {
    const keys = this.#keys
    return keys[2 * a] === keys[2 * b] && keys[2 * a + 1] === keys[2 * b + 1]
  }

  /** Two rounds of a keyed multiplicative hash; the writer comes in as a number of this process. */
  #keyOf({ writer, id }: RecentId): [number, number] {
    let number = this.#writers.get(writer)
    if (number === undefined) {
      number = this.#writers.size
      this.#writers.set(writer, number)
    }
    let high = this.#seed
    let low = Math.imul(number + 1, multiplier)
    for (const byte of id) {
      high = Math.imul(high ^ byte, multiplier)
      high ^= high >>> 15
      low = Math.imul(low ^ byte ^ high, multiplier)
      low ^= low >>> 13
    }
    return [high >>> 0, (low ^ number) >>> 0]
  }

  /** Every windowMax ids: a new table of the last windowMax, so that probing stays short and old ones are forgotten. */
  #makeRoom(): void {
    if (this.#next === 0) {
      this.#keys = new Uint32Array(2 * entriesMax)
      this.#contents = new Uint32Array(contentWords * entriesMax)
      this.#indexes = new Float64Array(entriesMax)
    }
    this.#table = new Uint32Array(tableMax)
    const from = Math.max(0, this.#next - windowMax)
    for (let count = from; count < this.#next; count++) {
      const entry = count % entriesMax
      let place = (this.#keys[2 * entry] ?? 0) % tableMax
      while (this.#table[place] !== 0 && !this.#sameKey((this.#table[place] ?? 0) - 1, entry)) {
        place = (place + 1) % tableMax
      }
      this.#table[place] = entry + 1 // Of two with one id the later one.
    }
  }
}
