import { crc32 } from "node:zlib"
import { type KeyId, type KeyName, tagBytes } from "./key-name.ts"

/** The bytes of the file of wrapped keys (docs/spec/disclosures.md, Personal keys). Arithmetic only; opens nothing. */

export const recordBytes = 128
/** As long as a record, so that a key's number is its place. */
export const headerBytes = recordBytes
export const wrappedBytes = 60
/** What a wrapped key is bound to: the record up to here. */
export const boundBytes = 64

const magic = Buffer.from("postern-keys/v1\n", "latin1")
const kinds = { subject: 1, class: 2 } as const
/** Added to the kind of a key that was destroyed. */
const destroyedBit = 0x80
const nameAt = 32
const wrappedAt = boundBytes
const checksumAt = 124
const unknownEntry = 0xffff_ffff_ffff_ffffn

export interface KeyRecord {
  readonly id: KeyId
  readonly kind: keyof typeof kinds
  /** Of the class and its month; undefined for a subject, whose name is nowhere. */
  readonly name: Extract<KeyName, { class: string }> | undefined
  /** Undefined: it was destroyed. */
  readonly held: { readonly tag: Buffer; readonly wrapped: Buffer } | undefined
  /** The entry that says so, of a key that was destroyed. */
  readonly entry: number | undefined
}

/** Of the key that wraps all keys of a file. */
export interface KeyHeader {
  /** From 1. */
  readonly generation: number
  /** When it was made, in milliseconds since 1970-01-01 UTC. */
  readonly since: number
}

export function encodeHeader({ generation, since }: KeyHeader): Buffer {
  const header = Buffer.alloc(headerBytes)
  magic.copy(header)
  header.writeUInt32BE(generation, magic.length)
  header.writeBigUInt64BE(BigInt(since), magic.length + 4)
  return withChecksum(header)
}

/** Undefined if it is no such file. */
export function decodeHeader(header: Uint8Array): KeyHeader | undefined {
  const bytes = Buffer.from(header.buffer, header.byteOffset, header.length)
  if (!hasChecksum(bytes) || bytes.compare(magic, 0, magic.length, 0, magic.length) !== 0) {
    return undefined
  }
  const since = Number(bytes.readBigUInt64BE(magic.length + 4))
  return { generation: bytes.readUInt32BE(magic.length), since }
}

/** A record without its wrapped key and its checksum: what the key is bound to, and room for it. */
export function encodeBound(id: KeyId, name: KeyName, tag: Uint8Array): Buffer {
  const record = Buffer.alloc(recordBytes)
  record[0] = "subject" in name ? kinds.subject : kinds.class
  record.writeUInt32BE(id.number, 4)
  record.write(id.mark, 8, "hex")
  record.set(tag, 16)
  if ("class" in name) record.write(`${name.class} ${name.month}`, nameAt, "latin1")
  return record
}

export function completeRecord(bound: Buffer, wrapped: Uint8Array): Buffer {
  bound.set(wrapped, wrappedAt)
  return withChecksum(bound)
}

/** The record of a key once it is destroyed: nothing of it but its id, and which entry says so. */
export function encodeDestroyed(record: Buffer, entry: number | undefined): Buffer {
  const destroyed = Buffer.from(record)
  destroyed[0] = (destroyed[0] ?? 0) | destroyedBit
  destroyed.fill(0, 16, nameAt)
  destroyed.fill(0, wrappedAt)
  destroyed.writeBigUInt64BE(entry === undefined ? unknownEntry : BigInt(entry), wrappedAt)
  return withChecksum(destroyed)
}

/** Views of the bytes. Undefined if they are not the whole record of the key with this number. */
export function decodeRecord(record: Buffer, number: number): KeyRecord | undefined {
  if (record.length !== recordBytes || !hasChecksum(record)) return undefined
  if (record.readUInt32BE(4) !== number) return undefined
  const isDestroyed = ((record[0] ?? 0) & destroyedBit) !== 0
  const kind = (record[0] ?? 0) & ~destroyedBit
  if (kind !== kinds.subject && kind !== kinds.class) return undefined
  const entry = isDestroyed ? record.readBigUInt64BE(wrappedAt) : unknownEntry
  return {
    id: { number, mark: record.toString("hex", 8, 16) },
    kind: kind === kinds.subject ? "subject" : "class",
    name: kind === kinds.class ? nameIn(record) : undefined,
    held: isDestroyed
      ? undefined
      : {
          tag: record.subarray(16, 16 + tagBytes),
          wrapped: record.subarray(wrappedAt, wrappedAt + wrappedBytes),
        },
    entry: entry === unknownEntry ? undefined : Number(entry),
  }
}

function nameIn(record: Buffer): { class: string; month: string } {
  const text = record.toString("latin1", nameAt, boundBytes).replace(/\0+$/, "")
  const [name = "", month = ""] = text.split(" ")
  return { class: name, month }
}

function withChecksum(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(crc32(bytes.subarray(0, checksumAt)), checksumAt)
  return bytes
}

function hasChecksum(bytes: Buffer): boolean {
  if (bytes.length < recordBytes) return false
  return bytes.readUInt32BE(checksumAt) === crc32(bytes.subarray(0, checksumAt))
}
