import { dirname, join } from "node:path"
import { PosternError, sha256 } from "@postern/log/base"
import { type FileSystem, readAll, writeAll } from "./file-system.ts"
import { listSegments, segmentPath } from "./log-directory.ts"
import { nodeFiles } from "./node-files.ts"
import {
  boundToBlock,
  boundToKey,
  encodePackedHeader,
  type PackedHeader,
  packBlock,
  packedBlockBytes,
  packedHeaderBytes,
  packedRowBytes,
  packedRows,
} from "./packed-form.ts"
import { readPacked } from "./segment-bytes.ts"
import { diskError, syncFile } from "./segment-file.ts"
import type { SegmentKey, SegmentKeyMaker } from "./segment-keys.ts"

/** So much is synced at a time: a long sync holds up those of the commits. */
const syncBytes = 4 * 1024 * 1024

/** Lengths of a segment's two forms. */
export interface Packed {
  readonly plain: number
  readonly packed: number
}

/**
 * Writes the compressed form of a sealed segment beside it, under a name that nobody reads, syncs it, and reads it back: it is there, byte for
 * byte the same, once this returns. Changes nothing else. Errors: LOG_DAMAGED if it is not the same, SEGMENT_LOCKED if it cannot be
 * opened again, DISK_FULL, DISK_FAILED.
 * @param keys for an encrypted one: those that were lent must open what these have made
 */
export async function packSegment(
  directory: string,
  first: number,
  files: FileSystem = nodeFiles,
  blockBytes: number = packedBlockBytes,
  keys?: SegmentKeyMaker,
): Promise<Packed> {
  const path = segmentPath(directory, first, "seg")
  const beside = unfinishedPath(directory, first)
  try {
    const made = keys && { first, ...keys.make() }
    const lengths = await pack(path, beside, files, { blockBytes, made })
    await compare(path, beside, files, blockBytes)
    return lengths
  } catch (error) {
    await removeIfThere(beside, files)
    throw error instanceof PosternError ? error : diskError(error)
  }
}

interface Form {
  readonly blockBytes: number
  /** Undefined: in clear. */
  readonly made: (ReturnType<SegmentKeyMaker["make"]> & { readonly first: number }) | undefined
}

async function pack(
  path: string,
  beside: string,
  files: FileSystem,
  { blockBytes, made }: Form,
): Promise<Packed> {
  const plain = await files.open(path, { access: "read" })
  const file = await files.open(beside, { access: "replace" })
  try {
    const bytes = await plain.size()
    const lock = made && { first: made.first, kid: made.kid, wrapped: new Uint8Array(0) }
    const draft = { bytes, blockBytes, fileBytes: 0, table: new Uint8Array(32), lock }
    const rows = new Uint8Array(packedRows(draft) * packedRowBytes)
    let at = packedHeaderBytes(draft) + rows.length
    let synced = at
    for (let block = 0; block * blockBytes < bytes; block++) {
      const piece = new Uint8Array(Math.min(blockBytes, bytes - block * blockBytes))
      const filled = await readAll(plain, piece, block * blockBytes)
      if (filled < piece.length) throw changed(path)
      const { stored, row } = packBlock(piece, made && sealing(made.key, draft, block))
      rows.set(row, block * packedRowBytes)
      await writeAll(file, stored, at)
      at += stored.length
      if (at - synced >= syncBytes) {
        await syncFile(file)
        synced = at
      }
    }
    await writeAll(file, rows, packedHeaderBytes(draft))
    // Last: what was cut off before has no header.
    const header = { ...draft, fileBytes: at, table: sha256(rows) }
    const wrapped = made?.wrap(boundToKey(header))
    const whole = wrapped && lock ? { ...header, lock: { ...lock, wrapped } } : header
    await writeAll(file, encodePackedHeader(whole), 0)
    await syncFile(file)
    return { plain: bytes, packed: at }
  } finally {
    await plain.close()
    await file.close()
  }
}

function sealing(key: SegmentKey, draft: PackedHeader, block: number) {
  return (frame: Uint8Array) => key.seal(block, boundToBlock(draft, block), frame)
}

async function compare(
  path: string,
  beside: string,
  files: FileSystem,
  blockBytes: number,
): Promise<void> {
  const plain = await files.open(path, { access: "read" })
  try {
    const packed = await readPacked(await files.open(beside, { access: "read" }), beside)
    try {
      const size = await plain.size()
      if (size !== (await packed.size())) throw changed(path)
      const [one, other] = [Buffer.alloc(blockBytes), Buffer.alloc(blockBytes)]
      for (let at = 0; at < size; at += blockBytes) {
        const filled = await readAll(plain, one, at)
        const same = (await readAll(packed, other, at)) === filled
        if (!same || !one.subarray(0, filled).equals(other.subarray(0, filled))) throw changed(path)
      }
    } finally {
      await packed.close()
    }
  } finally {
    await plain.close()
  }
}

/**
 * Puts what `packSegment` has made in the place of the plain file, for the one writer of the directory. Durable before the plain
 * one goes: a crash leaves one of them or both, and with both the plain one is read. Errors: LOG_DAMAGED, DISK_FULL, DISK_FAILED.
 */
export async function adoptPacked(
  directory: string,
  first: number,
  files: FileSystem = nodeFiles,
): Promise<void> {
  const path = segmentPath(directory, first, "seg")
  const packed = segmentPath(directory, first, "segz")
  try {
    await sameLength(path, unfinishedPath(directory, first), files)
    await files.rename(unfinishedPath(directory, first), packed)
    await files.syncDirectory(dirname(packed))
    // Point of no return: from here on the plain file is not needed.
    await files.remove(path)
  } catch (error) {
    throw error instanceof PosternError ? error : diskError(error)
  }
}

/** Whoever made it says that it is the same; here it is at least looked at that it is whole. */
async function sameLength(path: string, beside: string, files: FileSystem): Promise<void> {
  const packed = await readPacked(await files.open(beside, { access: "read" }), beside)
  const bytes = await packed.size().finally(() => packed.close())
  const plain = await files.open(path, { access: "read" })
  const size = await plain.size().finally(() => plain.close())
  if (bytes !== size) throw changed(path)
}

/** What a compressed form is called until it is adopted. */
function unfinishedPath(directory: string, first: number): string {
  return `${segmentPath(directory, first, "segz")}.new`
}

/** Removes what was made for a segment and is not to be adopted. Errors: DISK_FAILED. */
export async function dropPacked(
  directory: string,
  first: number,
  files: FileSystem = nodeFiles,
): Promise<void> {
  await removeIfThere(unfinishedPath(directory, first), files).catch((error) => {
    throw diskError(error)
  })
}

/** First indexes of the segments below `end` that are there in the plain form, ascending. */
export async function listPlain(
  directory: string,
  end: number,
  files: FileSystem = nodeFiles,
): Promise<number[]> {
  const names = new Set(await files.list(join(directory, "segments")))
  return [...names]
    .filter((name) => /^\d{16}\.seg$/.test(name) && names.has(name.replace(/seg$/, "start")))
    .map((name) => Number(name.slice(0, 16)))
    .filter((first) => first < end)
    .sort((a, b) => a - b)
}

/**
 * At the start of the writer: removes what was being made, and refuses a log whose newest segment is a compressed one, for only sealed ones
 * are: what comes behind it is not there. Errors: LOG_DAMAGED, DISK_FAILED.
 */
export async function settlePacked(
  directory: string,
  files: FileSystem = nodeFiles,
): Promise<void> {
  const folder = join(directory, "segments")
  const names = await files.list(folder)
  for (const name of names) {
    if (/^\d{16}\.segz\.new$/.test(name)) await removeIfThere(join(folder, name), files)
  }
  const newest = (await listSegments(directory, files)).at(-1)
  if (newest === undefined) return
  const path = segmentPath(directory, newest, "segz")
  const there = new Set(names.map((name) => join(folder, name)))
  if (!there.has(path) || there.has(segmentPath(directory, newest, "seg"))) return
  const what = "it was sealed, and the segment behind it is not there"
  throw new PosternError("LOG_DAMAGED", `${path}: ${what}`)
}

/** Of a segment's file, in either form, in bytes. Errors: ENOENT. */
export async function storedBytes(path: string, files: FileSystem = nodeFiles): Promise<number> {
  const file = await files.open(path, { access: "read" }).catch((error) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
    return files.open(`${path}z`, { access: "read" })
  })
  return file.size().finally(() => file.close())
}

async function removeIfThere(path: string, files: FileSystem): Promise<void> {
  await files.remove(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error
  })
}

function changed(path: string): PosternError {
  return new PosternError("LOG_DAMAGED", `${path}: its compressed form is not the same`)
}
