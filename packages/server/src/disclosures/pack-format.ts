import { join } from "node:path"
import { crc32 } from "node:zlib"
import { noncePrefixBytes, tagLength } from "./aes-gcm.ts"
import type { KeyId } from "./key-name.ts"

/** The bytes and names of pack files (docs/spec/disclosures.md, Packs). Arithmetic only. */

export const packHeaderBytes = 64
export const packHeadBytes = 64
/** What a value is bound to: its head without the checksum. */
export const packBoundBytes = 60
/** A new file begins behind this. */
export const packBytesMax = 64 * 1024 * 1024

const magic = Buffer.from("postern-pack/v1\n", "latin1")

/** The beginning of a record; the sealed value follows it. */
export interface PackHead {
  /** Of ciphertext and tag. */
  readonly sealedBytes: number
  readonly key: KeyId
  /** Of the entry that names the digest. */
  readonly index: number
  /** 43 characters of base64url. */
  readonly digest: string
  /** Of the nonce. */
  readonly counter: number
}

/** @param prefix of the nonces of the file */
export function encodePackHeader(prefix: Uint8Array): Buffer {
  const header = Buffer.alloc(packHeaderBytes)
  magic.copy(header)
  header.set(prefix, magic.length)
  return withChecksum(header)
}

/** The prefix of the file's nonces; undefined if it is no pack. */
export function decodePackHeader(header: Buffer): Uint8Array | undefined {
  const isPack = hasChecksum(header, 0) && header.subarray(0, magic.length).equals(magic)
  return isPack ? header.subarray(magic.length, magic.length + noncePrefixBytes) : undefined
}

export function encodePackHead({ sealedBytes, key, index, digest, counter }: PackHead): Buffer {
  const head = Buffer.alloc(packHeadBytes)
  head.writeUInt32BE(sealedBytes, 0)
  head.writeUInt32BE(key.number, 4)
  head.write(key.mark, 8, "hex")
  head.writeUInt32BE(Math.floor(index / 2 ** 32), 16)
  head.writeUInt32BE(index % 2 ** 32, 20)
  head.write(digest, 24, "base64url")
  head.writeUInt32BE(counter, 56)
  return withChecksum(head)
}

/** Whether a whole head stands there. The others ask of one of which this was said. */
export function isPackHead(bytes: Buffer, at: number): boolean {
  return (
    at + packHeadBytes <= bytes.length &&
    hasChecksum(bytes, at) &&
    bytes.readUInt32BE(at) >= tagLength
  )
}

/** Of head and value. */
export function recordLengthAt(bytes: Buffer, at: number): number {
  return packHeadBytes + bytes.readUInt32BE(at)
}

export function indexAt(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at + 16) * 2 ** 32 + bytes.readUInt32BE(at + 20)
}

export function keyNumberAt(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at + 4)
}

export function packHeadAt(bytes: Buffer, at: number): PackHead {
  return {
    sealedBytes: bytes.readUInt32BE(at),
    key: { number: keyNumberAt(bytes, at), mark: bytes.toString("hex", at + 8, at + 16) },
    index: indexAt(bytes, at),
    digest: bytes.toString("base64url", at + 24, at + 56),
    counter: bytes.readUInt32BE(at + 56),
  }
}

/** Header and head have the same length, and their checksum at its end. */
function withChecksum(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(crc32(bytes.subarray(0, packBoundBytes)), packBoundBytes)
  return bytes
}

function hasChecksum(bytes: Buffer, at: number): boolean {
  const end = at + packBoundBytes
  return bytes.length >= end + 4 && bytes.readUInt32BE(end) === crc32(bytes.subarray(at, end))
}

/** Where packs lie, below `data/disclosures`. */
export function packDirectory(sealed: string): string {
  return join(sealed, "packs")
}

export interface PackName {
  /** The lowest index in the file. */
  readonly first: number
  /** From 1; above it where a life that ended early left a file of the same first index. */
  readonly turn: number
}

export function formatPackName({ first, turn }: PackName): string {
  const digits = String(first).padStart(16, "0")
  return turn === 1 ? `${digits}.pack` : `${digits}-${turn}.pack`
}

/** The packs among these names, in the order in which they were begun. */
export function packsAmong(names: readonly string[]): PackName[] {
  return names
    .map((name) => /^(\d{16})(?:-([1-9]\d{0,8}))?\.pack$/.exec(name))
    .filter((match) => match !== null)
    .map(([, first, turn]) => ({ first: Number(first), turn: Number(turn ?? 1) }))
    .sort((a, b) => a.first - b.first || a.turn - b.turn)
}
