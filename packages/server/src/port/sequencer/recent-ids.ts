import type { PortMemory } from "./memory.ts"

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

/** `[at, end)` of the core's memory. */
export interface Span {
  readonly at: number
  readonly end: number
}

/** Half a SHA-256. Its words are signed here, and the keys too: of those none needs memory of its own. */
type Half = readonly [number, number, number, number]

/** An event that was looked up. */
export interface Look {
  /** Two words that stand for writer and id. */
  readonly high: number
  readonly low: number
  readonly content: Half
  /** Where it, or an event of the same id with other content, stood before. */
  readonly known: { readonly index: number; readonly same: boolean } | undefined
}

export class RecentIds {
  readonly #memory: PortMemory
  /** Of what was hashed last. */
  readonly #hash: Int32Array
  readonly #seed: number
  readonly #writers = new Map<string, number>()
  /** Entry + 1 at the place of its key, 0 = free. */
  #table = new Uint32Array(0)
  /** Two words that stand for writer and id. */
  #keys = new Int32Array(0)
  #contents = new Int32Array(0)
  #indexes = new Float64Array(0)
  #next = 0

  /** @param secret at least 4 random bytes of this process */
  constructor(secret: Uint8Array, memory: PortMemory) {
    const { core, scratch } = memory
    const { buffer, byteOffset } = core.memory
    this.#memory = memory
    this.#hash = new Int32Array(buffer, byteOffset + scratch, contentWords)
    this.#seed = new DataView(secret.buffer, secret.byteOffset).getUint32(0)
  }

  /**
   * Looks the event up and remembers it under `index` unless it is there with the same content. Gives where it, or an
   * event of the same id with other content, stood before; undefined if the id is not remembered.
   */
  meet(writer: string, id: Span, content: Span, index: number): Look["known"] {
    const look = this.look(writer, id, content)
    if (look.known?.same !== true) this.remember(look, index)
    return look.known
  }

  /** Looks the event up, and remembers nothing. */
  look(writer: string, id: Span, contentSpan: Span): Look {
    const [high, low] = this.#keyOf(writer, id)
    const content = this.#half(contentSpan)
    const entry = (this.#table[this.#placeOf(high, low)] ?? 0) - 1
    if (entry === -1) return { high, low, content, known: undefined }
    const same = this.#hasContent(entry, content)
    return { high, low, content, known: { index: this.#indexes[entry] ?? 0, same } }
  }

  /** Whether this stands as the content under the key that was looked up. */
  isContent({ high, low }: Look, content: Span): boolean {
    const entry = (this.#table[this.#placeOf(high, low)] ?? 0) - 1
    return entry !== -1 && this.#hasContent(entry, this.#half(content))
  }

  /** Remembers what was looked up under `index`, instead of what had its id before. */
  remember({ high, low, content }: Look, index: number): void {
    if (this.#next % windowMax === 0) this.#makeRoom()
    const place = this.#placeOf(high, low)
    const entry = this.#next % entriesMax
    this.#keys[2 * entry] = high
    this.#keys[2 * entry + 1] = low
    this.#contents.set(content, entry * contentWords)
    this.#indexes[entry] = index
    this.#table[place] = entry + 1
    this.#next += 1
  }

  /** The place in the table that these two words have, or get. */
  #placeOf(high: number, low: number): number {
    let place = firstPlace(high)
    for (;;) {
      const entry = (this.#table[place] ?? 0) - 1
      if (entry === -1) return place
      if (this.#keys[2 * entry] === high && this.#keys[2 * entry + 1] === low) return place
      place = (place + 1) % tableMax
    }
  }

  #half({ at, end }: Span): Half {
    const { core, scratch } = this.#memory
    core.sha256(at, end, scratch)
    const hash = this.#hash
    return [hash[0] as number, hash[1] as number, hash[2] as number, hash[3] as number]
  }

  #hasContent(entry: number, content: Half): boolean {
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
  #keyOf(writer: string, { at, end }: Span): [number, number] {
    const { memory } = this.#memory.core
    let number = this.#writers.get(writer)
    if (number === undefined) {
      number = this.#writers.size
      this.#writers.set(writer, number)
    }
    let high = this.#seed
    let low = Math.imul(number + 1, multiplier)
    for (let i = at; i < end; i++) {
      const byte = memory[i] as number
      high = Math.imul(high ^ byte, multiplier)
      high ^= high >>> 15
      low = Math.imul(low ^ byte ^ high, multiplier)
      low ^= low >>> 13
    }
    return [high | 0, low ^ number]
  }

  /** Every windowMax ids: a new table of the last windowMax, so that probing stays short and old ones are forgotten. */
  #makeRoom(): void {
    if (this.#next === 0) {
      this.#keys = new Int32Array(2 * entriesMax)
      this.#contents = new Int32Array(contentWords * entriesMax)
      this.#indexes = new Float64Array(entriesMax)
    }
    this.#table = new Uint32Array(tableMax)
    const from = Math.max(0, this.#next - windowMax)
    for (let count = from; count < this.#next; count++) {
      const entry = count % entriesMax
      let place = firstPlace(this.#keys[2 * entry] as number)
      while (this.#table[place] !== 0 && !this.#sameKey((this.#table[place] ?? 0) - 1, entry)) {
        place = (place + 1) % tableMax
      }
      this.#table[place] = entry + 1 // Of two with one id the later one.
    }
  }
}

/** Where the search for a key begins. */
function firstPlace(high: number): number {
  return (high >>> 0) % tableMax
}
