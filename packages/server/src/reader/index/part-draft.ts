import { encodeUtf8 } from "@postern/log/base"
import {
  boundsOf,
  encodeColumn,
  encodeMarks,
  encodeReceived,
  encodeRollup,
} from "./column-encoding.ts"
import { readInstant } from "./event-instant.ts"
import { Float64List, Uint32List } from "./growing.ts"
import { type HashKey, hashKeyOf } from "./keyed-hash.ts"
import { capture, captured, LeafScanner } from "./leaf-scanner.ts"
import {
  bytesOf,
  columns,
  encodePart,
  idFirst,
  idNone,
  idOdd,
  partPairsMax,
  partRowsMax,
  partySplit,
  partyUntyped,
  sectionKinds,
} from "./part-format.ts"
import { encodeTerms } from "./term-encoding.ts"
import { blockRows, TokenBlocks } from "./token-blocks.ts"
import { ValueTable } from "./value-table.ts"

const [action, outcome, source, actor, target, writer, stream] = [0, 1, 2, 3, 4, 5, 6]
const marks = ["manyTargets", "capped", "oddNumbers"] as const
const noRoot = new Uint8Array(32)
const partyBytesMax = 65_536 * 3

/** A part in the making: entries are added one by one; any stretch of them can be written, the whole of it as the file. */
export class PartDraft {
  readonly first: number
  readonly #seed: Uint8Array
  readonly #scanner: LeafScanner
  readonly #tokens = new TokenBlocks()
  readonly #values: readonly ValueTable[]
  readonly #rows = columns.map(() => new Uint32List())
  readonly #received = new Float64List()
  readonly #eventTimes = new Float64List()
  readonly #positions = new Uint32List()
  readonly #marks = marks.map(() => new Uint32List())
  readonly #party = new Uint8Array(partyBytesMax)
  #count = 0

  constructor(seed: Uint8Array, first: number) {
    this.#seed = seed
    this.first = first
    const key: HashKey = hashKeyOf(seed)
    this.#scanner = new LeafScanner(key, this.#tokens)
    this.#values = columns.map(() => new ValueTable(key))
  }

  get count(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count === partRowsMax || this.#tokens.hashes.length > partPairsMax
  }

  /**
   * Takes the next entry; `settle` must follow.
   * @param slotAt @param recordAt where the entry stands in its segment: its slot, and its record behind the slot's first
   * @returns index of the entry that opened its stream, undefined for what is no entry
   */
  take(leaf: Uint8Array, slotAt: number, recordAt: number): number | undefined {
    const row = this.#count
    if (row % blockRows === 0) {
      if (row > 0) this.#tokens.endBlock()
      this.#positions.push(slotAt)
      this.#positions.push(recordAt)
    }
    this.#tokens.beginRow(row)
    this.#count += 1
    const scanner = this.#scanner
    if (!scanner.scan(leaf)) {
      this.#unread()
      return undefined
    }
    this.#received.push(scanner.received)
    this.#mark(scanner.targetCount > 1, this.#tokens.isCapped, scanner.oddNumber)
    this.#eventTimes.push(this.#eventTime())
    for (const column of [action, outcome, source]) this.#rows[column]?.push(this.#text(column))
    this.#rows[actor]?.push(this.#partyId(actor, captured.actorType, scanner.oddActor))
    this.#rows[target]?.push(this.#partyId(target, captured.targetType, scanner.oddTargets))
    this.#rows[stream]?.push(this.#idOf(stream, encodeUtf8(String(scanner.open))))
    return scanner.open
  }

  /** Who wrote the entry that was taken last, undefined if that is not known. */
  settle(name: Uint8Array | undefined): void {
    this.#rows[writer]?.push(name === undefined ? idOdd : this.#idOf(writer, name))
  }

  /** A leaf that no port has written is a candidate of every question: whoever reads it hears of it, as a scan would. */
  #unread(): void {
    this.#received.push(this.#count > 1 ? (this.#received.values[this.#count - 2] as number) : 0)
    this.#eventTimes.push(Number.NaN)
    this.#mark(true, true, true)
    for (const [column, rows] of this.#rows.entries()) if (column !== writer) rows.push(idOdd)
  }

  #mark(...set: readonly boolean[]): void {
    for (const [i, isSet] of set.entries()) this.#marks[i]?.push(isSet ? 1 : 0)
  }

  #eventTime(): number {
    const { found, from, to, bytes, oddKeys } = this.#scanner
    const state = oddKeys ? capture.odd : found[captured.time]
    if (state === capture.none) return Number.POSITIVE_INFINITY
    if (state !== capture.plain) return Number.NaN
    return readInstant(bytes, from[captured.time] as number, to[captured.time] as number)
  }

  #text(column: number): number {
    const { found, from, to, bytes, decoded, oddKeys } = this.#scanner
    const state = oddKeys ? capture.odd : found[column]
    if (state === capture.none) return idNone
    if (state === capture.odd) return idOdd
    if (state === capture.decoded) return this.#idOf(column, decoded[column] as Uint8Array)
    return idFirst + (this.#values[column] as ValueTable).idOf(bytes, from[column], to[column])
  }

  /** The party whose type is the captured string of this number and whose id is the next. */
  #partyId(column: number, type: number, isOdd: boolean): number {
    const { found, oddKeys } = this.#scanner
    const [typeState, idState] = [found[type], found[type + 1]]
    if (isOdd || oddKeys || typeState === capture.odd || idState === capture.odd) return idOdd
    if (typeState === capture.none && idState === capture.none) return idNone
    // A type without an id can be asked for, and has no place in a value.
    if (idState === capture.none) return idOdd
    let length = 0
    if (typeState === capture.none) this.#party[length++] = partyUntyped
    else length = this.#copy(type, length)
    this.#party[length++] = partySplit
    length = this.#copy(type + 1, length)
    return idFirst + (this.#values[column] as ValueTable).idOf(this.#party, 0, length)
  }

  #copy(slot: number, at: number): number {
    const { found, from, to, bytes, decoded } = this.#scanner
    const text =
      found[slot] === capture.decoded
        ? (decoded[slot] as Uint8Array)
        : bytes.subarray(from[slot], to[slot])
    this.#party.set(text, at)
    return at + text.length
  }

  #idOf(column: number, value: Uint8Array): number {
    return idFirst + (this.#values[column] as ValueTable).idOf(value)
  }

  /**
   * The rows `[from, to)` as a part. `from` begins a block. Roots: of the log's tree before and behind them; not needed for what stays
   * in memory.
   */
  encode(
    from: number,
    to: number,
    rootBefore: Uint8Array = noRoot,
    root: Uint8Array = noRoot,
  ): Uint8Array<ArrayBuffer> {
    const sections = new Map<number, Uint8Array>()
    const received = this.#received.values.slice(from, to)
    const times = boundsOf(this.#eventTimes.values.subarray(from, to))
    this.#addColumns(sections, from, to, received)
    sections.set(sectionKinds.received, encodeReceived(received))
    sections.set(
      sectionKinds.eventTimes,
      Buffer.concat([bytesOf(times.lowest), bytesOf(times.highest)]),
    )
    const [fromBlock, toBlock] = [from / blockRows, Math.ceil(to / blockRows)]
    const positions = this.#positions.values.slice(fromBlock * 2, toBlock * 2)
    sections.set(sectionKinds.positions, bytesOf(positions))
    for (const [i, name] of marks.entries()) {
      const encoded = encodeMarks(Uint8Array.from(this.#marks[i]?.values.subarray(from, to) ?? []))
      if (encoded !== undefined) sections.set(sectionKinds[name], encoded)
    }
    const isOpen = toBlock > this.#tokens.ends.length
    if (isOpen) this.#tokens.peekBlock()
    const terms = encodeTerms(this.#tokens, fromBlock, toBlock, to - from)
    if (isOpen) this.#tokens.restore()
    sections.set(sectionKinds.termSkips, terms.skips)
    sections.set(sectionKinds.terms, terms.terms)
    sections.set(sectionKinds.termRows, terms.rows)
    const [receivedMin, receivedMax] = extremes(received, received)
    const [eventMin, eventMax] = extremes(times.lowest, times.highest)
    const bounds = { receivedMin, receivedMax, eventMin, eventMax }
    const header = { seed: this.#seed, first: this.first + from, count: to - from, ...bounds }
    return encodePart({ ...header, rootBefore, root }, sections)
  }

  #addColumns(sections: Map<number, Uint8Array>, from: number, to: number, received: Float64Array) {
    const encoded = this.#values.map((values, column) => {
      return encodeColumn((this.#rows[column] as Uint32List).values.slice(from, to), values)
    })
    for (const [column, { ids, dictionary }] of encoded.entries()) {
      sections.set(sectionKinds.ids + column, ids)
      sections.set(sectionKinds.dictionary + column, dictionary)
    }
    const outcomes = encoded[outcome]?.rows ?? new Uint32Array()
    sections.set(sectionKinds.rollup, encodeRollup(received, outcomes))
  }
}

function extremes(lowest: Float64Array, highest: Float64Array): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of lowest) if (value < low) low = value
  for (const value of highest) if (value > high) high = value
  return [low, high]
}
