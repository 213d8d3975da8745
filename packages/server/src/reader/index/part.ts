import { crc32 } from "node:zlib"
import { timeWidth } from "./column-encoding.ts"
import { Dictionary } from "./dictionary.ts"
import {
  blocksOf,
  type ColumnName,
  columns,
  decodeHeader,
  headerBytesMax,
  idFirst,
  type PartHeader,
  type Section,
  sectionKinds,
} from "./part-format.ts"
import { PartDamaged, type PartSource } from "./part-source.ts"
import type { Rows } from "./rows.ts"
import type { SectionCache } from "./section-cache.ts"
import { findTerm, readTermHashes, type TermBytes } from "./term-reading.ts"
import { blockRows } from "./token-blocks.ts"

export type ColumnIds = Uint8Array | Uint16Array | Uint32Array

/**
 * A part, open for questions. Its header has been checked; of everything else each piece is checked when it is first read.
 * Methods throw PartDamaged.
 */
export class Part {
  readonly header: PartHeader
  readonly name: string
  readonly #source: PartSource
  readonly #cache: SectionCache
  readonly #sections = new Map<number, Section>()

  private constructor(header: PartHeader, name: string, source: PartSource, cache: SectionCache) {
    this.header = header
    this.name = name
    this.#source = source
    this.#cache = cache
    for (const section of header.sections) this.#sections.set(section.kind, section)
  }

  /** @param name of its own among all parts that share the cache. Throws PartDamaged */
  static open(name: string, source: PartSource, cache: SectionCache): Part {
    const start = source.read(0, Math.min(headerBytesMax, source.length))
    const header = decodeHeader(start, source.length)
    if (header === undefined) throw new PartDamaged("the header is not one of this version")
    return new Part(header, name, source, cache)
  }

  get first(): number {
    return this.header.first
  }

  get count(): number {
    return this.header.count
  }

  get end(): number {
    return this.header.first + this.header.count
  }

  get bytes(): number {
    return this.#source.length
  }

  get blocks(): number {
    return blocksOf(this.header.count)
  }

  close(): void {
    this.#cache.drop(this.name)
    this.#source.close()
  }

  #kept<T extends object>(what: string, read: () => { value: T; bytes: number }): T {
    return this.#cache.get(`${this.name}/${what}`, read)
  }

  /** A whole section, its sum checked. */
  #section(kind: number): Uint8Array {
    const section = this.#sections.get(kind)
    if (section === undefined) throw new PartDamaged(`section ${kind} is missing`)
    const bytes = this.#source.read(section.at, section.length)
    if (crc32(bytes) !== section.crc) throw new PartDamaged(`section ${kind} has another sum`)
    return bytes
  }

  /** A piece of a section whose pieces have sums of their own. */
  #piece(kind: number, at: number, length: number, crc: number): Uint8Array {
    const section = this.#sections.get(kind)
    if (section === undefined || at + length > section.length)
      throw new PartDamaged(`section ${kind} is short`)
    const bytes = this.#source.read(section.at + at, length)
    if (crc32(bytes) !== crc) throw new PartDamaged(`a piece of section ${kind} has another sum`)
    return bytes
  }

  ids(column: ColumnName): ColumnIds | number {
    const limit = this.dictionary(column).count + idFirst
    const { ids } = this.#kept(`ids ${column}`, () => {
      const section = this.#section(sectionKinds.ids + columns.indexOf(column))
      const ids = decodeIds(section, this.count, limit)
      return { value: { ids }, bytes: typeof ids === "number" ? 8 : ids.byteLength }
    })
    return ids
  }

  dictionary(column: ColumnName): Dictionary {
    return this.#kept(`dictionary ${column}`, () => {
      const section = this.#section(sectionKinds.dictionary + columns.indexOf(column))
      const dictionary = new Dictionary(section)
      return { value: dictionary, bytes: dictionary.bytes }
    })
  }

  /** What somebody has worked out about this part, if it is still kept; to keep it, `keep`. */
  find<T extends object>(what: string): T | undefined {
    return this.#cache.find<T>(`${this.name}/${what}`)
  }

  keep(what: string, value: object, bytes: number): void {
    this.#cache.keep(`${this.name}/${what}`, value, bytes + what.length * 2)
  }

  /** Rows that are marked; none of most kinds are. */
  marks(kind: "manyTargets" | "capped" | "oddNumbers"): Rows {
    if (!this.#sections.has(sectionKinds[kind])) return "none"
    return this.#kept(`marks ${kind}`, () => {
      const section = this.#section(sectionKinds[kind])
      if (section.length !== this.blocks * 4) throw new PartDamaged("marks: length")
      return {
        value: new Int32Array(section.buffer, section.byteOffset, this.blocks),
        bytes: section.length,
      }
    })
  }

  /** Slot and record of each block's first row. */
  positions(): Uint32Array {
    return this.#kept("positions", () => {
      const section = this.#section(sectionKinds.positions)
      if (section.length !== this.blocks * 8) throw new PartDamaged("positions: length")
      return {
        value: new Uint32Array(section.buffer, section.byteOffset, this.blocks * 2),
        bytes: section.length,
      }
    })
  }

  eventTimes(): BlockBounds {
    return this.#kept("event times", () => {
      const section = this.#section(sectionKinds.eventTimes)
      if (section.length !== this.blocks * 16) throw new PartDamaged("event times: length")
      return { value: boundsAt(section, this.blocks), bytes: section.length }
    })
  }

  received(): ReceivedTimes {
    return this.#kept("received", () => {
      const section = this.#section(sectionKinds.received)
      return { value: new ReceivedTimes(section, this.count), bytes: section.length }
    })
  }

  /** As encodeRollup writes it. */
  rollup(): Uint8Array {
    return this.#kept("roll-up", () => {
      const section = this.#section(sectionKinds.rollup)
      return { value: section, bytes: section.length }
    })
  }

  #skips(): Uint32Array {
    return this.#kept("skips", () => {
      const section = this.#section(sectionKinds.termSkips)
      if (section.length % 12 !== 4) throw new PartDamaged("skips: length")
      const { buffer, byteOffset, length } = section
      return { value: new Uint32Array(buffer, byteOffset, length / 4), bytes: length }
    })
  }

  readonly #termBytes: TermBytes = {
    terms: (at, length, crc) => this.#piece(sectionKinds.terms, at, length, crc),
    rows: (at, length, crc) => this.#piece(sectionKinds.termRows, at, length, crc),
  }

  /** Rows in which a token with this hash may stand; what is marked as capped may hold it besides. */
  term(hash: number): Rows {
    const index = { skips: this.#skips(), blocks: this.blocks, rows: this.count }
    return findTerm(index, this.#termBytes, hash)
  }

  /** Hashes of all terms, ascending. */
  termHashes(): Uint32Array {
    return readTermHashes(this.#skips(), this.#termBytes)
  }
}

export interface BlockBounds {
  readonly lowest: Float64Array
  readonly highest: Float64Array
}

function boundsAt(section: Uint8Array, blocks: number): BlockBounds {
  const { buffer, byteOffset } = section
  return {
    lowest: new Float64Array(buffer, byteOffset, blocks),
    highest: new Float64Array(buffer, byteOffset + blocks * 8, blocks),
  }
}

function decodeIds(section: Uint8Array, count: number, limit: number): ColumnIds | number {
  const { buffer, byteOffset, length } = section
  const [width = 9, one = 0] = new Uint32Array(buffer, byteOffset, 2)
  if (length !== 8 + width * count || width > 4) throw new PartDamaged("column: length")
  if (width === 0) {
    if (one >= limit) throw new PartDamaged("column: a number without a value")
    return one
  }
  const ids = decodeWidth(section, width, count)
  let highest = 0
  for (let row = 0; row < count; row++) {
    const id = ids[row] as number
    if (id > highest) highest = id
  }
  if (highest >= limit) throw new PartDamaged("column: a number without a value")
  return ids
}

function decodeWidth(section: Uint8Array, width: number, count: number): ColumnIds {
  const { buffer, byteOffset } = section
  if (width === 1) return new Uint8Array(buffer, byteOffset + 8, count)
  if (width === 2) return new Uint16Array(buffer, byteOffset + 8, count)
  if (width === 4) return new Uint32Array(buffer, byteOffset + 8, count)
  const low = new Uint16Array(buffer, byteOffset + 8, count)
  const high = new Uint8Array(buffer, byteOffset + 8 + 2 * count, count)
  // A loop: what takes a function for each row is ten times as slow.
  const ids = new Uint32Array(count)
  for (let row = 0; row < count; row++) {
    ids[row] = (low[row] as number) | ((high[row] as number) << 16)
  }
  return ids
}

/** When each row was received, to the microsecond. */
export class ReceivedTimes implements BlockBounds {
  readonly lowest: Float64Array
  readonly highest: Float64Array
  readonly #offsets: Uint32Array
  readonly #rows: DataView
  readonly #count: number

  /** @throws PartDamaged */
  constructor(section: Uint8Array, count: number) {
    const blocks = blocksOf(count)
    if (section.length < blocks * 20) throw new PartDamaged("received: length")
    const { lowest, highest } = boundsAt(section, blocks)
    this.lowest = lowest
    this.highest = highest
    this.#count = count
    this.#offsets = new Uint32Array(section.buffer, section.byteOffset + blocks * 16, blocks)
    this.#rows = new DataView(
      section.buffer,
      section.byteOffset + blocks * 20,
      section.length - blocks * 20,
    )
    for (let block = 0; block < blocks; block++) {
      const rows = Math.min(blockRows, count - block * blockRows)
      const end = (this.#offsets[block] as number) + rows * this.#width(block)
      if (end > this.#rows.byteLength) throw new PartDamaged("received: a block is cut off")
    }
  }

  #width(block: number): number {
    return timeWidth((this.highest[block] as number) - (this.lowest[block] as number))
  }

  at(row: number): number {
    const block = row >>> 5
    const width = this.#width(block)
    const lowest = this.lowest[block] as number
    if (width === 0) return lowest
    const at = (this.#offsets[block] as number) + (row % blockRows) * width
    if (width === 1) return lowest + this.#rows.getUint8(at)
    if (width === 2) return lowest + this.#rows.getUint16(at, true)
    return lowest + (width === 4 ? this.#rows.getUint32(at, true) : this.#rows.getFloat64(at, true))
  }

  /** Rows received within `[from, until)`. */
  within(from: number, until: number): Rows {
    const { lowest, highest } = this
    const words = new Int32Array(lowest.length)
    let [some, every] = [0, true]
    for (let block = 0; block < words.length; block++) {
      const [low, high] = [lowest[block] as number, highest[block] as number]
      let word = 0
      if (low >= from && high < until) word = -1
      else if (high >= from && low < until) word = this.#rowsWithin(block, from, until)
      if (word !== -1) every = false
      some |= word
      words[block] = word
    }
    if (some === 0) return "none"
    return every ? "all" : words
  }

  #rowsWithin(block: number, from: number, until: number): number {
    let word = 0
    const end = Math.min(this.#count, (block + 1) * blockRows)
    for (let row = block * blockRows; row < end; row++) {
      const time = this.at(row)
      if (time >= from && time < until) word |= 1 << (row % blockRows)
    }
    return word
  }
}
