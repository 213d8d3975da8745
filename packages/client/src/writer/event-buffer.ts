import { PosternError } from "@postern/log/base"
import type { NewFrame } from "./append-plan.ts"
import type { EventText } from "./event-text.ts"
import { RegionBuffer } from "./region-buffer.ts"
import type { Spool } from "./spool.ts"
import type { Timer, World } from "./world.ts"

/** Events coalesce until they are this long, or for this long after the first. */
const frameBytesMin = 16_384
const lingerMs = 2
/** A frame is not longer than this unless one event is: what a port lets a new connection send at once. */
const regionBytesMax = 60_000
const frameEventsMax = 2_000
/** Frames handed to the spool at once. */
const appendFramesMax = 16
/** Events that wait in memory because the spool takes no more. */
const heldBytesMax = 16 * 1024 * 1024
const retryMsMin = 100
const retryMsMax = 5_000
const lossReason = "the spool was full and so was memory"

export interface BufferSettings {
  readonly whenFull: "dropOldest" | "block" | "throw"
  readonly durable: "process" | "disk"
}

export interface BufferEvents {
  /** Frames were added to the spool. */
  added(): void
  /** Frames below this position were sent, and are not to be given up now. */
  sentEnd(): number
  lost(events: number): void
  /** The spool takes nothing at present; said once until it does again. */
  failed(error: PosternError): void
}

interface SpoolWaiter {
  readonly position: number
  readonly resolve: () => void
  readonly reject: (error: PosternError) => void
}

/**
 * Between audit() and the spool: gathers events into frames, writes them in order, and decides what a full spool means.
 * Positions count events since the spool began, lost ones included.
 */
export class EventBuffer {
  readonly #spool: Spool
  readonly #settings: BufferSettings
  readonly #world: World
  readonly #events: BufferEvents
  /** Events that are in no frame yet, and about how many bytes that is. */
  #loose: string[] = []
  #looseBytes = 0
  /** The same for events that came as bytes: at once in the region of their frame. Of the two only one holds any. */
  readonly #region: RegionBuffer
  #frames: NewFrame[] = []
  #framesBytes = 0
  /** How many of the frames are on their way into the spool just now: they are not to be changed. */
  #appending = 0
  /** Position of the next event. */
  #position: number
  #timer: Timer | undefined
  #isLingering = false
  #isSoon = false
  #writing: Promise<void> | undefined
  /** There was a reason to write while that was going on. */
  #isAgain = false
  #retryMs = retryMsMin
  #retry: Timer | undefined
  /** Why the spool takes nothing at present. */
  #failure: PosternError | undefined
  readonly #waiters: SpoolWaiter[] = []
  #isClosing = false
  /** Behind the last event that was given up, and behind the last one that spooled() has answered for. */
  #lostEnd = 0
  #answeredEnd: number

  constructor(spool: Spool, settings: BufferSettings, world: World, events: BufferEvents) {
    this.#spool = spool
    this.#settings = settings
    this.#world = world
    this.#events = events
    this.#region = new RegionBuffer(regionBytesMax, spool.regions)
    this.#position = spool.end
    this.#answeredEnd = spool.end
    spool.onRoom = () => this.#write()
  }

  /** Where the next event goes. */
  get position(): number {
    return this.#position
  }

  /** Of events that are not in the spool yet, about. */
  get heldBytes(): number {
    return this.#looseBytes + this.#framesBytes
  }

  /**
   * Takes an event; gives its position, undefined if it was lost. Errors: SPOOL_FULL where that was asked for; EVENT_TOO_LARGE for more than
   * the whole spool could hold.
   */
  add({ text, parts }: EventText): number | undefined {
    const partBytes = lengthOf(parts)
    const bytes = 4 + text.length + partBytes
    if (partBytes > 0 && this.#needs(bytes, parts.length) > this.#spool.frameBytesMax) {
      const detail = `the event has ${bytes} bytes, more than spool.bytesMax has room for`
      throw new PosternError("EVENT_TOO_LARGE", detail)
    }
    const heldBytes = this.heldBytes + bytes
    const { whenFull } = this.#settings
    if (whenFull === "throw" && (this.#failure !== undefined || this.#isTight(heldBytes))) {
      throw new PosternError("SPOOL_FULL")
    }
    if (heldBytes > heldBytesMax) {
      if (whenFull === "throw") throw new PosternError("SPOOL_FULL")
      return this.#lose()
    }
    const isText = typeof text === "string"
    if (partBytes > 0 || (!isText && bytes > regionBytesMax)) return this.#addLarge(text, parts)
    if (isText) this.#addText(text)
    else this.#addBytes(text)
    this.#looseBytes += bytes
    if (this.#looseBytes >= frameBytesMin) this.hurry()
    else this.#linger()
    this.#position += 1
    return this.#position - 1
  }

  #addText(text: string): void {
    if (this.#region.count > 0) this.#cut()
    this.#loose.push(text)
  }

  #addBytes(event: Uint8Array): void {
    const isFull = this.#region.count >= frameEventsMax || !this.#region.hasRoomFor(event.length)
    if (isFull || this.#loose.length > 0) this.#cut()
    this.#region.add(event)
  }

  /** A frame of its own, behind what was gathered before. */
  #addLarge(text: string | Uint8Array, parts: readonly Buffer[]): number {
    this.#cut()
    this.#push({ ...frameOf([text], 4 + Buffer.byteLength(text)), parts })
    this.#flushSoon()
    this.#position += 1
    return this.#position - 1
  }

  /**
   * Winding up a timer costs more than taking an event. So it is made once, and while events keep coming it goes on by itself; only
   * the first event after a pause sets it going.
   */
  #linger(): void {
    if (this.#isLingering) return
    this.#isLingering = true
    if (this.#timer === undefined) {
      this.#timer = this.#world.startTimer(() => this.#lingered(), lingerMs)
    } else {
      this.#timer.again()
    }
  }

  #lingered(): void {
    this.#isLingering = this.#looseBytes > 0
    if (!this.#isLingering) return
    this.#timer?.again()
    this.#flush()
  }

  /** Whether so much, with the headers of its records, might not go into the spool. */
  #isTight(bytes: number): boolean {
    return this.#needs(bytes, this.#frames.length + 1) > this.#spool.freeBytes
  }

  /** Bytes of the records that hold so much. */
  #needs(bytes: number, records: number): number {
    return bytes + Math.ceil(bytes / 100) + 64 * (records + 1)
  }

  /** What waits for company goes as soon as the application's turn is over. */
  hurry(): void {
    if (this.#looseBytes > 0) this.#flushSoon()
  }

  #flushSoon(): void {
    if (this.#isSoon) return
    this.#isSoon = true
    this.#world.soon(() => this.#flush())
  }

  /** Resolves when everything so far is on stable storage. Errors: SPOOL_FULL, SPOOL_DAMAGED; also if some of it was given up. */
  async spooled(): Promise<void> {
    const position = this.#position
    const isLost = this.#lostEnd > this.#answeredEnd
    this.#answeredEnd = position
    if (isLost) throw new PosternError("SPOOL_FULL", "some of the events were given up")
    await this.#written(position)
    try {
      await this.#spool.sync()
    } catch (error) {
      throw spoolError(error)
    }
  }

  /** For a process that ends now: what waits goes to the spool without waiting for anything. */
  writeNow(): void {
    this.#cut()
    const waiting = this.#frames.reduce((sum, { count }) => sum + count, 0)
    let done = this.#spool.end - (this.#position - waiting)
    // An append that is under way may have added some of them already.
    const left = this.#frames.filter(({ count }) => {
      done -= count
      return done < 0
    })
    this.#spool.appendNow(left)
  }

  /** Writes what it can and stops. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#flush()
    for (;;) {
      if (this.#writing !== undefined) await this.#writing
      else if (this.#frames.length > 0 && this.#spool.isRoomComing) await this.#spool.recorded()
      else break
    }
    this.#timer?.cancel()
    this.#retry?.cancel()
    this.#spool.onRoom = () => undefined
    for (const { reject } of this.#waiters.splice(0)) reject(new PosternError("SPOOL_FULL"))
  }

  async #written(position: number): Promise<void> {
    if (this.#spool.end >= position) return
    if (this.#failure !== undefined) throw this.#failure
    this.hurry()
    await new Promise<void>((resolve, reject) => this.#waiters.push({ position, resolve, reject }))
  }

  /** There is no room for one more, neither on disk nor in memory: it becomes part of a gap. */
  #lose(): undefined {
    this.#addGap(1, lossReason)
    this.#lostEnd = this.#position
    this.#events.lost(1)
    this.#write()
    return undefined
  }

  /** Puts a gap here, for events that were lost on their way to this buffer. Errors: SPOOL_FULL where that was asked for. */
  addLoss(events: number, reason: string): void {
    const isFull = this.#failure !== undefined || this.#isTight(this.heldBytes + reason.length)
    if (this.#settings.whenFull === "throw" && isFull) throw new PosternError("SPOOL_FULL")
    this.#addGap(events, reason)
    this.#flushSoon()
  }

  #addGap(events: number, reason: string): void {
    this.#cut()
    const region = Buffer.from(reason)
    const last = this.#frames.length > this.#appending ? this.#frames.at(-1) : undefined
    const isSame = last?.kind === "gap" && last.region.equals(region)
    if (isSame) this.#frames.pop()
    const count = events + (isSame ? last.count : 0)
    this.#frames.push({ kind: "gap", count, region })
    this.#position += events
  }

  #flush(): void {
    this.#isSoon = false
    this.#cut()
    this.#write()
  }

  #cut(): void {
    if (this.#region.count > 0) this.#push({ kind: "batch", ...this.#region.take() })
    let from = 0
    let bytes = 0
    for (const [at, event] of this.#loose.entries()) {
      const length = 4 + Buffer.byteLength(event)
      const isFull = bytes + length > regionBytesMax || at - from >= frameEventsMax
      if (isFull && at > from) {
        this.#push(frameOf(this.#loose.slice(from, at), bytes))
        from = at
        bytes = 0
      }
      bytes += length
    }
    if (bytes > 0) this.#push(frameOf(this.#loose.slice(from), bytes))
    this.#loose = []
    this.#looseBytes = 0
  }

  #push(frame: NewFrame): void {
    this.#frames.push(frame)
    this.#framesBytes += heldBytesOf(frame)
  }

  #write(): void {
    this.#isAgain = true
    if (this.#writing !== undefined) return
    this.#retry?.cancel()
    this.#retry = undefined
    this.#writing = this.#writeAll()
      .catch((error) => this.#failed(error))
      .finally(() => {
        this.#appending = 0
        this.#writing = undefined
        if (this.#isAgain) this.#write()
      })
  }

  async #writeAll(): Promise<void> {
    this.#isAgain = false
    while (this.#frames.length > 0) {
      const frames = this.#frames.slice(0, appendFramesMax)
      this.#appending = frames.length
      const done = await this.#spool.append(frames)
      if (done === 0) return this.#makeRoom()
      await this.#appended(frames.slice(0, done))
    }
  }

  async #appended(frames: readonly NewFrame[]): Promise<void> {
    this.#frames = this.#frames.slice(frames.length)
    this.#appending = 0
    for (const frame of frames) {
      if (frame.kind === "batch") this.#framesBytes -= heldBytesOf(frame)
    }
    this.#failure = undefined
    this.#retryMs = retryMsMin
    if (this.#settings.durable === "disk") {
      // A disk that fails is told of, and the events are sent all the same: the port may be their only hope.
      await this.#spool.sync().catch((error) => this.#events.failed(spoolError(error)))
    }
    this.#events.added()
    while (this.#spool.end >= (this.#waiters[0]?.position ?? Number.POSITIVE_INFINITY)) {
      this.#waiters.shift()?.resolve()
    }
  }

  /** Room comes a little later, made here or by acknowledgements; onRoom goes on from there. */
  #makeRoom(): void {
    if (this.#spool.isRoomComing) return
    const mayDrop = this.#settings.whenFull === "dropOldest"
    const loss = mayDrop ? this.#spool.dropOldest(this.#events.sentEnd()) : undefined
    if (loss === undefined) return this.#refuseWaiters(new PosternError("SPOOL_FULL"))
    this.#lostEnd = Math.max(this.#lostEnd, loss.end)
    this.#events.lost(loss.events)
  }

  /** The file system refused: again in a moment, a little later each time. */
  #failed(error: unknown): void {
    this.#refuseWaiters(spoolError(error))
    if (this.#isClosing) return
    this.#retry = this.#world.startTimer(() => this.#write(), this.#retryMs)
    this.#retryMs = Math.min(retryMsMax, this.#retryMs * 2)
  }

  #refuseWaiters(failure: PosternError): void {
    if (this.#failure === undefined) this.#events.failed(failure)
    this.#failure = failure
    for (const { reject } of this.#waiters.splice(0)) reject(failure)
  }
}

function lengthOf(parts: readonly Buffer[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0)
}

function heldBytesOf({ region, parts = [] }: NewFrame): number {
  return region.length + lengthOf(parts)
}

/** A batch's region: each event behind its length. */
function frameOf(events: readonly (string | Uint8Array)[], bytes: number): NewFrame {
  const region = Buffer.allocUnsafe(bytes)
  let at = 0
  for (const event of events) {
    const length = writeText(event, region, at + 4)
    region.writeUInt32BE(length, at)
    at += 4 + length
  }
  return { kind: "batch", count: events.length, region }
}

function writeText(event: string | Uint8Array, to: Buffer, at: number): number {
  if (typeof event === "string") return to.write(event, at)
  to.set(event, at)
  return event.length
}

function spoolError(error: unknown): PosternError {
  if (error instanceof PosternError) return error
  const { code } = error as NodeJS.ErrnoException
  const isFull = code === "ENOSPC" || code === "EDQUOT"
  return new PosternError(isFull ? "SPOOL_FULL" : "SPOOL_DAMAGED", String(error), { cause: error })
}
