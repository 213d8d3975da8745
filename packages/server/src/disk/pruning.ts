import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import { replaceFile } from "./durable.ts"
import { type FileSystem, readAll, readFileIfAny } from "./file-system.ts"
import { filePath, listSegments, segmentPath } from "./log-directory.ts"
import { nodeFiles } from "./node-files.ts"
import { storedBytes } from "./packing.ts"
import { type Pruned, readPruned } from "./pruned.ts"
import { openSegment } from "./segment-bytes.ts"
import { diskError } from "./segment-file.ts"
import { readSegmentStart } from "./segment-start.ts"
import { decodeSlotHeader, slotHeaderBytes } from "./slot.ts"
import { TreeBuilder } from "./tree-builder.ts"

/** Files of a segment, in the order in which they go: one that has its `.start` has the others. */
const kinds = ["start", "offsets", "seg", "segz"] as const
const fileName = /^(\d{16})\.(start|offsets|segz?)(\.new)?$/

/** A segment, and when something behind its end was first known to be durable. */
export interface SegmentAge {
  readonly first: number
  /** Index behind its last entry; undefined for the newest segment. */
  readonly end: number | undefined
  /** Of its files, in bytes. */
  readonly bytes: number
  /** When its first slot was committed, microseconds; undefined if it has none. */
  readonly began: number | undefined
}

/** All segments of a log, ascending. A slot's header is read of each, and nothing else. */
export async function readSegmentAges(
  directory: string,
  files: FileSystem = nodeFiles,
): Promise<SegmentAge[]> {
  const firsts = await listSegments(directory, files)
  const ages: SegmentAge[] = []
  for (const [i, first] of firsts.entries()) {
    let bytes = 0
    for (const kind of ["start", "offsets", "seg"] as const)
      bytes += await storedBytes(segmentPath(directory, first, kind), files)
    const began = await firstTime(segmentPath(directory, first, "seg"), files)
    ages.push({ first, end: firsts[i + 1], bytes, began })
  }
  return ages
}

async function firstTime(path: string, files: FileSystem): Promise<number | undefined> {
  // A damaged one can be removed like any other: its bytes read as none that begin a slot.
  const file = await openSegment(path, files, () => undefined)
  try {
    const bytes = new Uint8Array(slotHeaderBytes)
    await readAll(file, bytes, 0)
    return decodeSlotHeader(bytes)?.header.time
  } finally {
    await file.close()
  }
}

/** The root of the tree of all entries before a segment. Errors: LOG_DAMAGED. */
export async function rootBefore(
  directory: string,
  first: number,
  files: FileSystem = nodeFiles,
): Promise<Uint8Array> {
  const { frontier } = await readSegmentStart(directory, first, files)
  return new TreeBuilder(first, frontier).root()
}

/** What is being removed: written before the entry that says so, gone when the files are. */
export interface Intent {
  readonly to: number
  /** Entries of the log when it was written: the entry that says so comes behind. */
  readonly size: number
}

export async function writeIntent(
  directory: string,
  intent: Intent,
  files: FileSystem = nodeFiles,
): Promise<void> {
  await replaceFile(filePath(directory, "pruning"), `${JSON.stringify(intent)}\n`, files)
}

export async function readIntent(
  directory: string,
  files: FileSystem = nodeFiles,
): Promise<Intent | undefined> {
  const text = (await readFileIfAny(files, filePath(directory, "pruning")))?.toString("utf8")
  if (text === undefined) return undefined
  const { to, size } = JSON.parse(text) as Intent
  if (Number.isSafeInteger(to) && Number.isSafeInteger(size)) return { to, size }
  throw new PosternError("LOG_DAMAGED", "the file pruning has the wrong shape")
}

/** Errors: DISK_FAILED. */
export async function dropIntent(directory: string, files: FileSystem = nodeFiles): Promise<void> {
  await asDisk(async () => {
    await removeIfThere(filePath(directory, "pruning"), files)
    await files.syncDirectory(directory)
  })
}

/**
 * Removes the files of every segment below the minimum, oldest first; the names are gone for good once this returns. May be
 * called again, and after a crash at any place. Returns of how many segments there was something. Errors: DISK_FAILED.
 */
export async function removeBelow(
  directory: string,
  minimum: number,
  files: FileSystem = nodeFiles,
): Promise<number> {
  return asDisk(async () => {
    const folder = join(directory, "segments")
    const doomed = (await files.list(folder)).filter(
      (name) => fileName.test(name) && firstOf(name) < minimum,
    )
    for (const name of doomed.sort(inOrder)) await removeIfThere(join(folder, name), files)
    if (doomed.length > 0) await files.syncDirectory(folder)
    return new Set(doomed.map(firstOf)).size
  })
}

function firstOf(name: string): number {
  return Number(name.slice(0, 16))
}

function inOrder(a: string, b: string): number {
  return firstOf(a) - firstOf(b) || rankOf(a) - rankOf(b)
}

function rankOf(name: string): number {
  return (kinds as readonly string[]).indexOf(name.slice(17).replace(".new", ""))
}

/** Finishes what a life before this one has begun to remove. Errors: LOG_DAMAGED if the log does not begin where it says. */
export async function settlePruned(
  directory: string,
  files: FileSystem = nodeFiles,
): Promise<Pruned | undefined> {
  const pruned = await readPruned(directory, files)
  if (pruned === undefined) return undefined
  const { minimum } = pruned
  if (!(await listSegments(directory, files)).includes(minimum))
    throw new PosternError("LOG_DAMAGED", `there is no segment of entry ${minimum}`)
  await removeBelow(directory, minimum, files)
  return pruned
}

async function removeIfThere(path: string, files: FileSystem): Promise<void> {
  await files.remove(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error
  })
}

async function asDisk<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw diskError(error)
  }
}
