import { bucketValues } from "./column-encoding.ts"
import { Uint32List } from "./growing.ts"
import { idFirst, idNone, idOdd } from "./part-format.ts"
import { PartDamaged } from "./part-source.ts"
import { readVarint, type VarintCursor } from "./varint.ts"

/** Few values of a large dictionary have so many rows. */
const commonRows = 32

export interface CommonValues {
  readonly ids: Uint32Array
  readonly counts: Uint32Array
  readonly least: number
}

/** The values of a column, ascending by their bytes, and how many rows have each. Numbers as in the column: from idFirst on. */
export class Dictionary {
  readonly count: number
  /** Rows without a value, and rows of which only the entry itself can tell. */
  readonly none: number
  readonly odd: number
  readonly #countsAt: number
  readonly #offsets: Uint32Array
  readonly #strings: Uint8Array

  /** @throws PartDamaged */
  constructor(section: Uint8Array) {
    const words = new Uint32Array(section.buffer, section.byteOffset, section.length >>> 2)
    const [count = 0, buckets = 0, none = 0, odd = 0] = words
    if (buckets !== Math.ceil(count / bucketValues)) throw new PartDamaged("dictionary: buckets")
    const end = 5 + buckets
    if (!(end <= words.length)) throw new PartDamaged("dictionary: length")
    this.count = count
    this.none = none
    this.odd = odd
    this.#offsets = words.subarray(4, end)
    this.#strings = section.subarray(end * 4)
    this.#countsAt = this.#offsets.at(-1) as number
    if (this.#countsAt + count > this.#strings.length) throw new PartDamaged("dictionary: strings")
  }

  /** By number, idNone and idOdd first: rows that have it. Read when first asked for: whoever looks for one value needs none. */
  get rows(): Uint32Array {
    if (this.#rows === undefined) {
      const { length } = this.#strings
      const rows = new Uint32Array(this.count + idFirst)
      rows[idNone] = this.none
      rows[idOdd] = this.odd
      const cursor: VarintCursor = { bytes: this.#strings, at: this.#countsAt, end: length }
      for (let id = idFirst; id < rows.length; id++) rows[id] = readVarint(cursor)
      this.#rows = rows
    }
    return this.#rows
  }
  #rows: Uint32Array | undefined

  /** The values that have `commonRows` or more, by their numbers. */
  get common(): CommonValues {
    if (this.#common === undefined) {
      const { rows } = this
      const common = new Uint32List()
      for (let id = idFirst; id < rows.length; id++)
        if ((rows[id] as number) >= commonRows) common.push(id)
      const ids = common.values.slice(0, common.length)
      this.#common = { ids, counts: ids.map((id) => rows[id] as number), least: commonRows }
    }
    return this.#common
  }
  #common: CommonValues | undefined

  /** Bytes of memory, once everything has been asked for. */
  get bytes(): number {
    return (
      this.#strings.byteLength +
      this.#offsets.byteLength +
      (this.count + idFirst) * 4 * (1 + 2 / commonRows)
    )
  }

  /** The bytes of a value by its number. */
  valueOf(id: number): Uint8Array {
    const place = id - idFirst
    let value: Uint8Array = new Uint8Array()
    this.#walk(Math.floor(place / bucketValues), (at, bytes, length) => {
      if (at === place) value = bytes.slice(0, length)
      return at < place
    })
    return value
  }

  /** The number of the first value that is not below `key`; idFirst + count if there is none. */
  lowerBound(key: Uint8Array): number {
    let low = 0
    let high = Math.ceil(this.count / bucketValues)
    while (low < high) {
      const middle = (low + high) >>> 1
      if (Buffer.compare(this.#head(middle), key) <= 0) low = middle + 1
      else high = middle
    }
    // The first bucket whose head is above the key: what is sought stands in the one before, or at its head.
    let found = Math.min(low * bucketValues, this.count)
    if (low === 0) return idFirst
    this.#walk(low - 1, (at, bytes, length) => {
      if (Buffer.compare(bytes.subarray(0, length), key) < 0) return true
      found = at
      return false
    })
    return idFirst + found
  }

  /** The number of a value; undefined if it is not there. */
  idOf(value: Uint8Array): number | undefined {
    const id = this.lowerBound(value)
    const isThere = id < idFirst + this.count && Buffer.compare(this.valueOf(id), value) === 0
    return isThere ? id : undefined
  }

  /** All values of the numbers `[from, to)`, in order. */
  visit(from: number, to: number, see: (id: number, value: Uint8Array) => void): void {
    this.visitBytes(from, to, (id, bytes, length) => see(id, bytes.slice(0, length)))
  }

  /** The same without an object for each: the value is what `bytes` begins with, until the next is seen. */
  visitBytes(
    from: number,
    to: number,
    see: (id: number, bytes: Uint8Array, length: number) => void,
  ): void {
    for (
      let bucket = Math.floor((from - idFirst) / bucketValues);
      bucket * bucketValues < to - idFirst;
      bucket++
    ) {
      this.#walk(bucket, (at, bytes, length) => {
        const id = at + idFirst
        if (id >= from && id < to) see(id, bytes, length)
        return id < to
      })
    }
  }

  #head(bucket: number): Uint8Array {
    let head: Uint8Array = new Uint8Array()
    this.#walk(bucket, (_, bytes, length) => {
      head = bytes.slice(0, length)
      return false
    })
    return head
  }

  /**
   * Values of a bucket, as long as `see` says so. `bytes` begins with the value and is used again for the next: no object per value.
   */
  #walk(bucket: number, see: (place: number, bytes: Uint8Array, length: number) => boolean): void {
    const end = this.#offsets[bucket + 1] ?? 0
    const cursor: VarintCursor = { bytes: this.#strings, at: this.#offsets[bucket] ?? 0, end }
    let before = 0
    const last = Math.min(this.count, (bucket + 1) * bucketValues)
    for (let place = bucket * bucketValues; place < last; place++) {
      const shared = readVarint(cursor)
      const length = shared + readVarint(cursor)
      const from = cursor.at
      cursor.at += length - shared
      if (shared > before || cursor.at > end) throw new PartDamaged("dictionary: value")
      if (length > this.#value.length) this.#lengthen(length)
      for (let at = shared; at < length; at++)
        this.#value[at] = this.#strings[from + at - shared] as number
      if (!see(place, this.#value, length)) return
      before = length
    }
  }
  #value: Uint8Array = new Uint8Array(256)

  #lengthen(length: number): void {
    const longer = new Uint8Array(length * 2)
    longer.set(this.#value)
    this.#value = longer
  }
}
