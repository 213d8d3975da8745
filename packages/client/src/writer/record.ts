/** The bytes of a spool file: records, one for each frame that is sent, each on a 16-byte boundary (docs/spec/spool.md, Records). */
import { crc32 } from "node:zlib"
import { limits } from "@postern/log/base"

const kinds = ["batch", "gap", "part"] as const
export type RecordKind = (typeof kinds)[number]

export interface RecordHeader {
  readonly kind: RecordKind
  /** Of the first event; of a part, that of its batch. */
  readonly position: number
  readonly count: number
  /** Of a batch, how many parts of disclosures stand before it; of a part, how many of its batch's parts do. */
  readonly parts: number
  /** What a batch and its parts have in common: 16 hex digits, zeros where there are no parts. */
  readonly tag: string
  readonly regionBytes: number
}

export interface FoundRecord extends RecordHeader {
  /** Where in the file its header begins. */
  readonly offset: number
}

export const recordHeaderBytes = 48
export const noTag = "0".repeat(16)
const magic = Buffer.from("pspool/1", "ascii")
const alignBytes = 16

/** The largest record of an event buffer: one event of the greatest length, or several that are not longer together. */
export const recordBytesMax = 65_536 + recordHeaderBytes

/** What a record with such a region takes in a file. */
export function recordBytes(regionBytes: number): number {
  return Math.ceil((recordHeaderBytes + regionBytes) / alignBytes) * alignBytes
}

const padding = Buffer.alloc(alignBytes)

/** A whole record in pieces that follow each other: its header, the region as it is, and what fills it up. */
export function recordPieces(
  record: Omit<RecordHeader, "regionBytes">,
  region: Buffer,
): readonly [Buffer, Buffer, Buffer] {
  const header = Buffer.allocUnsafe(recordHeaderBytes)
  magic.copy(header)
  header.writeUInt32BE(region.length, 8)
  header.writeUInt32BE(record.count, 12)
  header.writeUInt32BE(kinds.indexOf(record.kind), 16)
  header.writeUInt32BE(crc32(region), 20)
  writeU64(header, record.position, 24)
  header.writeUInt32BE(record.parts, 32)
  header.write(record.tag, 36, "hex")
  header.writeUInt32BE(crc32(header.subarray(0, 44)), 44)
  const rest = recordBytes(region.length) - recordHeaderBytes - region.length
  return [header, region, padding.subarray(0, rest)]
}

/**
 * The records that a file holds, in order. Bytes that are no record, or an older one, are passed over, so what is
 * missing shows as a jump. Makes no assumption about the bytes.
 */
export function findRecords(file: Buffer): FoundRecord[] {
  const found: FoundRecord[] = []
  let at = 0
  while (at >= 0 && at + recordHeaderBytes <= file.length) {
    const record = readRecord(file, at)
    const last = found.at(-1)
    if (record !== undefined && (last === undefined || compareRecords(record, last) > 0)) {
      found.push(record)
      at += recordBytes(record.regionBytes)
    } else {
      at = nextCandidate(file, at + alignBytes)
    }
  }
  return found
}

/** The order in which records are written. */
export function compareRecords(a: RecordHeader, b: RecordHeader): number {
  return a.position - b.position || a.parts - b.parts
}

function nextCandidate(file: Buffer, from: number): number {
  let at = file.indexOf(magic, from)
  while (at >= 0 && at % alignBytes !== 0) at = file.indexOf(magic, at + 1)
  return at
}

/** The record whose header begins at `at`; undefined unless there is one, whole. */
export function readRecord(file: Buffer, at: number): FoundRecord | undefined {
  if (at < 0 || at + recordHeaderBytes > file.length) return undefined
  if (!file.subarray(at, at + 8).equals(magic)) return undefined
  if (file.readUInt32BE(at + 44) !== crc32(file.subarray(at, at + 44))) return undefined
  const regionBytes = file.readUInt32BE(at + 8)
  const kind = kinds[file.readUInt32BE(at + 16)]
  const regionAt = at + recordHeaderBytes
  if (kind === undefined || regionBytes > limits.frameBytesMax) return undefined
  if (regionAt + regionBytes > file.length) return undefined
  const region = file.subarray(regionAt, regionAt + regionBytes)
  if (file.readUInt32BE(at + 20) !== crc32(region)) return undefined
  return {
    kind,
    position: readU64(file, at + 24),
    count: file.readUInt32BE(at + 12),
    parts: file.readUInt32BE(at + 32),
    tag: file.toString("hex", at + 36, at + 44),
    regionBytes,
    offset: at,
  }
}

/** Numbers here are our own, counted from 0: they never come near 2^53. */
export function writeU64(to: Buffer, value: number, at: number): void {
  to.writeBigUInt64BE(BigInt(value), at)
}

export function readU64(from: Buffer, at: number): number {
  return Number(from.readBigUInt64BE(at))
}
