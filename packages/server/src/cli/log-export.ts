import { mkdir, readdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { concatBytes, equalBytes, formatBase64, PosternError } from "@postern/log/base"
import {
  encodeEntryBundle,
  leafHash,
  openCheckpoint,
  tilePath,
  tileWidthMax,
} from "@postern/log/tlog"
import type { LogView } from "../disk/index.ts"
import { TileTree } from "../guard/verify/index.ts"

export interface ExportOptions {
  /** The log's verifier key: it must have signed the checkpoint, and stands beside it. */
  readonly vkey: string
  /** Entries to export; default: those of the newest checkpoint, at most so many. */
  readonly size?: number | undefined
  readonly progress?: (entries: number, of: number) => void
}

export interface Exported {
  readonly size: number
  /** Base64. */
  readonly root: string
  /** False if the size is not that of the newest checkpoint: nothing is signed for it. */
  readonly checkpoint: boolean
  readonly files: number
}

/** Asked for at a time; about a frame's worth of bundles in memory. */
const entriesAtATime = 16 * tileWidthMax
const bytesAtATime = 8 * 1024 * 1024
const writesMax = 32

/**
 * Writes the log as C2SP tlog-tiles publishes it: entry bundles, hash tiles (partial ones at the right edge), and last,
 * once the tree was recomputed and has its root, the checkpoint and the verifier key. Reads only. Errors:
 * ALREADY_EXISTS if the directory is not empty, NOT_FOUND, NOTE_INVALID, LOG_DAMAGED.
 */
export async function exportLog(
  view: LogView,
  directory: string,
  options: ExportOptions,
): Promise<Exported> {
  const { vkey } = options
  const note = await view.checkpoint()
  if (note === undefined) throw new PosternError("NOT_FOUND", "no checkpoint was signed yet")
  const checkpoint = await openCheckpoint(note, vkey)
  const size = options.size ?? checkpoint.size
  if (size > checkpoint.size) {
    const detail = `the newest checkpoint has ${checkpoint.size} entries`
    throw new PosternError("NOT_FOUND", detail)
  }
  await claimDirectory(directory)
  const files = new ExportFiles(directory)
  const root = await exportTiles(view, size, files, options.progress ?? (() => undefined))
  const signed = size === checkpoint.size
  if (signed && !equalBytes(root, checkpoint.root)) {
    throw new PosternError("LOG_DAMAGED", "the entries do not lead to the checkpoint's root")
  }
  await files.write("vkey", Buffer.from(`${vkey}\n`))
  await files.settled()
  if (signed) await files.write("checkpoint", Buffer.from(note))
  await files.settled()
  return { size, root: formatBase64(root), checkpoint: signed, files: files.count }
}

async function claimDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  if ((await readdir(directory)).length > 0) throw new PosternError("ALREADY_EXISTS", directory)
}

/** Gives the root. */
async function exportTiles(
  view: LogView,
  size: number,
  files: ExportFiles,
  progress: (entries: number, of: number) => void,
): Promise<Uint8Array> {
  const tree = new TileTree()
  let held: Uint8Array[] = []
  const begin = await exportPruned(view, size, tree, files)
  for (let read = begin; read < size; ) {
    const more = await view.leaves(read, Math.min(read + entriesAtATime, size), bytesAtATime)
    read += more.length
    held.push(...more)
    let at = 0
    for (; held.length - at >= tileWidthMax || (read === size && at < held.length); ) {
      const entries = held.slice(at, at + tileWidthMax)
      at += entries.length
      await exportBundle(entries, tree, files)
    }
    held = held.slice(at)
    progress(tree.size, size)
  }
  for (const { level, index, hashes } of tree.edge()) {
    await files.write(tilePath({ level, index, width: hashes.length / 32 }), hashes.slice())
  }
  return tree.root()
}

/**
 * Hash tiles of what is not there any more: their hashes are. Gives where entries begin: bundles are whole, so that is the
 * minimum, rounded up to a multiple of 256 (docs/spec/retention.md).
 */
async function exportPruned(
  view: LogView,
  size: number,
  tree: TileTree,
  files: ExportFiles,
): Promise<number> {
  const { minimum } = view.head()
  if (minimum > size) throw new PosternError("ENTRY_PRUNED", `the log begins at ${minimum}`)
  while (tree.size < minimum) {
    const to = Math.min(size, tree.size + tileWidthMax)
    const hashes = await view.hashes(0, tree.size, to)
    await exportHashes(hashes, tree, files)
  }
  return tree.size
}

async function exportHashes(hashes: Uint8Array, tree: TileTree, files: ExportFiles): Promise<void> {
  const [index, width] = [tree.size / tileWidthMax, hashes.length / 32]
  await files.write(tilePath({ level: 0, index, width }), hashes)
  for (const tile of tree.push(hashes)) {
    await files.write(tilePath({ ...tile, width: tileWidthMax }), tile.hashes)
  }
}

async function exportBundle(
  entries: readonly Uint8Array[],
  tree: TileTree,
  files: ExportFiles,
): Promise<void> {
  const index = tree.size / tileWidthMax
  const width = entries.length
  const hashes = concatBytes(...entries.map(leafHash))
  await files.write(tilePath({ level: "entries", index, width }), encodeEntryBundle(entries))
  await exportHashes(hashes, tree, files)
}

/** Writes files below a directory, a bounded number of them at a time. */
class ExportFiles {
  readonly #directory: string
  readonly #made = new Map<string, Promise<unknown>>()
  readonly #writing = new Set<Promise<void>>()
  #failure: unknown
  count = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Resolves when there is room for the next one. The bytes must not change until `settled`. */
  async write(path: string, bytes: Uint8Array): Promise<void> {
    this.count += 1
    const writing: Promise<void> = this.#write(join(this.#directory, path), bytes)
      .catch((error: unknown) => {
        this.#failure ??= error
      })
      .finally(() => this.#writing.delete(writing))
    this.#writing.add(writing)
    if (this.#writing.size >= writesMax) await Promise.race(this.#writing)
    if (this.#failure !== undefined) throw this.#failure
  }

  async settled(): Promise<void> {
    await Promise.all(this.#writing)
    if (this.#failure !== undefined) throw this.#failure
  }

  async #write(path: string, bytes: Uint8Array): Promise<void> {
    const parent = dirname(path)
    let made = this.#made.get(parent)
    if (made === undefined) {
      made = mkdir(parent, { recursive: true })
      this.#made.set(parent, made)
    }
    await made
    await writeFile(path, bytes)
  }
}
