import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import { type FileSystem, type OpenFile, readAll } from "./file-system.ts"
import { segmentPath } from "./log-directory.ts"
import { type FileNow, nodeFiles, openNow } from "./node-files.ts"
import { damagedBlock, headerOf, keyOf, partsOf, tableOf } from "./packed-file.ts"
import {
  blockLength,
  type PackedHeader,
  type PackedTable,
  packedHeaderBytes,
  packedHeaderBytesMax,
  packedRowBytes,
  packedRows,
} from "./packed-form.ts"
import type { SegmentKey } from "./segment-keys.ts"

/**
 * The bytes of a segment, whichever form its file has: places are those of the plain one. Every reader of segments comes through
 * here. Errors of all calls: LOG_DAMAGED if a compressed file does not hold what it says, SEGMENT_LOCKED if the key of an encrypted
 * one was not lent (lendSegmentKeys): then its length is known, and nothing that is in it.
 */
export interface SegmentBytes {
  /** Reads up to `length` bytes into `target` from `from` on. Resolves to how many; 0 at the end of the segment. */
  read(target: Uint8Array, from: number, length: number, at: number): Promise<number>
  size(): Promise<number>
  close(): Promise<void>
}

/** The same for a caller that cannot wait. */
export interface SegmentBytesNow {
  /** Whether it is the compressed form, which stays as it is. */
  readonly isPacked: boolean
  read(target: Uint8Array, length: number, at: number): number
  close(): void
}

/** Told of what is damaged or locked; then its bytes are read as 0xff, which begin no slot, and a file without a sound table as empty. */
export type OnDamage = (damage: PosternError) => void

export function packedPath(path: string): string {
  return `${path}z`
}

/**
 * Opens a segment for reading. The plain file is taken where both are there: the other one may be about to replace it.
 * Errors: ENOENT if there is neither, LOG_DAMAGED.
 * @param path of the plain file @param onDamage for those who look at damage; else it is thrown
 */
export async function openSegment(
  path: string,
  files: FileSystem = nodeFiles,
  onDamage?: OnDamage,
): Promise<SegmentBytes> {
  try {
    return await files.open(path, { access: "read" })
  } catch (plain) {
    if ((plain as NodeJS.ErrnoException).code !== "ENOENT") throw plain
    const file = await files.open(packedPath(path), { access: "read" }).catch((error) => {
      throw (error as NodeJS.ErrnoException).code === "ENOENT" ? plain : error
    })
    return readPacked(file, packedPath(path), onDamage)
  }
}

/** Opens a compressed file itself, whatever stands beside it. Closes `file` if that fails. Errors: LOG_DAMAGED. */
export async function readPacked(
  file: OpenFile,
  path: string,
  onDamage?: OnDamage,
): Promise<SegmentBytes> {
  try {
    return new PackedSegment(file, path, await readTable(file, path), onDamage)
  } catch (error) {
    if (onDamage !== undefined && error instanceof PosternError) {
      onDamage(error)
      return new EmptySegment(file)
    }
    await file.close()
    throw error
  }
}

/** What stands in a file before its blocks. */
interface Opened {
  readonly header: PackedHeader
  readonly table: PackedTable
}

async function readTable(file: OpenFile, path: string): Promise<Opened> {
  const start = new Uint8Array(packedHeaderBytesMax)
  const size = await file.size()
  await readAll(file, start, 0)
  const header = headerOf(path, start, size)
  const rows = new Uint8Array(packedRows(header) * packedRowBytes)
  await readAll(file, rows, packedHeaderBytes(header))
  return { header, table: tableOf(path, header, rows) }
}

/**
 * What a compressed file says of its key, if it is encrypted; undefined if it is in clear, or not there: a plain file beside it does
 * not count here. Errors: LOG_DAMAGED. @param path of the plain file
 */
async function readSegmentLock(
  path: string,
  files: FileSystem = nodeFiles,
): Promise<PackedHeader["lock"]> {
  const file = await openPackedIfAny(path, files)
  if (file === undefined) return undefined
  try {
    const start = new Uint8Array(packedHeaderBytesMax)
    await readAll(file, start, 0)
    return headerOf(packedPath(path), start, await file.size()).lock
  } finally {
    await file.close()
  }
}

/** A sealed segment that is compressed. */
export interface CompressedSegment {
  readonly first: number
  /** Id of the key that wraps its own; undefined: it is in clear. */
  readonly kid: string | undefined
}

/**
 * Those of a log whose header is whole, ascending: of each nothing else is read. None where no log was made yet: a directory that an
 * installation left for it is empty.
 */
export async function listCompressed(
  directory: string,
  files: FileSystem = nodeFiles,
): Promise<CompressedSegment[]> {
  const found: CompressedSegment[] = []
  const names = await files.list(join(directory, "segments")).catch((error) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
    return []
  })
  for (const name of names.sort()) {
    if (!/^\d{16}\.segz$/.test(name)) continue
    const first = Number(name.slice(0, 16))
    try {
      const lock = await readSegmentLock(segmentPath(directory, first, "seg"), files)
      found.push({ first, kid: lock?.kid })
    } catch (error) {
      // What is damaged is for others to find.
      if (!(error instanceof PosternError) || error.code !== "LOG_DAMAGED") throw error
    }
  }
  return found
}

/**
 * Looks through the blocks of an encrypted segment that nobody can open here: each must be as it was stored, and what is in it is not
 * known. @param path of the plain file @param onDamage told of each that is not
 */
export async function checkLocked(
  path: string,
  onDamage: OnDamage,
  files: FileSystem = nodeFiles,
): Promise<void> {
  const file = await files.open(packedPath(path), { access: "read" })
  try {
    const { header, table } = await readTable(file, packedPath(path))
    for (let block = 0; block < packedRows(header); block++) {
      const { at, bytes } = table.place(block)
      const stored = new Uint8Array(bytes)
      await readAll(file, stored, at)
      if (!table.isAsStored(block, stored)) onDamage(damagedBlock(packedPath(path), block, at))
    }
  } finally {
    await file.close()
  }
}

async function openPackedIfAny(path: string, files: FileSystem): Promise<OpenFile | undefined> {
  try {
    return await files.open(packedPath(path), { access: "read" })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw error
  }
}

/** Of blocks that stand one behind the other, fetched at once. */
interface Stored {
  has(block: number): boolean
  of(block: number): Uint8Array
}
const storedBlocksMax = 16

class PackedSegment implements SegmentBytes {
  readonly #file: OpenFile
  readonly #path: string
  readonly #header: PackedHeader
  readonly #table: PackedTable
  readonly #onDamage: OnDamage | undefined
  /** Fetched when the first block is asked for: whoever asks for the length alone needs none. */
  readonly #key: () => SegmentKey | undefined
  #last: { readonly block: number; readonly bytes: Uint8Array } | undefined

  constructor(
    file: OpenFile,
    path: string,
    { header, table }: Opened,
    onDamage: OnDamage | undefined,
  ) {
    this.#file = file
    this.#path = path
    this.#header = header
    this.#table = table
    this.#onDamage = onDamage
    this.#key = keyOf(path, header)
  }

  async read(target: Uint8Array, from: number, length: number, at: number): Promise<number> {
    let done = 0
    let stored: Stored | undefined
    for (const part of partsOf(this.#header, at, length)) {
      if (this.#last?.block !== part.block) {
        stored = stored?.has(part.block) ? stored : await this.#stored(part.block, at + length)
        const bytes = this.#unpack(part.block, stored.of(part.block))
        this.#last = { block: part.block, bytes }
      }
      const { bytes } = this.#last
      target.set(bytes.subarray(part.from, part.from + part.bytes), from + done)
      done += part.bytes
    }
    return done
  }

  /** Blocks as they are stored, from this one on: those up to the place `end` of the segment, but not too many. */
  async #stored(block: number, end: number): Promise<Stored> {
    const behind = Math.ceil(Math.min(end, this.#header.bytes) / this.#header.blockBytes)
    const last = Math.min(behind, block + storedBlocksMax) - 1
    const { at } = this.#table.place(block)
    const { at: lastAt, bytes: lastBytes } = this.#table.place(last)
    const bytes = new Uint8Array(lastAt + lastBytes - at)
    await readAll(this.#file, bytes, at)
    return {
      has: (one) => one >= block && one <= last,
      of: (one) => {
        const place = this.#table.place(one)
        return bytes.subarray(place.at - at, place.at - at + place.bytes)
      },
    }
  }

  #unpack(block: number, stored: Uint8Array): Uint8Array {
    try {
      const bytes = this.#table.unpack(block, stored, this.#key())
      if (bytes !== undefined) return bytes
      throw damagedBlock(this.#path, block, this.#table.place(block).at)
    } catch (error) {
      if (this.#onDamage === undefined || !(error instanceof PosternError)) throw error
      this.#onDamage(error)
      return new Uint8Array(blockLength(this.#header, block)).fill(0xff)
    }
  }

  async size(): Promise<number> {
    return this.#header.bytes
  }

  close(): Promise<void> {
    this.#last = undefined
    return this.#file.close()
  }
}

class EmptySegment implements SegmentBytes {
  readonly #file: OpenFile

  constructor(file: OpenFile) {
    this.#file = file
  }

  async read(): Promise<number> {
    return 0
  }

  async size(): Promise<number> {
    return 0
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

/** Where blocks of compressed segments are kept as they are read: nobody may change them. */
export interface KeptBlocks {
  find(name: string): Uint8Array | undefined
  keep(name: string, bytes: Uint8Array, length: number): void
}

/**
 * As `openSegment`, of the machine's own file system and on this thread.
 * @param kept of all segments of the caller; blocks are named `PATH/NUMBER` by the path of the plain file
 */
export function openSegmentNow(path: string, kept: KeptBlocks): SegmentBytesNow {
  const plain = openIfAny(path)
  if (plain !== undefined) return { isPacked: false, read: plain.read, close: plain.close }
  const file = openNow(packedPath(path))
  try {
    return readPackedNow(file, path, kept)
  } catch (error) {
    file.close()
    throw error
  }
}

function openIfAny(path: string): FileNow | undefined {
  try {
    return openNow(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw error
  }
}

function readPackedNow(file: FileNow, plainPath: string, kept: KeptBlocks): SegmentBytesNow {
  const path = packedPath(plainPath)
  const start = new Uint8Array(packedHeaderBytesMax)
  file.read(start, start.length, 0)
  const header = headerOf(path, start, file.size())
  const rows = new Uint8Array(packedRows(header) * packedRowBytes)
  file.read(rows, rows.length, packedHeaderBytes(header))
  const table = tableOf(path, header, rows)
  const key = keyOf(path, header)
  const bytesOf = (block: number): Uint8Array => {
    const name = `${plainPath}/${block}`
    const known = kept.find(name)
    if (known !== undefined) return known
    const { at, bytes: length } = table.place(block)
    const stored = new Uint8Array(length)
    file.read(stored, length, at)
    const bytes = table.unpack(block, stored, key())
    if (bytes === undefined) throw damagedBlock(path, block, at)
    kept.keep(name, bytes, bytes.buffer.byteLength)
    return bytes
  }
  return {
    isPacked: true,
    read(target, length, at) {
      let done = 0
      for (const part of partsOf(header, at, length)) {
        target.set(bytesOf(part.block).subarray(part.from, part.from + part.bytes), done)
        done += part.bytes
      }
      return done
    },
    close: () => file.close(),
  }
}
