import { constants as zstd, zstdCompressSync, zstdDecompressSync } from "node:zlib"
import { equalBytes, sha256 } from "@postern/log/base"
import type { SegmentKey } from "./segment-keys.ts"

/**
 * The bytes of a compressed segment file (docs/spec/disk.md, Compressed segments, Encrypted segments): header, table of blocks,
 * blocks. Functions of their arguments; who reads and writes files is elsewhere.
 */
const magic = Buffer.from("postsegz", "latin1")
const versions = { clear: 1, encrypted: 2 } as const
const clearHeaderBytes = 96
const encryptedHeaderBytes = 192
/** So much is read to see what a file is. */
export const packedHeaderBytesMax = encryptedHeaderBytes
export const packedRowBytes = 36
const hashBytes = 32
const kidBytes = 8
const kidPattern = /^[0-9a-f]{8}$/
const kidAt = 72
/** What the wrapped key is bound to: the header up to here. */
const wrappedAt = kidAt + kidBytes
const wrappedBytes = 60
const wrappedEnd = wrappedAt + wrappedBytes
/** What each block is bound to begins with so much of the header: what is known before the first one is written. */
const factsBytes = 24
const rowsMax = 65_536
/** A writer's; large enough for zstd to find what repeats, small enough to be read for each entry of an answer. */
export const packedBlockBytes = 32_768
const blockBytesMin = 4096
const blockBytesMax = 262_144
const windowLogMax = Math.log2(blockBytesMax)
/** What zstd adds at most to a block that it cannot make smaller. */
const incompressibleBytes = 1024
/** What encryption adds to each. */
const tagBytes = 16
const spareBytes = 64

/** What the header says. */
export interface PackedHeader {
  /** Of the segment that is in it. */
  readonly bytes: number
  readonly blockBytes: number
  /** Of the whole file. */
  readonly fileBytes: number
  /** SHA-256 of the table. */
  readonly table: Uint8Array
  /** Undefined: the blocks are in clear. */
  readonly lock?: PackedLock | undefined
}

/** What an encrypted file says of its key. */
export interface PackedLock {
  /** Index of the segment's first entry. */
  readonly first: number
  /** Of the key that wraps the file's own: 8 hex digits. */
  readonly kid: string
  /** 60 bytes; zeros while the file is being written. */
  readonly wrapped: Uint8Array
}

/** Where the table begins. */
export function packedHeaderBytes({ lock }: Pick<PackedHeader, "lock">): number {
  return lock === undefined ? clearHeaderBytes : encryptedHeaderBytes
}

export function packedRows({ bytes, blockBytes }: Pick<PackedHeader, "bytes" | "blockBytes">) {
  return Math.ceil(bytes / blockBytes)
}

/** How many bytes of the segment are in a block: the last one is shorter. */
export function blockLength(header: Pick<PackedHeader, "bytes" | "blockBytes">, block: number) {
  return Math.min(header.blockBytes, header.bytes - block * header.blockBytes)
}

export function encodePackedHeader(header: PackedHeader): Uint8Array {
  const { lock, blockBytes, fileBytes, table } = header
  const bytes = Buffer.alloc(packedHeaderBytes(header))
  magic.copy(bytes)
  bytes.writeUInt32BE(lock === undefined ? versions.clear : versions.encrypted, 8)
  bytes.writeUInt32BE(blockBytes, 12)
  bytes.writeBigUInt64BE(BigInt(header.bytes), 16)
  bytes.writeBigUInt64BE(BigInt(fileBytes), 24)
  bytes.set(table, 32)
  if (lock !== undefined) {
    bytes.writeBigUInt64BE(BigInt(lock.first), 64)
    bytes.write(lock.kid, kidAt, kidBytes, "latin1")
    bytes.set(lock.wrapped, wrappedAt)
  }
  const hashAt = bytes.length - hashBytes
  bytes.set(sha256(bytes.subarray(0, hashAt)), hashAt)
  return bytes
}

/** What the key of an encrypted file is wrapped with: everything that the header says but the wrapped key itself. */
export function boundToKey(header: PackedHeader): Uint8Array {
  return encodePackedHeader(header).subarray(0, wrappedAt)
}

/** What a block of an encrypted file is sealed with: which segment it is of, and which of its blocks. */
export function boundToBlock(header: PackedHeader, block: number): Uint8Array {
  const bound = Buffer.alloc(factsBytes + 16)
  bound.set(encodePackedHeader(header).subarray(0, factsBytes))
  bound.writeBigUInt64BE(BigInt(header.lock?.first ?? 0), factsBytes)
  bound.writeBigUInt64BE(BigInt(block), factsBytes + 8)
  return bound
}

/**
 * Undefined if this is not the header of a file of this length, or one beyond the bounds.
 * @param bytes the beginning of the file, and zeros where it is shorter than the longest header
 */
export function decodePackedHeader(bytes: Uint8Array, fileBytes: number): PackedHeader | undefined {
  if (bytes.length !== packedHeaderBytesMax) return undefined
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const lock = decodeLock(view)
  if (lock !== undefined && !kidPattern.test(lock.kid)) return undefined
  const blockBytes = view.readUInt32BE(12)
  const length = Number(view.readBigUInt64BE(16))
  const header = { bytes: length, blockBytes, fileBytes, table: view.subarray(32, 64), lock }
  const isPower = Number.isInteger(Math.log2(blockBytes))
  if (!isPower || blockBytes < blockBytesMin || blockBytes > blockBytesMax) return undefined
  if (packedRows(header) > rowsMax || Number(view.readBigUInt64BE(24)) !== fileBytes)
    return undefined
  // Its hash, and whatever else is not as it is written: magic, version, zeros that are none.
  return equalBytes(encodePackedHeader(header), view.subarray(0, packedHeaderBytes({ lock })))
    ? header
    : undefined
}

function decodeLock(view: Buffer): PackedLock | undefined {
  if (view.readUInt32BE(8) !== versions.encrypted) return undefined
  return {
    first: Number(view.readBigUInt64BE(64)),
    kid: view.toString("latin1", kidAt, wrappedAt),
    wrapped: view.subarray(wrappedAt, wrappedEnd),
  }
}

/** Where the blocks of a file stand, and what is in them. */
export class PackedTable {
  readonly #header: PackedHeader
  readonly #rows: Buffer
  /** Offset of each block in the file, and of the end. */
  readonly #places: Float64Array

  private constructor(header: PackedHeader, rows: Buffer, places: Float64Array) {
    this.#header = header
    this.#rows = rows
    this.#places = places
  }

  /** Undefined if it is not the one that the header names, or does not lead to the end of the file. */
  static read(header: PackedHeader, bytes: Uint8Array): PackedTable | undefined {
    const count = packedRows(header)
    if (bytes.length !== count * packedRowBytes) return undefined
    if (!equalBytes(sha256(bytes), header.table)) return undefined
    const rows = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const places = new Float64Array(count + 1)
    let at = packedHeaderBytes(header) + rows.length
    const addedMax = incompressibleBytes + (header.lock === undefined ? 0 : tagBytes)
    for (let block = 0; block < count; block++) {
      places[block] = at
      const stored = rows.readUInt32BE(block * packedRowBytes)
      if (stored > blockLength(header, block) + addedMax) return undefined
      at += stored
    }
    places[count] = at
    return at === header.fileBytes ? new PackedTable(header, rows, places) : undefined
  }

  /** Where a block stands in the file, and its length there. */
  place(block: number): { readonly at: number; readonly bytes: number } {
    const at = this.#places[block] ?? 0
    return { at, bytes: (this.#places[block + 1] ?? at) - at }
  }

  /**
   * The segment's bytes in a block; undefined if it does not hold those that the table names. Never makes more than one block of it.
   * @param key of an encrypted file; undefined of one in clear
   */
  unpack(block: number, stored: Uint8Array, key: SegmentKey | undefined): Uint8Array | undefined {
    const length = blockLength(this.#header, block)
    if (key === undefined) {
      const bytes = inflate(stored, length)
      return bytes?.length === length && this.#names(block, bytes) ? bytes : undefined
    }
    // The tag says that it is what was sealed: the digest is for those who have not the key.
    const frame = key.open(block, boundToBlock(this.#header, block), stored)
    const bytes = frame && inflate(frame, length)
    return bytes?.length === length ? bytes : undefined
  }

  /** Whether a block of an encrypted file is as it was stored, for whoever cannot open it. */
  isAsStored(block: number, stored: Uint8Array): boolean {
    return this.#names(block, stored)
  }

  #names(block: number, bytes: Uint8Array): boolean {
    const digest = block * packedRowBytes + 4
    return equalBytes(sha256(bytes), this.#rows.subarray(digest, digest + 32))
  }
}

/** @param lengthMax above 0 */
function inflate(stored: Uint8Array, lengthMax: number): Uint8Array | undefined {
  try {
    const params = { [zstd.ZSTD_d_windowLogMax]: windowLogMax }
    // One piece of memory, in which some is left over: one that is full has Node take a second one.
    const chunkSize = lengthMax + spareBytes
    return zstdDecompressSync(stored, { maxOutputLength: lengthMax, chunkSize, params })
  } catch {
    return undefined // Not zstd, or more of it than a block: the caller says where.
  }
}

/** A block as it is stored, and its row in the table. @param seal encrypts it; undefined: it stays in clear */
export function packBlock(
  bytes: Uint8Array,
  seal?: (frame: Uint8Array) => Uint8Array,
): { stored: Uint8Array; row: Uint8Array } {
  const frame = zstdCompressSync(bytes, {
    pledgedSrcSize: bytes.length,
    chunkSize: bytes.length + incompressibleBytes,
    params: { [zstd.ZSTD_c_compressionLevel]: 3 },
  })
  const stored = seal === undefined ? frame : seal(frame)
  const row = Buffer.alloc(packedRowBytes)
  row.writeUInt32BE(stored.length)
  // No digest of what is encrypted: it would tell whoever guesses it that it is right.
  row.set(sha256(seal === undefined ? bytes : stored), 4)
  return { stored, row }
}
