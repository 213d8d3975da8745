/** The bytes of a spool file: records, one a frame, each on a 16-byte boundary (docs/spec/spool.md, Records). */
import { crc32 } from "node:zlib"
import { limits } from "@postern/log/base"

export type RecordKind = "batch" | "gap"

export interface RecordHeader {
  readonly kind: RecordKind
  readonly position: number
  readonly count: number
  readonly regionBytes: number
}

export interface FoundRecord extends RecordHeader {
  /** Where in the file its header begins. */
  readonly offset: number
}

export const recordHeaderBytes = 48
const magic = Buffer.from("pspool/1", "ascii")
const alignBytes = 16

/** The largest record of an event buffer: one event of the greatest length, or several that are not longer together. */
export const recordBytesMax = 65_536 + recordHeaderBytes

/** What a record with such a region takes in a file. */
export function recordBytes(regionBytes: number): number {
  return Math.ceil((recordHeaderBytes + regionBytes) / alignBytes) * alignBytes
}

/** Writes a whole record at `at`; returns where the next one begins. */
export function writeRecord(
  to: Buffer,
  at: number,
  record: Omit<RecordHeader, "regionBytes">,
  region: Uint8Array,
): number {
  const end = at + recordBytes(region.length)
  magic.copy(to, at)
  to.writeUInt32BE(region.length, at + 8)
  to.writeUInt32BE(record.count, at + 12)
  to.writeUInt32BE(record.kind === "batch" ? 0 : 1, at + 16)
  to.writeUInt32BE(crc32(region), at + 20)
  writeU64(to, record.position, at + 24)
  to.fill(0, at + 32, at + 44)
  to.writeUInt32BE(crc32(to.subarray(at, at + 44)), at + 44)
  to.set(region, at + recordHeaderBytes)
  to.fill(0, at + recordHeaderBytes + region.length, end)
  return end
}

/**
 * The records that a file holds, in order. Bytes that are no record, or an older one, are passed over, so what is
 * missing shows as a jump in position. Makes no assumption about the bytes.
 */
export function findRecords(file: Buffer): FoundRecord[] {
  const found: FoundRecord[] = []
  let at = 0
  while (at >= 0 && at + recordHeaderBytes <= file.length) {
    const record = readRecord(file, at)
    const last = found.at(-1)
    if (record !== undefined && (last === undefined || record.position > last.position)) {
      found.push(record)
      at += recordBytes(record.regionBytes)
    } else {
      at = nextCandidate(file, at + alignBytes)
    }
  }
  return found
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
  const kind = file.readUInt32BE(at + 16)
  const regionAt = at + recordHeaderBytes
  if (kind > 1 || regionBytes > limits.frameBytesMax || regionAt + regionBytes > file.length) {
    return undefined
  }
  const region = file.subarray(regionAt, regionAt + regionBytes)
  if (file.readUInt32BE(at + 20) !== crc32(region)) return undefined
  return {
    kind: kind === 0 ? "batch" : "gap",
    position: readU64(file, at + 24),
    count: file.readUInt32BE(at + 12),
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
