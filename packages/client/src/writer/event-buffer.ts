import { PosternError } from "@postern/log/base"
import type { NewFrame } from "./append-plan.ts"
import type { Spool } from "./spool.ts"
import type { Timer, World } from "./world.ts"

/** Events coalesce until their frame is this long, or for this long after the first. */
const frameBytes = 16_384
const lingerMs = 2
/** A frame never exceeds this, so that it goes beyond a small credit by little. */
const frameEventsMax = 1_000
const heldBytesMax = 16 * 1024 * 1024
const lossReason = "the writer's spool was full"

export interface BufferSettings {
  readonly whenFull: "dropOldest" | "block" | "throw"
  readonly durable: "process" | "disk"
}

export interface BufferEvents {
  /** Frames were added to the spool. */
  spooled(): void
  /** Everything below this position may not be dropped: it was sent. */
  protectedEnd(): number
  lost(events: number): void
  failed(error: unknown): void
}

/**
 * Between audit() and the spool: gathers events into frames, writes them in order, and decides what a full spool
 * means. Positions count events since the spool began, lost ones included.
 */
export class EventBuffer {
  readonly #spool: Spool
  readonly #settings: BufferSettings
  readonly #world: World
  readonly #events: BufferEvents
  #parts: Buffer[] = []
  #partBytes = 0
  #partEvents = 0
  #frames: NewFrame[] = []
  #frameBytes = 0
  /** Position of the next event. */
  #position: number
  #timer: Timer | undefined
  #writing: Promise<void> | undefined
  #full = false

  constructor(spool: Spool, settings: BufferSettings, world: World, events: BufferEvents) {
    this.#spool = spool
    this.#settings = settings
    this.#world = world
    this.#events = events
    this.#position = spool.end
    spool.onRoom = () => {
      this.#full = false
      this.#write()
    }
  }

  get position(): number {
    return this.#position
  }

  /** Events that are not in the spool yet. */
  get waitingEvents(): number {
    return this.#partEvents + this.#frames.reduce((sum, frame) => sum + frame.count, 0)
  }

  /** Takes an event; gives its position. Errors: SPOOL_FULL if that was asked for. */
  add(event: Uint8Array): number {
    if (this.#full && this.#settings.whenFull === "throw") throw new PosternError("SPOOL_FULL")
    const part = Buffer.allocUnsafe(4 + event.length)
    part.writeUInt32BE(event.length, 0)
    part.set(event, 4)
    this.#parts.push(part)
    this.#partBytes += part.length
    this.#partEvents += 1
    const position = this.#position
    this.#position += 1
    if (this.#partBytes >= frameBytes || this.#partEvents >= frameEventsMax) this.#cut()
    else this.#timer ??= this.#world.startTimer(() => this.#cut(), lingerMs)
    return position
  }

  #cut(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#partEvents === 0) return
    const region = Buffer.concat(this.#parts, this.#partBytes)
    const frame: NewFrame = { kind: "batch", count: this.#partEvents, region }
    this.#parts = []
    this.#partBytes = 0
    this.#partEvents = 0
    if (this.#frameBytes + region.length > heldBytesMax) {
      this.#lose(frame.count)
    } else {
      this.#frames.push(frame)
      this.#frameBytes += region.length
    }
    this.#write()
  }

  /** Resolves when everything so far is written, and synced if `toDisk`. Errors: SPOOL_FULL; those of the file system. */
  async written(toDisk: boolean): Promise<void> {
    this.#cut()
    while (this.#writing !== undefined) await this.#writing
    if (this.#frames.length > 0) throw new PosternError("SPOOL_FULL")
    if (toDisk) await this.#spool.sync()
  }

  /** For a process that ends now: what waits goes to the spool without waiting for anything. */
  writeNow(): void {
    this.#cut()
    this.#spool.appendNow(this.#frames)
  }

  #write(): void {
    this.#writing ??= this.#writeAll()
      .catch((error) => this.#events.failed(error))
      .finally(() => {
        this.#writing = undefined
      })
  }

  async #writeAll(): Promise<void> {
    while (this.#frames.length > 0) {
      const frames = this.#frames
      const done = await this.#spool.append(frames)
      this.#frames = this.#frames.slice(done)
      for (const frame of frames.slice(0, done)) this.#frameBytes -= frame.region.length
      if (done > 0) {
        if (this.#settings.durable === "disk") await this.#spool.sync()
        this.#events.spooled()
      }
      if (done < frames.length) return this.#makeRoom()
    }
  }

  /** Room comes a little later, by acknowledgements or by what is dropped here: onRoom writes on. */
  #makeRoom(): void {
    this.#full = true
    if (this.#settings.whenFull !== "dropOldest") return
    const dropped = this.#spool.dropOldest(this.#events.protectedEnd())
    if (dropped !== undefined) this.#events.lost(dropped)
  }

  /** Nothing more is held: the events become a gap in their place, which takes no room to speak of. */
  #lose(count: number): void {
    this.#events.lost(count)
    const last = this.#frames.at(-1)
    const before = last?.kind === "gap" ? last.count : 0
    if (before > 0) this.#frames = this.#frames.slice(0, -1)
    this.#frames.push({ kind: "gap", count: before + count, region: Buffer.from(lossReason) })
  }
}
