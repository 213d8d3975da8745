import { equalBytes, formatBase64, PosternError } from "@postern/log/base"
import { type FileSystem, readFileIfAny } from "./file-system.ts"
import { decodeHead } from "./head-record.ts"
import { filePath, type LogDirectory, listSegments, segmentPath } from "./log-directory.ts"
import { nodeFiles } from "./node-files.ts"
import { readSegmentStart, type SegmentStart } from "./segment-start.ts"
import type { SideFile } from "./side-file.ts"
import { damaged, type ReadSlot, slotBehind, walkSlots } from "./slot-walker.ts"
import { TreeBuilder } from "./tree-builder.ts"

/** The end of the log as its own bytes show it. */
export interface RecoveredEnd {
  /** Number of the next slot. */
  readonly slot: number
  readonly size: number
  readonly previous: Uint8Array
  readonly root: Uint8Array
  readonly frontier: Uint8Array
  readonly segment: SegmentStart
  /** Offset behind the last slot in the segment. */
  readonly end: number
  /** When the last slot was committed, microseconds; 0 if the segment has none. */
  readonly time: number
  /** The newest segment's last slot, whose receipt was never stored; `root` is its range root. */
  readonly lastSlot: LastSlot | undefined
}

export interface LastSlot {
  /** Where it stands in the segment, and its length. */
  readonly at: number
  readonly bytes: number
  readonly first: number
  readonly count: number
  /** Undefined for a slot without entries. */
  readonly root: Uint8Array | undefined
}

/** Called for each slot of the newest segment, oldest first. The slot's bytes hold until it returns. */
export interface SlotVisitor {
  begin(start: SegmentStart): void
  slot(slot: ReadSlot): void
}

export interface SideFiles {
  hashes(level: number): Promise<SideFile>
  offsets: SideFile
}

/**
 * Finds the end of the log: replays the newest segment, re-deriving every hash, and rewrites what is derived from it.
 * Errors: LOG_DAMAGED if a slot that was once durable is missing or wrong, LOG_ROLLED_BACK if more was signed than is there.
 */
export async function recover(
  directory: LogDirectory,
  sideFiles: (start: SegmentStart) => Promise<SideFiles>,
  visit: SlotVisitor,
  disk: FileSystem = nodeFiles,
): Promise<RecoveredEnd> {
  const first = (await listSegments(directory.path, disk)).at(-1)
  if (first === undefined) throw damaged(directory.path, 0, "there is no segment")
  const start = await readSegmentStart(directory.path, first, disk)
  const path = segmentPath(directory.path, first, "seg")
  const tree = new TreeBuilder(first, start.frontier)
  const files = await sideFiles(start)
  visit.begin(start)
  const signed = await readLastSigned(directory.path, disk)
  /** Where the tree has the size that was signed last; only ends of slots are ever signed. */
  let rootAtSigned = signed?.size === tree.size ? tree.root() : undefined
  let slot = start.slot
  let previous = start.previous
  let last: ReadSlot["header"] | undefined
  let lastAt = 0
  let end = 0
  for await (const found of walkSlots(path, 0, disk)) {
    const fits = follows(found, start, slot, tree.size, previous)
    if (!fits || !extend(tree, found)) break
    await rewrite(files, tree, found, start)
    visit.slot(found)
    if (signed?.size === tree.size) rootAtSigned = tree.root()
    slot += 1
    previous = found.hash
    last = found.header
    lastAt = found.at
    end = found.at + found.header.bytes
  }
  const behind = await slotBehind(path, end, slot, start.generation, disk)
  if (behind !== undefined) throw damaged(path, behind, "a later slot stands behind a hole")
  const { size } = tree
  const root = tree.root()
  const frontier = tree.frontier()
  await notOlderThanShown(disk, directory.path, { slots: slot, size, root })
  notOtherThanSigned(directory.path, signed, { first, size, rootAtSigned })
  await files.offsets.truncate(Math.ceil((size - first) / 256) * 8)
  const lastSlot =
    last === undefined ? undefined : await describeSlot(disk, path, lastAt, last, tree)
  const time = last?.time ?? 0
  return { slot, size, previous, root, frontier, segment: start, end, time, lastSlot }
}

/**
 * Grows the tree by a slot. False, and the tree as before, if the records do not lead to the slot's root: a write of
 * several blocks that was cut off may have left the first and the last of them.
 */
function extend(tree: TreeBuilder, { header, records }: ReadSlot): boolean {
  const { size } = tree
  const frontier = tree.frontier()
  const count = tree.add(records)
  if (count === header.entries && equalBytes(tree.root(), header.root)) return true
  tree.restart(size, frontier)
  return false
}

/** The range root of a slot, from its records alone; the tree is somewhere else afterwards. */
async function describeSlot(
  disk: FileSystem,
  path: string,
  at: number,
  { first, entries: count, bytes }: ReadSlot["header"],
  tree: TreeBuilder,
): Promise<LastSlot> {
  if (count === 0) return { at, bytes, first, count, root: undefined }
  for await (const { records } of walkSlots(path, at, disk)) {
    tree.restart(first, new Uint8Array(64 * 32))
    tree.add(records)
    return { at, bytes, first, count, root: tree.rangeRoot() }
  }
  throw damaged(path, at, "a slot that was there has gone")
}

function follows(
  found: ReadSlot,
  start: SegmentStart,
  slot: number,
  size: number,
  previous: Uint8Array,
): boolean {
  const { header } = found
  const inOrder = header.slot === slot && header.first === size
  return header.generation === start.generation && inOrder && equalBytes(header.previous, previous)
}

/** Hash files and offsets behind the last sync may hold anything after a power loss: they are written again. */
async function rewrite(
  files: SideFiles,
  tree: TreeBuilder,
  found: ReadSlot,
  start: SegmentStart,
): Promise<void> {
  for (let level = 0; level < 7; level++) {
    const { from, hashes } = tree.completed(level)
    if (hashes.length === 0) break
    await (await files.hashes(level)).write(hashes, from * 32)
  }
  const rows = offsetRows(found, start.first)
  if (rows.bytes.length > 0) await files.offsets.write(rows.bytes, rows.at)
}

/** Rows of the offsets file for the entries of a slot: one for each 256th entry of the segment. */
export function offsetRows(
  slot: Pick<ReadSlot, "at" | "header" | "records">,
  segmentFirst: number,
): { at: number; bytes: Uint8Array } {
  const relative = slot.header.first - segmentFirst
  const firstRow = Math.ceil(relative / 256)
  const count = Math.ceil((relative + slot.header.entries) / 256) - firstRow
  const bytes = new Uint8Array(Math.max(0, count) * 8)
  if (count <= 0) return { at: firstRow * 8, bytes }
  const view = new DataView(bytes.buffer)
  let at = 0
  for (let entry = relative, row = 0; row < count; entry++) {
    if (entry % 256 === 0) {
      view.setUint32(row * 8, slot.at)
      view.setUint32(row * 8 + 4, at)
      row += 1
    }
    at += 2 + (((slot.records[at] ?? 0) << 8) | (slot.records[at + 1] ?? 0))
  }
  return { at: firstRow * 8, bytes }
}

/** The log on disk must hold at least what followers were shown. */
async function notOlderThanShown(
  files: FileSystem,
  path: string,
  { slots, size, root }: { slots: number; size: number; root: Uint8Array },
): Promise<void> {
  const record = await readFileIfAny(files, filePath(path, "head"))
  const head = record === undefined ? undefined : decodeHead(record)
  if (head !== undefined && (head.size > size || head.slot >= slots)) {
    const known = `${head.size} and slot ${head.slot} were acknowledged`
    throw damaged(path, 0, `it ends at ${size} entries and ${slots} slots, but ${known}`)
  }
  if (head?.size === size && !equalBytes(head.root, root)) {
    throw damaged(path, 0, `its root at ${size} entries is not the one that followers were shown`)
  }
}

/**
 * And it must begin with the tree that was signed last: an old copy may hold another continuation, which a power loss took away before it
 * was acknowledged. What was signed before the newest segment is left to `postern verify`.
 */
function notOtherThanSigned(
  path: string,
  signed: LastSigned | undefined,
  log: { first: number; size: number; rootAtSigned: Uint8Array | undefined },
): void {
  if (signed === undefined) return
  const { first, size, rootAtSigned } = log
  if (signed.size > size) {
    throw new PosternError("LOG_ROLLED_BACK", `${size} entries, signed were ${signed.size}`)
  }
  if (signed.size < first) return
  if (rootAtSigned === undefined || formatBase64(rootAtSigned) !== signed.root) {
    throw damaged(path, 0, `its root at ${signed.size} entries is not the one that was signed`)
  }
}

export interface LastSigned {
  readonly size: number
  /** Base64. */
  readonly root: string
}

export async function readLastSigned(
  path: string,
  files: FileSystem = nodeFiles,
): Promise<LastSigned | undefined> {
  const text = (await readFileIfAny(files, filePath(path, "last-signed")))?.toString("utf8")
  if (text === undefined) return undefined
  try {
    const value = JSON.parse(text)
    if (Number.isSafeInteger(value.size) && typeof value.root === "string") return value
  } catch (cause) {
    throw new PosternError("LOG_DAMAGED", `${path}/last-signed is not JSON`, { cause })
  }
  throw new PosternError("LOG_DAMAGED", `${path}/last-signed has the wrong shape`)
}
