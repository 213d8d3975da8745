import { join } from "node:path"
import { assert, PosternError } from "@postern/log/base"
import { replaceFile } from "./durable.ts"
import { type FileSystem, type OpenFile, readAll, writeAll } from "./file-system.ts"
import { decodeHead, encodeHead, headBytes } from "./head-record.ts"
import {
  filePath,
  hashesPath,
  type LogDirectory,
  listSegments,
  openLogDirectory,
  segmentPath,
} from "./log-directory.ts"
import type { Head } from "./log-view.ts"
import { nodeFiles } from "./node-files.ts"
import { adoptPacked, dropPacked, settlePacked } from "./packing.ts"
import { type Pruned, writePruned } from "./pruned.ts"
import { removeBelow, settlePruned } from "./pruning.ts"
import { type LastSigned, type RecoveredEnd, recover, type SlotVisitor } from "./recovery.ts"
import { diskError, openSegmentFile, type SegmentFile, syncFile } from "./segment-file.ts"
import { type SegmentStart, writeSegmentStart } from "./segment-start.ts"
import { encodeOffsets, SideFile } from "./side-file.ts"

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
  readonly #disk: FileSystem
  readonly #head: OpenFile
  readonly #hashes: Map<number, SideFile>
  readonly #segmentBytesMax: number
  #offsets: SideFile
  #segment: SegmentFile
  #segmentStart: SegmentStart
  #segmentEnd: number
  /** What followers were told last. */
  #shown: Head | undefined
  #minimum: number
  #isEnding = false
  #sealed: number
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(
    disk: FileSystem,
    directory: LogDirectory,
    lock: { release(): void },
    end: RecoveredEnd,
    files: OpenFiles,
    { bytesMax, minimum }: { readonly bytesMax: number; readonly minimum: number },
  ) {
    this.#disk = disk
    this.directory = directory
    this.#segmentBytesMax = bytesMax
    this.#minimum = minimum
    this.end = end
    this.#lock = lock
    this.#segment = files.segment
    this.#segmentStart = end.segment
    this.#segmentEnd = end.end
    this.#sealed = end.segment.first
    this.#offsets = files.offsets
    this.#hashes = files.hashes
    this.#head = files.head
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
    disk: FileSystem = nodeFiles,
  ): Promise<LogStore> {
    const directory = await openLogDirectory(path, origin, disk).catch((error) => {
      throw openFailure(error)
    })
    const lock = disk.lock(filePath(path, "lock"))
    try {
      const minimum = (await settlePruned(path, disk))?.minimum ?? 0
      await settlePacked(path, disk)
      if ((await listSegments(path, disk)).length === 0) {
        await writeSegmentStart(path, firstSegment, disk)
      }
      const hashes = new Map<number, SideFile>()
      let offsets: SideFile | undefined
      const end = await recover(
        directory,
        async (start) => {
          offsets = await SideFile.open(segmentPath(path, start.first, "offsets"), disk)
          const segment = await openSegmentFile(
            segmentPath(path, start.first, "seg"),
            bytesMax,
            disk,
          )
          await segment.close()
          await disk.syncDirectory(join(path, "segments"))
          return { offsets, hashes: (level) => openHashes(disk, path, hashes, level) }
        },
        visit,
        disk,
      )
      assert(offsets !== undefined, "recovery opens the offsets of the newest segment")
      const segmentFile = segmentPath(path, end.segment.first, "seg")
      const segment = await openSegmentFile(segmentFile, bytesMax, disk)
      const head = await disk.open(filePath(path, "head"), { access: "write" })
      const files = { segment, offsets, hashes, head }
      const bounds = { bytesMax, minimum }
      const store = new LogStore(disk, directory, lock, end, files, bounds)
      await store.#settle()
      return store
    } catch (error) {
      lock.release()
      throw openFailure(error)
    }
  }

  /**
   * What the last life wrote may have reached the page cache only. If the kernel failed to write it on, it told that
   * life and nobody after it: a sync alone would succeed. So the last slot, if the head does not confirm it, is
   * written once more and synced before anybody is told of it. All slots before it were confirmed.
   */
  async #settle(): Promise<void> {
    const { end } = this
    const path = segmentPath(this.directory.path, end.segment.first, "seg")
    const file = await this.#disk.open(path, { access: "write" })
    try {
      if (end.lastSlot !== undefined && !(await this.#isConfirmed(end.slot - 1))) {
        const { at, bytes } = end.lastSlot
        const slot = new Uint8Array(bytes)
        const read = await readAll(file, slot, at)
        assert(read === bytes, "recovery has just read this slot")
        await writeAll(file, slot, at)
      }
      await syncFile(file)
    } finally {
      await file.close()
    }
    const head = this.recoveredHead()
    if (head !== undefined) this.advance(head)
  }

  /** Whether a life before this one wrote this slot into the head, which it did after the sync. */
  async #isConfirmed(slot: number): Promise<boolean> {
    const record = new Uint8Array(headBytes)
    await readAll(this.#head, record, 0)
    const head = decodeHead(record)
    return head !== undefined && head.slot >= slot
  }

  /** The head as recovery found it; undefined for an empty log. */
  recoveredHead(): Head | undefined {
    const { slot, size, root, segment, end, time } = this.end
    return slot === 0
      ? undefined
      : { slot: slot - 1, size, root, time, segment: segment.first, end, minimum: this.#minimum }
  }

  /** Whether a slot of this length goes into the open segment; if not, `roll` comes before the next commit. */
  fits(bytes: number): boolean {
    if (this.#segmentEnd === 0) return true
    return !this.#isEnding && this.#segmentEnd + bytes <= this.#segmentBytesMax
  }

  /**
   * Seals the open segment and begins the next one. Everything committed so far becomes independent of the old one.
   * Errors: DISK_FULL (nothing happened, it may be called again), DISK_FAILED.
   */
  async roll(start: SegmentStart): Promise<void> {
    const path = this.directory.path
    await settleAll([...this.#hashes.values(), this.#offsets].map((file) => file.sync()))
    // A file that was made since the last roll: recovery will not make it again from the segments behind it.
    await this.#disk.syncDirectory(join(path, "hashes")).catch((error) => {
      throw diskError(error)
    })
    const opened: { close(): Promise<void> }[] = []
    try {
      const segmentFile = segmentPath(path, start.first, "seg")
      const segment = await openSegmentFile(segmentFile, this.#segmentBytesMax, this.#disk)
      opened.push(segment)
      const offsets = await SideFile.open(segmentPath(path, start.first, "offsets"), this.#disk)
      opened.push(offsets)
      await writeSegmentStart(path, start, this.#disk)
      // Point of no return: from here on recovery begins at the new segment.
      const old = [this.#segment, this.#offsets]
      this.#segment = segment
      this.#offsets = offsets
      this.#segmentStart = start
      this.#segmentEnd = 0
      this.#isEnding = false
      opened.splice(0, opened.length, ...old)
    } finally {
      await Promise.all(opened.map((file) => file.close()))
    }
    this.#sealed = start.first
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
    const path = this.directory.path
    const file =
      this.#hashes.get(level) ?? (await openHashes(this.#disk, path, this.#hashes, level))
    await file.write(hashes, from * 32)
  }

  /**
   * Tells followers how far they may go. After `commit`, before the acks. Errors: DISK_FULL (a file system that copies
   * on write needs room even for this; it may be called again), DISK_FAILED.
   */
  advance(head: Head): void {
    // Between `headOf` and here the log may have come to begin later.
    this.#shown = { ...head, minimum: this.#minimum }
    const written = this.#writeHead(encodeHead(this.#shown))
    if (written !== headBytes) throw new PosternError("DISK_FAILED", "the head was written short")
  }

  #writeHead(record: Uint8Array): number {
    try {
      return this.#head.writeNow(record, headBytes, 0)
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
      minimum: this.#minimum,
    }
  }

  /** Index of the first entry that is there. */
  get minimum(): number {
    return this.#minimum
  }

  /** The open segment ends with the slot before the next one. */
  endSegment(): void {
    this.#isEnding = true
  }

  /**
   * Removes everything before a segment but what is kept (docs/spec/retention.md, steps 3 to 5). The entry that says so is
   * durable. Errors: DISK_FULL (nothing happened), DISK_FAILED.
   */
  async prune(pruned: Pruned): Promise<void> {
    const { minimum } = pruned
    assert(minimum > this.#minimum && minimum <= this.#segmentStart.first, "older segments only")
    const { path } = this.directory
    await this.#alone(async () => {
      await writePruned(path, pruned, this.#disk)
      // Point of no return: from here on the log begins at the minimum.
      this.#minimum = minimum
      if (this.#shown !== undefined) this.advance({ ...this.#shown, minimum })
      await removeBelow(path, minimum, this.#disk)
    })
  }

  /** Where the segments end that are never written again: index of the first entry behind them. */
  get sealed(): number {
    return this.#sealed
  }

  /**
   * Replaces a sealed segment by the compressed form that `packSegment` has made. False, and that form removed, if there is no such segment
   * any more. Errors: LOG_DAMAGED (nothing happened), DISK_FULL (the same), DISK_FAILED.
   */
  adopt(first: number): Promise<boolean> {
    const { path } = this.directory
    return this.#alone(async () => {
      const isThere = first >= this.#minimum && first < this.#sealed
      await (isThere ? adoptPacked : dropPacked)(path, first, this.#disk)
      return isThere
    })
  }

  /** What takes files away does so one after the other. */
  #alone<T>(act: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(act)
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  /** Durable once this returns; comes before the signature of a checkpoint of that size. */
  async rememberSigned(signed: LastSigned): Promise<void> {
    const path = filePath(this.directory.path, "last-signed")
    await replaceFile(path, `${JSON.stringify(signed)}\n`, this.#disk)
  }

  async publishCheckpoint(note: string): Promise<void> {
    await replaceFile(filePath(this.directory.path, "checkpoint"), note, this.#disk)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#hashes.values(), this.#offsets].map((file) => file.close()))
    await this.#segment.close()
    await this.#head.close()
    this.#lock.release()
  }
}

interface OpenFiles {
  readonly segment: SegmentFile
  readonly offsets: SideFile
  readonly hashes: Map<number, SideFile>
  readonly head: OpenFile
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
  disk: FileSystem,
  path: string,
  open: Map<number, SideFile>,
  level: number,
): Promise<SideFile> {
  const known = open.get(level)
  if (known !== undefined) return known
  const file = await SideFile.open(hashesPath(path, level), disk)
  open.set(level, file)
  return file
}

/** What the system refused is the disk's failure; whatever else went wrong is not. */
function openFailure(error: unknown): unknown {
  const isSystem = typeof (error as NodeJS.ErrnoException).syscall === "string"
  return isSystem ? diskError(error) : error
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
