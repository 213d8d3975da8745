import { crc32 } from "node:zlib"
import { equalBytes } from "@postern/log/base"
import { hashKeyBytes } from "./keyed-hash.ts"
import { blockRows } from "./token-blocks.ts"

/** What the name of a part, its header and its sections are (docs/spec/index.md). Numbers are little-endian. */
export interface PartHeader {
  /** Of the keyed hashes; one for all parts of an index. */
  readonly seed: Uint8Array
  readonly first: number
  readonly count: number
  readonly receivedMin: number
  readonly receivedMax: number
  /** Bounds of event times; infinite if one is unknown, from +Infinity to -Infinity if there is none. */
  readonly eventMin: number
  readonly eventMax: number
  /** Roots of the log's tree before the part's first entry and behind its last. */
  readonly rootBefore: Uint8Array
  readonly root: Uint8Array
  readonly sections: readonly Section[]
}

export interface Section {
  readonly kind: number
  /** Of the whole section; 0 for those whose pieces have sums of their own. */
  readonly crc: number
  readonly at: number
  readonly length: number
}

export const sectionKinds = {
  positions: 1,
  received: 2,
  eventTimes: 3,
  manyTargets: 4,
  capped: 5,
  oddNumbers: 6,
  rollup: 7,
  termSkips: 8,
  terms: 9,
  termRows: 10,
  /** Added to the number of a column. */
  ids: 16,
  dictionary: 32,
} as const

export const columns = [
  "action",
  "outcome",
  "source",
  "actor",
  "target",
  "writer",
  "stream",
] as const
export type ColumnName = (typeof columns)[number]

/** Numbers of a column that stand for no value: there is none; there is something that only the entry itself can tell. */
export const idNone = 0
export const idOdd = 1
export const idFirst = 2
/** Between the type of a party and its id: no byte of UTF-8. In front of it, where there is no type, another such. */
export const partySplit = 0xff
export const partyUntyped = 0xfe

export const partRowsMax = 262_144
/** Pairs of a token and a block: what holds more is cut into shorter parts. */
export const partPairsMax = 6_000_000
const magic = Buffer.from("postidx1")
const tokenizerVersion = 1
const [tableAt, sectionBytes, crcBytes] = [144, 24, 4]
const sectionsMax = 64
export const headerBytesMax = tableAt + sectionsMax * sectionBytes + crcBytes

export function partName(first: number): string {
  return `${String(first).padStart(16, "0")}.part`
}

/** The header and all sections behind it, as one file. Aligns each section to eight bytes. */
export function encodePart(
  header: Omit<PartHeader, "sections">,
  sections: ReadonlyMap<number, Uint8Array>,
): Uint8Array<ArrayBuffer> {
  const headerLength = tableAt + sections.size * sectionBytes + crcBytes
  let length = aligned(headerLength)
  for (const { length: bytes } of sections.values()) length = aligned(length + bytes)
  const file = new Uint8Array(length)
  const view = new DataView(file.buffer)
  file.set(magic)
  view.setUint32(8, headerLength, true)
  view.setUint32(12, tokenizerVersion, true)
  file.set(header.seed, 16)
  view.setFloat64(32, header.first, true)
  view.setUint32(40, header.count, true)
  view.setUint32(44, sections.size, true)
  view.setFloat64(48, header.receivedMin, true)
  view.setFloat64(56, header.receivedMax, true)
  view.setFloat64(64, header.eventMin, true)
  view.setFloat64(72, header.eventMax, true)
  file.set(header.rootBefore, 80)
  file.set(header.root, 112)
  let at = aligned(headerLength)
  let row = tableAt
  for (const [kind, bytes] of sections) {
    view.setUint32(row, kind, true)
    view.setUint32(row + 4, hasOwnSums(kind) ? 0 : crc32(bytes), true)
    view.setFloat64(row + 8, at, true)
    view.setFloat64(row + 16, bytes.length, true)
    file.set(bytes, at)
    at = aligned(at + bytes.length)
    row += sectionBytes
  }
  view.setUint32(row, crc32(file.subarray(0, row)), true)
  return file
}

/**
 * The header at the start of a file of `fileBytes`; undefined if it is not one that this version has written, whole.
 * @param start the file's first headerBytesMax bytes, or all there are
 */
export function decodeHeader(start: Uint8Array, fileBytes: number): PartHeader | undefined {
  if (start.length < tableAt + crcBytes || !equalBytes(start.subarray(0, 8), magic))
    return undefined
  const view = new DataView(start.buffer, start.byteOffset, start.length)
  const headerLength = view.getUint32(8, true)
  const count = view.getUint32(40, true)
  const sectionCount = view.getUint32(44, true)
  if (view.getUint32(12, true) !== tokenizerVersion || sectionCount > sectionsMax) return undefined
  if (headerLength !== tableAt + sectionCount * sectionBytes + crcBytes) return undefined
  if (headerLength > start.length) return undefined
  const crcAt = headerLength - crcBytes
  if (view.getUint32(crcAt, true) !== crc32(start.subarray(0, crcAt))) return undefined
  const first = view.getFloat64(32, true)
  if (!Number.isSafeInteger(first) || first < 0 || count < 1 || count > partRowsMax)
    return undefined
  const sections: Section[] = []
  for (let i = 0; i < sectionCount; i++) {
    const row = tableAt + i * sectionBytes
    const at = view.getFloat64(row + 8, true)
    const length = view.getFloat64(row + 16, true)
    const isInside = at >= headerLength && length >= 0 && at + length <= fileBytes
    if (!isInside || !Number.isInteger(at) || !Number.isInteger(length) || at % 8 !== 0) return
    sections.push({
      kind: view.getUint32(row, true),
      crc: view.getUint32(row + 4, true),
      at,
      length,
    })
  }
  return {
    seed: start.slice(16, 16 + hashKeyBytes),
    first,
    count,
    receivedMin: view.getFloat64(48, true),
    receivedMax: view.getFloat64(56, true),
    eventMin: view.getFloat64(64, true),
    eventMax: view.getFloat64(72, true),
    rootBefore: start.slice(80, 112),
    root: start.slice(112, 144),
    sections,
  }
}

/** Sections that are read in pieces. */
function hasOwnSums(kind: number): boolean {
  return kind === sectionKinds.terms || kind === sectionKinds.termRows
}

export function blocksOf(rows: number): number {
  return Math.ceil(rows / blockRows)
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}

/** The bytes of numbers as they stand in a section. Every machine that Node runs on is little-endian. */
export function bytesOf(values: Uint32Array | Uint16Array | Float64Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}
