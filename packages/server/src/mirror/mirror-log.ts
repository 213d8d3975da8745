import { readFile } from "node:fs/promises"
import { equalBytes, formatBase64, PosternError } from "@postern/log/base"
import type { KeyLearner } from "@postern/log/evidence"
import { type Checkpoint, openCheckpoint, treeRoot } from "@postern/log/tlog"
import {
  decodeRawSlot,
  followLog,
  LogStore,
  type Pruned,
  RawSlotPlanner,
  type ReadSlot,
  segmentBytesMax,
  segmentPath,
  TreeBuilder,
} from "../disk/index.ts"
import { parseSegmentStart, samePeaks } from "./segment-text.ts"

/** The log that is mirrored, as the profile pins it. */
export interface MirroredLog {
  readonly origin: string
  readonly vkey: string
  /** The keys that the pinned one leads to; without, no change of the key is followed. */
  readonly keys?: KeyLearner
}

/** Opens a checkpoint of this log. Errors: NOTE_INVALID, KEY_CHANGE_INVALID. */
export async function openOwn({ vkey, keys }: MirroredLog, note: string): Promise<Checkpoint> {
  return keys === undefined
    ? openCheckpoint(note, vkey)
    : (await keys.openCheckpoint(note)).checkpoint
}

/** Roots of slot ends that are kept in memory; those of older ones come from the hash files. */
const rootsMax = 4096

/**
 * The mirror's own log directory, open for its one writer. Whatever comes in is hostile until it was derived again here;
 * nothing is written before that.
 */
export class MirrorLog {
  readonly path: string
  readonly origin: string
  readonly log: MirroredLog
  readonly #store: LogStore
  readonly #tree: TreeBuilder
  readonly #planner = new RawSlotPlanner()
  readonly #roots = new Map<number, Uint8Array>()
  #slot: number
  /** Of what is synced: while a slot is being written, the tree is one slot ahead. */
  #size: number
  #root: Uint8Array
  #previous: Uint8Array
  #checkpoint: { readonly note: string; readonly size: number } | undefined

  private constructor(path: string, log: MirroredLog, store: LogStore) {
    const { size, frontier, slot, previous } = store.end
    this.path = path
    this.origin = log.origin
    this.log = log
    this.#store = store
    this.#tree = new TreeBuilder(size, frontier)
    this.#slot = slot
    this.#size = size
    this.#root = store.end.root
    this.#previous = previous
    this.#remember()
  }

  /**
   * Locks the directory (made if it does not exist) and finds its end, as a port does. Errors: LOG_LOCKED, LOG_FORMAT,
   * LOG_DAMAGED, LOG_ROLLED_BACK, NOTE_INVALID, DISK_FULL, DISK_FAILED.
   * @param aheadBytesMax segment files are not written ahead beyond this
   */
  static async open(
    path: string,
    log: MirroredLog,
    aheadBytesMax: number = segmentBytesMax,
  ): Promise<MirrorLog> {
    const nothing = { begin: () => undefined, slot: () => undefined }
    const store = await LogStore.open(path, log.origin, nothing, aheadBytesMax)
    const mirror = new MirrorLog(path, log, store)
    try {
      await mirror.#readCheckpoint()
      return mirror
    } catch (error) {
      await store.close()
      throw error
    }
  }

  /** Number of the next slot. */
  get slot(): number {
    return this.#slot
  }

  /** Entries that are synced here. */
  get size(): number {
    return this.#size
  }

  /** Root of the tree of that size. */
  get root(): Uint8Array {
    return this.#root
  }

  /** Index of the first entry that is here. */
  get minimum(): number {
    return this.#store.minimum
  }

  /** Removes what is before a segment. Errors: DISK_FULL (nothing happened), DISK_FAILED. */
  async prune(pruned: Pruned): Promise<void> {
    await this.#store.prune(pruned)
  }

  /** The newest checkpoint that was kept. */
  get checkpoint(): { readonly note: string; readonly size: number } | undefined {
    return this.#checkpoint
  }

  /** Begins a segment. Errors: LOG_DAMAGED, LOG_FORKED; DISK_FULL (it may be called again), DISK_FAILED. */
  async begin(first: number, text: string): Promise<void> {
    const start = parseSegmentStart(text)
    const { slot, previous, frontier } = start
    const follows = slot === this.#slot && equalBytes(previous, this.#previous)
    if (start.first !== first || first !== this.size || !follows) {
      throw forked(
        `a segment begins at entry ${first}, slot ${slot}; here slot ${this.#slot} is next`,
      )
    }
    if (!samePeaks(first, frontier, this.#tree.frontier())) {
      throw forked(`the tree before the segment of entry ${first} is another one`)
    }
    // Begun in an earlier life, or by the store itself for the first one: then it must be the same.
    if (this.#store.segment.first !== first) await this.#store.roll(start)
    const own = await readFile(segmentPath(this.path, first, "start"), "utf8")
    if (own !== text) throw forked(`the segment of entry ${first} begins with another .start`)
  }

  /**
   * Checks a slot, writes and syncs it, then moves the head. Errors: LOG_DAMAGED if it is not whole or its records do
   * not lead to its root, LOG_FORKED if it does not follow; DISK_FULL (nothing happened), DISK_FAILED.
   */
  async add(bytes: Uint8Array): Promise<void> {
    const slot = decodeRawSlot(bytes)
    if (slot === undefined) throw damaged(`what came for slot ${this.#slot} is not a whole slot`)
    this.#demandNext(slot)
    const { header, hash, records } = slot
    const frontier = this.#tree.frontier()
    try {
      const count = this.#tree.add(records)
      if (count !== header.entries || !equalBytes(this.#tree.root(), header.root)) {
        throw damaged(`the records of slot ${header.slot} do not lead to its root`)
      }
      const plan = this.#planner.plan(bytes, slot, this.#tree)
      await this.#store.commit(plan)
      this.#store.advance(this.#store.headOf(plan))
    } catch (error) {
      this.#tree.restart(this.#size, frontier)
      throw error
    }
    this.#slot += 1
    this.#size += header.entries
    this.#root = header.root
    this.#previous = hash
    this.#remember()
  }

  #demandNext({ header }: ReadSlot): void {
    if (header.slot !== this.#slot || header.first !== this.size) {
      const theirs = `slot ${header.slot} from entry ${header.first}`
      throw forked(`${theirs} came, here slot ${this.#slot} from entry ${this.size} is next`)
    }
    if (!equalBytes(header.previous, this.#previous)) {
      throw forked(`slot ${header.slot} follows another slot ${header.slot - 1}`)
    }
    const { generation } = this.#store.segment
    if (header.generation !== generation) {
      throw forked(`slot ${header.slot} has generation ${header.generation}, not ${generation}`)
    }
  }

  /**
   * Keeps a checkpoint if it is newer than the one that is kept, or the same with more signatures. Errors: NOTE_INVALID if it is not signed by the log's
   * key, PROOF_INVALID if it covers what has not come, LOG_FORKED if its root is not that of our tree.
   */
  async keep(note: string): Promise<void> {
    const { size, root } = await this.#open(note)
    if (size > this.size) {
      throw new PosternError(
        "PROOF_INVALID",
        `a checkpoint of ${size} entries came after ${this.size}`,
      )
    }
    if (!equalBytes(root, await this.#rootAt(size))) {
      throw forked(`the log key has signed another root for ${size} entries`)
    }
    const kept = this.#checkpoint
    if (kept !== undefined && size < kept.size) return
    // The same one comes again when witnesses have cosigned it.
    if (kept?.size === size && note.length <= kept.note.length) return
    if (kept?.size !== size) await this.#store.rememberSigned({ size, root: formatBase64(root) })
    await this.#store.publishCheckpoint(note)
    this.#checkpoint = { note, size }
  }

  #open(note: string): Promise<Checkpoint> {
    return openOwn(this.log, note)
  }

  async #rootAt(size: number): Promise<Uint8Array> {
    const known = this.#roots.get(size)
    if (known !== undefined || size === 0) return known ?? treeRoot(0, noHashes)
    const view = await followLog(this.path)
    try {
      return await treeRoot(size, (level, from, to) => view.hashes(level, from, to))
    } finally {
      await view.close()
    }
  }

  #remember(): void {
    this.#roots.set(this.size, this.root)
    for (const oldest of this.#roots.keys()) {
      if (this.#roots.size <= rootsMax) break
      this.#roots.delete(oldest)
    }
  }

  /** The one that was kept in an earlier life, checked like one that comes in. */
  async #readCheckpoint(): Promise<void> {
    if (this.size === 0) return
    const view = await followLog(this.path)
    const note = await view.checkpoint().finally(() => view.close())
    if (note === undefined) return
    const { size, root } = await this.#open(note)
    if (size > this.size || !equalBytes(root, await this.#rootAt(size))) {
      throw damaged(`the kept checkpoint of ${size} entries is not one of this tree`)
    }
    this.#checkpoint = { note, size }
  }

  async close(): Promise<void> {
    await this.#store.close()
  }
}

async function noHashes(): Promise<Uint8Array> {
  return new Uint8Array(0)
}

function forked(detail: string): PosternError {
  return new PosternError("LOG_FORKED", detail)
}

function damaged(detail: string): PosternError {
  return new PosternError("LOG_DAMAGED", detail)
}
