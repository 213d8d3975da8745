import { closeSync, openSync, writeSync } from "node:fs"
import { join } from "node:path"
import { assert, PosternError } from "@postern/log/base"
import { replaceFile, syncDirectory } from "./durable.ts"
import { encodeHead, headBytes } from "./head-record.ts"
import { lockDirectory } from "./lock.ts"
import {
  filePath,
  hashesPath,
  type LogDirectory,
  listSegments,
  openLogDirectory,
  segmentPath,
} from "./log-directory.ts"
import type { Head } from "./log-view.ts"
import { type LastSigned, type RecoveredEnd, recover, type SlotVisitor } from "./recovery.ts"
import { diskError, openSegmentFile, type SegmentFile } from "./segment-file.ts"
import { type SegmentStart, writeSegmentStart } from "./segment-start.ts"
import { SideFile } from "./side-file.ts"

export const segmentBytesMax = 128 * 1024 * 1024

/** What one commit puts on disk. All views belong to the caller and must not change until `commit` settles. */
export interface SlotPlan {
  /** The padded slot. */
  readonly bytes: Uint8Array
  readonly slot: number
  readonly first: number
  readonly entries: number
  readonly time: number
  readonly root: Uint8Array
  readonly hash: Uint8Array
  /** Nodes of the tile levels that this slot completes. */
  readonly nodes: readonly { level: number; from: number; hashes: Uint8Array }[]
  /** Offsets within the slot's records of those entries whose index in the segment is a multiple of 256. */
  recordOffsets(segmentFirst: number): { row: number; offsets: readonly number[] }
}

/**
 * The log directory, open for its one writer. Whoever holds this object may append; nobody else writes there.
 * The driver calls `commit` for one slot at a time and `advance` after it, then acknowledges.
 */
export class LogStore {
  readonly directory: LogDirectory
  readonly end: RecoveredEnd
  readonly #lock: { release(): void }
  readonly #head: number
  readonly #hashes: Map<number, SideFile>
  readonly #segmentBytesMax: number
  #offsets: SideFile
  #segment: SegmentFile
  #segmentStart: SegmentStart
  #segmentEnd: number

  private constructor(
    directory: LogDirectory,
    lock: { release(): void },
    end: RecoveredEnd,
    segment: SegmentFile,
    files: { offsets: SideFile; hashes: Map<number, SideFile> },
    bytesMax: number,
  ) {
    this.directory = directory
    this.#segmentBytesMax = bytesMax
    this.end = end
    this.#lock = lock
    this.#segment = segment
    this.#segmentStart = end.segment
    this.#segmentEnd = end.end
    this.#offsets = files.offsets
    this.#hashes = files.hashes
    this.#head = openSync(filePath(directory.path, "head"), "r+")
  }

  /**
   * Locks the directory (made if it does not exist), finds the end of the log and makes what it found durable.
   * Errors: LOG_LOCKED, LOG_FORMAT, LOG_DAMAGED, LOG_ROLLED_BACK, DISK_FULL, DISK_FAILED.
   * @param bytesMax a segment that would grow beyond this is followed by a new one
   */
  static async open(
    path: string,
    origin: string,
    visit: SlotVisitor,
    bytesMax: number = segmentBytesMax,
  ): Promise<LogStore> {
    const directory = await openLogDirectory(path, origin)
    const lock = lockDirectory(filePath(path, "lock"))
    try {
      if ((await listSegments(path)).length === 0) await writeSegmentStart(path, firstSegment)
      const hashes = new Map<number, SideFile>()
      let offsets: SideFile | undefined
      const end = await recover(
        directory,
        async (start) => {
          offsets = await SideFile.open(segmentPath(path, start.first, "offsets"))
          const segment = await openSegmentFile(segmentPath(path, start.first, "seg"), bytesMax)
          await segment.close()
          await syncDirectory(join(path, "segments"))
          return { offsets, hashes: (level) => openHashes(path, hashes, level) }
        },
        visit,
      )
      assert(offsets !== undefined, "recovery opens the offsets of the newest segment")
      const segment = await openSegmentFile(segmentPath(path, end.segment.first, "seg"), bytesMax)
      await SideFile.open(filePath(path, "head")).then((file) => file.close())
      const files = { offsets, hashes }
      const store = new LogStore(directory, lock, end, segment, files, bytesMax)
      await store.#settle()
      return store
    } catch (error) {
      lock.release()
      throw error
    }
  }

  /** What the last life wrote may have reached the page cache only: synced before anybody is told of it. */
  async #settle(): Promise<void> {
    const { end } = this
    const file = await SideFile.open(segmentPath(this.directory.path, end.segment.first, "seg"))
    await file.sync()
    await file.close()
    const head = this.recoveredHead()
    if (head !== undefined) this.advance(head)
  }

  /** The head as recovery found it; undefined for an empty log. */
  recoveredHead(): Head | undefined {
    const { slot, size, root, segment, end, time } = this.end
    return slot === 0
      ? undefined
      : { slot: slot - 1, size, root, time, segment: segment.first, end }
  }

  /** Whether a slot of this length goes into the open segment; if not, `roll` comes before the next commit. */
  fits(bytes: number): boolean {
    return this.#segmentEnd === 0 || this.#segmentEnd + bytes <= this.#segmentBytesMax
  }

  /**
   * Seals the open segment and begins the next one. Everything committed so far becomes independent of the old one.
   * Errors: DISK_FULL (nothing happened, it may be called again), DISK_FAILED.
   */
  async roll(start: SegmentStart): Promise<void> {
    await settleAll([...this.#hashes.values(), this.#offsets].map((file) => file.sync()))
    const path = this.directory.path
    const opened: { close(): Promise<void> }[] = []
    try {
      const segmentFile = segmentPath(path, start.first, "seg")
      const segment = await openSegmentFile(segmentFile, this.#segmentBytesMax)
      opened.push(segment)
      const offsets = await SideFile.open(segmentPath(path, start.first, "offsets"))
      opened.push(offsets)
      await writeSegmentStart(path, start)
      // Point of no return: from here on recovery begins at the new segment.
      const old = [this.#segment, this.#offsets]
      this.#segment = segment
      this.#offsets = offsets
      this.#segmentStart = start
      this.#segmentEnd = 0
      opened.splice(0, opened.length, ...old)
    } finally {
      await Promise.all(opened.map((file) => file.close()))
    }
  }

  get segment(): SegmentStart {
    return this.#segmentStart
  }

  /**
   * Makes a slot durable: slot and fdatasync, hashes and offsets beside it. Rejects with DISK_FULL (nothing
   * happened, the same plan may be committed again) or DISK_FAILED (fatal).
   */
  async commit(plan: SlotPlan): Promise<void> {
    const at = this.#segmentEnd
    const writes = [this.#segment.write(plan.bytes, at)]
    for (const { level, from, hashes } of plan.nodes) {
      writes.push(this.#writeHashes(level, from, hashes))
    }
    const { row, offsets } = plan.recordOffsets(this.#segmentStart.first)
    if (offsets.length > 0) writes.push(this.#offsets.write(encodeOffsets(at, offsets), row * 8))
    await settleAll(writes)
    this.#segmentEnd = at + plan.bytes.length
  }

  async #writeHashes(level: number, from: number, hashes: Uint8Array): Promise<void> {
    const file =
      this.#hashes.get(level) ?? (await openHashes(this.directory.path, this.#hashes, level))
    await file.write(hashes, from * 32)
  }

  /**
   * Tells followers how far they may go. After `commit`, before the acks. Errors: DISK_FULL (a file system that copies
   * on write needs room even for this; it may be called again), DISK_FAILED.
   */
  advance(head: Head): void {
    const written = this.#writeHead(encodeHead(head))
    if (written !== headBytes) throw new PosternError("DISK_FAILED", "the head was written short")
  }

  #writeHead(record: Uint8Array): number {
    try {
      return writeSync(this.#head, record, 0, headBytes, 0)
    } catch (error) {
      throw diskError(error)
    }
  }

  headOf(plan: SlotPlan): Head {
    return {
      slot: plan.slot,
      size: plan.first + plan.entries,
      segment: this.#segmentStart.first,
      end: this.#segmentEnd,
      time: plan.time,
      root: plan.root,
    }
  }

  /** Durable once this returns; comes before the signature of a checkpoint of that size. */
  async rememberSigned(signed: LastSigned): Promise<void> {
    await replaceFile(filePath(this.directory.path, "last-signed"), `${JSON.stringify(signed)}\n`)
  }

  async publishCheckpoint(note: string): Promise<void> {
    await replaceFile(filePath(this.directory.path, "checkpoint"), note)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#hashes.values(), this.#offsets].map((file) => file.close()))
    await this.#segment.close()
    closeSync(this.#head)
    this.#lock.release()
  }
}

const firstSegment: SegmentStart = {
  first: 0,
  generation: 1,
  slot: 0,
  previous: new Uint8Array(32),
  frontier: new Uint8Array(64 * 32),
  state: undefined,
}

async function openHashes(
  path: string,
  open: Map<number, SideFile>,
  level: number,
): Promise<SideFile> {
  const known = open.get(level)
  if (known !== undefined) return known
  const file = await SideFile.open(hashesPath(path, level))
  open.set(level, file)
  return file
}

function encodeOffsets(slotAt: number, offsets: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(offsets.length * 8)
  const view = new DataView(bytes.buffer)
  for (const [i, offset] of offsets.entries()) {
    view.setUint32(i * 8, slotAt)
    view.setUint32(i * 8 + 4, offset)
  }
  return bytes
}

/** Waits for all, so that no write is in flight when the caller looks at the error; DISK_FAILED outranks DISK_FULL. */
async function settleAll(writes: readonly Promise<void>[]): Promise<void> {
  const errors: unknown[] = []
  for (const result of await Promise.allSettled(writes)) {
    if (result.status === "rejected") errors.push(result.reason)
  }
  if (errors.length === 0) return
  throw errors.find((e) => e instanceof PosternError && e.code !== "DISK_FULL") ?? errors[0]
}
