import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { assert, formatHex } from "@postern/log/base"
import { streamDigestStart } from "@postern/log/wire"
import { type AppendPlan, firstRegion, type NewFrame, planAppend } from "./append-plan.ts"
import type { FrameQueue } from "./frame-queue.ts"
import { type DirectoryLock, lockDirectory } from "./lock.ts"
import { addRange, type Meta, type Range } from "./meta.ts"
import { MetaFile } from "./meta-file.ts"
import { readRecord, recordBytes, recordHeaderBytes } from "./record.ts"
import { damagedReason, droppedReason, metaName, recoverSpool } from "./recovery.ts"
import { RegionMemory } from "./region-memory.ts"
import type { Segment } from "./segment.ts"
import { SegmentSet, type SegmentSettings } from "./segment-set.ts"
import {
  bytesOf,
  endOf,
  gapFrame,
  isGivenUp,
  type Loss,
  noParts,
  type Part,
  type Place,
  placesOf,
  type SpoolFrame,
} from "./spool-frame.ts"
import type { World } from "./world.ts"

export type SpoolSettings = SegmentSettings

/** Frames kept in memory for sending; beyond it they are read again. Twice what a connection may have in flight. */
const cachedBytesMax = 2 * 1024 * 1024
const readAheadBytes = 256 * 1024 // More than the largest record has.
/** How far `meta` may lag: after a crash the port says what it has, so an old one costs little. */
const metaEveryBytes = 256 * 1024
const noneBegun = { frame: undefined, parts: [] }

/**
 * The events of this writer that are not acknowledged, on disk, in the frames in which they are sent. Only an
 * acknowledgement takes a frame out, or dropOldest(). One process at a time; one append at a time.
 */
export class Spool {
  /** To look at, not to change. */
  readonly queue: FrameQueue
  /** The stream that the frames from here on belong to: its id and the position of its sequence 0. */
  stream: { readonly id: string; readonly start: number; readonly previous: string | undefined }
  /** Everything below is settled; the stream's chain digest there. */
  anchor: { readonly position: number; readonly digest: Uint8Array }
  /** Where the next record begins. */
  end: number
  /** Where the last record ended when the spool was opened. */
  readonly recoveredEnd: number
  /** What was found damaged then: events. */
  readonly damagedEvents: number
  ackedAtMs: number
  /** Where the regions of its frames are; a frame that is appended brings its own along. */
  readonly regions = new RegionMemory()
  /** Called when there is room again. */
  onRoom: () => void = () => undefined
  readonly #lock: DirectoryLock
  readonly #meta: MetaFile
  readonly #segments: SegmentSet
  /** Parts that are recorded of a frame that is not. */
  #begun: { readonly frame: NewFrame | undefined; readonly parts: readonly Part[] } = noneBegun
  #dropped: Range[]
  #cachedBytes = 0
  /** What is read again is read to here; undefined while somebody does. */
  #readAhead: Buffer | undefined
  /** Settled since `meta` was written. */
  #unwrittenBytes = 0
  #releasing: Promise<void> = Promise.resolve()
  /** Of these, how many are to free files. */
  #freeing = 0
  #syncing: Promise<void> = Promise.resolve()
  #nextSync: Promise<void> | undefined

  /** Errors: SPOOL_LOCKED, SPOOL_DAMAGED; those of the file system as they are. */
  static async open(settings: SpoolSettings, world: World): Promise<Spool> {
    mkdirSync(settings.directory, { recursive: true, mode: 0o700 })
    const lock = await lockDirectory(settings.directory)
    try {
      const spool = new Spool(settings, world, lock)
      await spool.#prepare()
      return spool
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  private constructor(settings: SpoolSettings, world: World, lock: DirectoryLock) {
    const { directory, segmentBytes } = settings
    const found = recoverSpool(directory, segmentBytes)
    this.#lock = lock
    this.#meta = MetaFile.open(join(directory, metaName), found.generation)
    this.#segments = new SegmentSet(settings, found)
    this.queue = found.queue
    this.end = found.nextPosition
    this.recoveredEnd = found.nextPosition
    this.damagedEvents = found.damagedEvents
    this.#dropped = [...(found.meta?.dropped ?? [])]
    const begin = found.queue.first?.position ?? found.nextPosition
    const id = found.meta?.stream ?? newStreamId(world)
    this.stream = { id, start: found.meta?.start ?? begin, previous: found.meta?.previous }
    this.anchor = { position: begin, digest: found.meta?.digest ?? streamDigestStart(id) }
    this.ackedAtMs = found.meta?.ackedAtMs ?? world.nowMs()
  }

  async #prepare(): Promise<void> {
    await this.#meta.writeDurably(this.#state())
    await this.#segments.preallocate()
    await this.sync()
  }

  /**
   * Writes the first of the frames, as many as go into one file; resolves with their number, 0 if there is no room. They are in the hands of
   * the operating system then: they outlive the process, not the machine. Their regions are the spool's from here on. Errors are those of the
   * file system; then none was added.
   */
  async append(frames: readonly NewFrame[]): Promise<number> {
    for (;;) {
      const plan = this.#plan(frames)
      if (plan === undefined) return 0
      await plan.segment.write(plan.pieces, plan.segment.end)
      const done = this.#admit(plan, frames)
      // Otherwise it was only the first disclosures of a frame; there is more of it.
      if (done > 0) return done
    }
  }

  /** As append(), without waiting: for a process that is about to end, also while an append of the same frames runs. */
  appendNow(frames: readonly NewFrame[]): void {
    for (let done = 0; done < frames.length; ) {
      const left = frames.slice(done)
      const plan = this.#plan(left)
      if (plan === undefined) return
      plan.segment.writeNow(plan.pieces, plan.segment.end)
      done += this.#admit(plan, left)
    }
  }

  /** For the first frames, as many records as go into one file. */
  #plan(frames: readonly NewFrame[]): AppendPlan | undefined {
    const [first] = frames
    const { frame, parts } = this.#begun
    if (first === undefined) return undefined
    assert(frame === undefined || frame === first, "a frame that was begun comes next")
    const bytes = recordBytes(firstRegion(first, parts).length)
    const segment = this.#segments.segmentFor(bytes)
    if (this.#segments.hasRetired) this.#release()
    return segment && planAppend(frames, segment, this.end, parts)
  }

  #admit(
    { segment, bytes, records, added, begun }: AppendPlan,
    frames: readonly NewFrame[],
  ): number {
    segment.end += bytes
    segment.records += records
    this.#begun = begun.length === 0 ? noneBegun : { frame: frames[added.length], parts: begun }
    for (const frame of added) {
      assert(frame.position === this.end, "frames follow each other without a gap")
      this.#cachedBytes += frame.regionBytes
      if (this.#cachedBytes > cachedBytesMax) this.#forget(frame)
      this.queue.push(frame)
      this.end = endOf(frame)
    }
    return added.length
  }

  /** Bytes of records that still find room, at least. */
  get freeBytes(): number {
    return this.#segments.freeBytes
  }

  /** Bytes of all its files together, at most. */
  get bytesMax(): number {
    return this.#segments.capacity
  }

  /** Bytes of records of one frame and its parts, at most. */
  get frameBytesMax(): number {
    return this.#segments.bytesMax
  }

  /** Everything that was written so far is on stable storage. Errors are those of the file system. */
  sync(): Promise<void> {
    // One that runs may have begun before the newest write: wait for it, then sync once for all who asked meanwhile.
    this.#nextSync ??= this.#syncing
      .catch(() => undefined)
      .then(() => {
        this.#nextSync = undefined
        this.#syncing = this.#segments.sync()
        return this.#syncing
      })
    return this.#nextSync
  }

  /**
   * The region of a frame, read again if need be. Undefined if it cannot be read (then the frame has its place still), or if
   * the frame has left the queue meanwhile.
   */
  async load(frame: SpoolFrame): Promise<Buffer | undefined> {
    if (frame.region !== undefined || frame.place === undefined) return frame.region
    const { place } = frame
    const { segment, offset } = place
    const buffer = this.#readAhead ?? Buffer.allocUnsafeSlow(readAheadBytes)
    this.#readAhead = undefined
    const to = buffer.subarray(0, segment.end - offset)
    // Unreadable is as good as damaged.
    const read = await segment.read(offset, to).catch(() => buffer.subarray(0, 0))
    if (frame.place === place) this.#rememberRead(frame, read)
    this.#readAhead = buffer
    return frame.region
  }

  /** The regions of this frame and of those behind it, as far as they were read. */
  #rememberRead(first: SpoolFrame, read: Buffer): void {
    const { segment, offset } = first.place as Place
    for (const frame of this.queue.from(first.position)) {
      if (frame.place?.segment !== segment) break
      const record = readRecord(read, frame.place.offset - offset)
      if (record === undefined || record.position !== frame.position) break
      if (frame.region !== undefined) continue
      const from = record.offset + recordHeaderBytes
      frame.region = this.regions.copyOf(read.subarray(from, from + frame.regionBytes))
      this.#cachedBytes += frame.regionBytes
    }
  }

  /** The region of a part of a frame; undefined if it cannot be read, or the frame has left the queue. */
  async loadPart(
    { position }: SpoolFrame,
    { segment, offset, regionBytes }: Part,
  ): Promise<Buffer | undefined> {
    const to = Buffer.allocUnsafe(recordBytes(regionBytes))
    const read = await segment.read(offset, to).catch(() => to.subarray(0, 0))
    const record = readRecord(read, 0)
    if (record?.kind !== "part" || record.position !== position) return undefined
    return read.subarray(recordHeaderBytes, recordHeaderBytes + regionBytes)
  }

  /**
   * Everything below `position` is kept by the port, or told to it as lost. `digest`: the chain digest there. The frames are
   * gone at once, `meta` follows.
   */
  settle(position: number, digest: Uint8Array, nowMs: number): void {
    assert(position >= this.anchor.position, "what is settled stays settled")
    for (let frame = this.queue.first; frame !== undefined; frame = this.queue.first) {
      if (endOf(frame) > position) break
      this.queue.shift()
      this.#unwrittenBytes += bytesOf(frame)
      this.#leave(frame)
    }
    const first = this.queue.first
    if (first !== undefined && first.position < position) {
      assert(first.kind === "gap", "only a gap is settled in part")
      first.count = endOf(first) - position
      first.position = position
    }
    this.anchor = { position, digest }
    this.ackedAtMs = nowMs
    this.#dropped = this.#dropped.filter((range) => range.end > position)
    if (this.#segments.hasRetired || this.#unwrittenBytes > metaEveryBytes) this.#release()
  }

  /**
   * Gives up the oldest file whose frames all begin at `protectedEnd` or later, for a gap; undefined if there is no such file.
   * Room comes a little later: onRoom().
   */
  dropOldest(protectedEnd: number): Loss | undefined {
    const frames = this.#victim(protectedEnd)
    if (frames === undefined) return undefined
    const loss = this.#giveUp(frames, droppedReason, protectedEnd)
    this.#release()
    return loss
  }

  /** Gives up a frame that cannot be read, and was not sent. */
  abandon(frame: SpoolFrame): Loss {
    const loss = this.#giveUp([frame], damagedReason, frame.position)
    this.#release()
    return loss
  }

  /** Files are about to be free: onRoom() follows, if that can be recorded. */
  get isRoomComing(): boolean {
    return this.#freeing > 0
  }

  /** Resolves when `meta` knows what was given up: only then is the port told, lest frames come back that are gaps there. */
  recorded(): Promise<void> {
    return this.#releasing
  }

  /** Puts a gap in the place of frames that follow each other; one with the same reason beside it becomes part of it. */
  #giveUp(frames: readonly SpoolFrame[], reason: string, protectedEnd: number): Loss {
    let from = (frames[0] as SpoolFrame).position
    let end = endOf(frames.at(-1) as SpoolFrame)
    const events = frames.reduce((sum, { kind, count }) => sum + (kind === "batch" ? count : 0), 0)
    const loss = { events, end }
    const before = this.queue.find(from - 1)
    if (isGivenUp(before, reason) && before.position >= protectedEnd) from = before.position
    const after = this.queue.find(end)
    if (isGivenUp(after, reason)) end = endOf(after)
    this.queue.replace(from, end, gapFrame(from, end, reason))
    for (const frame of frames) this.#leave(frame)
    this.#dropped = addRange(this.#dropped, { from, end })
    return loss
  }

  /** The frames that have records in the oldest file of which all records are theirs. */
  #victim(protectedEnd: number): readonly SpoolFrame[] | undefined {
    let frames: SpoolFrame[] = []
    let records = 0
    let oldest: Segment | undefined
    for (const frame of this.queue.from(protectedEnd)) {
      if (frame.position < protectedEnd) continue
      for (const { segment } of placesOf(frame)) {
        if (segment === this.#segments.current) return undefined
        if (segment !== oldest) [frames, records] = [[], 0]
        oldest = segment
        records += 1
        if (frames.at(-1) !== frame) frames.push(frame)
        if (records === segment.records) return frames
      }
    }
    return undefined
  }

  /** From here on the frames belong to a new stream. Everything below `position` must be settled. */
  async switchStream(world: World): Promise<void> {
    const id = newStreamId(world)
    this.stream = { id, start: this.anchor.position, previous: this.stream.id }
    this.anchor = { position: this.anchor.position, digest: streamDigestStart(id) }
    this.queue.forgetDigests()
    await this.#meta.writeDurably(this.#state())
  }

  /** Writes what is known to `meta`, closes the files and gives the directory free. */
  async close(): Promise<void> {
    await this.#releasing
    await this.#syncing.catch(() => undefined)
    try {
      await this.#meta.write(this.#state())
    } finally {
      await this.#meta.close()
      await this.#segments.close()
      await this.#lock.release()
    }
  }

  #leave(frame: SpoolFrame): void {
    this.#forget(frame)
    for (const { segment } of placesOf(frame)) this.#segments.leave(segment)
    frame.place = undefined
    frame.parts = noParts
  }

  #forget(frame: SpoolFrame): void {
    const { region } = frame
    if (region === undefined) return
    this.#cachedBytes -= frame.regionBytes
    frame.region = undefined
    this.regions.giveBack(region)
  }

  /** Writes `meta`; frees the files that are done with, once it is durable that they are. */
  #release(): void {
    this.#unwrittenBytes = 0
    if (!this.#segments.hasRetired) {
      this.#releasing = this.#releasing.then(() => this.#meta.write(this.#state())).catch(ignore)
      return
    }
    this.#freeing += 1
    this.#releasing = this.#releasing
      .then(() => {
        if (!this.#segments.hasRetired) return this.#meta.write(this.#state())
        return this.#segments.free(() => this.#meta.writeDurably(this.#state()))
      })
      .finally(() => {
        this.#freeing -= 1
      })
      .then(() => this.onRoom(), ignore)
  }

  #state(): Meta {
    const { id: stream, start, previous } = this.stream
    const { position: acked, digest } = this.anchor
    const { ackedAtMs, end } = this
    return { stream, previous, start, acked, ackedAtMs, digest, end, dropped: this.#dropped }
  }
}

/** It is tried again with the next acknowledgements; until then the spool is smaller. */
function ignore(): void {
  return undefined
}

const newStreamId = (world: World): string => formatHex(world.randomBytes(16))
