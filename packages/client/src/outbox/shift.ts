import { type ErrorCode, formatHex, PosternError } from "@postern/log/base"
import type { ProfileHolder } from "../renewal/index.ts"
import { type Delivered, Sender, systemWorld } from "../writer/index.ts"
import type { Bell } from "./bell.ts"
import { type RefusedEvent, refusalsOf } from "./refused-events.ts"
import { TableFrames } from "./table-frames.ts"
import type { HeldStream, Tables } from "./tables.ts"

export interface ShiftEvents {
  delivered(delivered: Delivered): void
  tell(code: ErrorCode, detail: string | undefined, events: number): void
}

/** How a relay holds the stream and looks for rows. */
export interface ShiftTiming {
  /** Another relay takes over when so long nothing was heard of this one; it says so three times as often. */
  readonly leaseMs: number
  /** Rows are looked for so often, hint or no hint. */
  readonly pollMs: number
}

/** What is on its way at once: the port remembers the last 256 batches of a stream, and what it refused of them. */
const framesMax = 32
const bytesMax = 4 * 1024 * 1024

/**
 * The time in which one relay holds the stream: brings the batches that are there to the port, makes new ones of the rows that come,
 * and records what the port has answered for.
 */
export class Shift {
  readonly #tables: Tables
  readonly #bell: Bell
  readonly #timing: ShiftTiming
  readonly #events: ShiftEvents
  readonly #frames: TableFrames
  readonly #sender: Sender
  #aside: RefusedEvent[] = []
  #recording: Promise<unknown> = Promise.resolve()
  #recorded: number
  #heldMs: number
  #isHeld = true
  #isWaiting = false
  /** What is on its way has until then to arrive, when the relay is to stop; undefined while it is not. */
  #stopMs: number | undefined

  /** @param bell rung by whoever knows of new rows; this shift rings it too */
  constructor(
    held: HeldStream,
    { tables, bell, timing }: { tables: Tables; bell: Bell; timing: ShiftTiming },
    { holder, directory }: { holder: ProfileHolder; directory: string },
    events: ShiftEvents,
  ) {
    this.#tables = tables
    this.#bell = bell
    this.#timing = timing
    this.#events = events
    const world = systemWorld
    this.#heldMs = performance.now()
    this.#recorded = held.acked
    this.#frames = new TableFrames(held, world.nowMs(), () => this.#record())
    this.#sender = new Sender(holder, this.#frames, directory, world, {
      delivered: (delivered) => this.#delivered(delivered),
      settled: () => bell.ring(),
      tell: (code, detail, count) => events.tell(code, detail, count),
    })
  }

  get isConnected(): boolean {
    return this.#sender.isOpen
  }

  /** Events on their way. */
  get events(): number {
    return this.#frames.events
  }

  /** Claims nothing more, and ends when what is on its way has arrived, or after so long. */
  stop(withinMs: number): void {
    this.#stopMs = performance.now() + withinMs
    this.#bell.ring()
  }

  /** Resolves when another relay holds the stream, or after stop(). Errors: OUTBOX_DATABASE. */
  async work(): Promise<void> {
    try {
      for (const batch of await this.#timely(this.#tables.batches())) this.#frames.push(batch)
      this.#sender.start()
      for (let goesOn = true; goesOn; ) goesOn = await this.#round()
    } finally {
      await this.#sender.close()
    }
  }

  async #round(): Promise<boolean> {
    await this.#keepHold()
    if (this.#frames.anchor.position > this.#recorded) await this.#record()
    if (!this.#isHeld) return false
    if (this.#stopMs !== undefined) return this.#drain(this.#stopMs)
    const hasRoom = this.#frames.queue.length < framesMax && this.#frames.bytes < bytesMax
    if (!hasRoom) {
      await this.#bell.wait(this.#timing.leaseMs / 3)
      return true
    }
    if (await this.#claim()) return true
    if (this.#isWaiting) {
      await this.#bell.wait(this.#timing.pollMs)
      return true
    }
    // What was committed before this is found by one more look, what comes after it gives a hint.
    await this.#timely(this.#tables.wait())
    this.#isWaiting = true
    return true
  }

  async #drain(stopMs: number): Promise<boolean> {
    const leftMs = stopMs - performance.now()
    if (leftMs <= 0) return false
    // What was acknowledged while the tables were written is recorded, too: or it would be sent once more.
    if (this.#frames.anchor.position > this.#recorded) return true
    if (this.#frames.queue.length === 0) return false
    await this.#bell.wait(Math.min(leftMs, this.#timing.leaseMs / 3))
    return true
  }

  async #keepHold(): Promise<void> {
    const now = performance.now()
    if (now - this.#heldMs < this.#timing.leaseMs / 3) return
    const held = await this.#timely(this.#tables.hold(this.#timing.leaseMs, this.#frames.stream.id))
    // Another one held it in between: what the tables say is no longer what is in memory.
    const isSame = held?.acked === this.#recorded && held.next === this.#frames.end
    const isOurs = held?.id === this.#frames.stream.id && isSame
    this.#isHeld = this.#isHeld && isOurs
    this.#heldMs = now
  }

  async #claim(): Promise<boolean> {
    const batch = await this.#timely(this.#tables.claim())
    if (batch === undefined) return false
    this.#isWaiting = false
    this.#frames.push(batch)
    this.#sender.wake()
    return true
  }

  #delivered(delivered: Delivered): void {
    const { events, untold } = refusalsOf(delivered)
    this.#aside.push(...events)
    if (untold > 0) this.#events.tell("OUTBOX_UNTOLD", undefined, untold)
    this.#events.delivered(delivered)
  }

  /** One after the other, so that the tables never go back. */
  #record(): Promise<void> {
    const recording = this.#recording
      .catch(() => undefined)
      .then(async () => {
        const state = this.#frames.state
        const aside = this.#aside.splice(0)
        try {
          this.#isHeld = (await this.#timely(this.#tables.settle(state, aside))) && this.#isHeld
          this.#recorded = state.acked
        } catch (error) {
          this.#aside.unshift(...aside)
          throw error
        }
      })
    this.#recording = recording
    return recording
  }

  /** A database that does not answer must not keep a relay from seeing that its time is over. */
  #timely<T>(asked: Promise<T>): Promise<T> {
    const { leaseMs } = this.#timing
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new PosternError("OUTBOX_DATABASE", "it does not answer"))
      const timer = setTimeout(late, leaseMs / 3)
      asked.finally(() => clearTimeout(timer)).then(resolve, reject)
    })
  }
}

/** A name that no other relay has. */
export function newHolderName(): string {
  return formatHex(systemWorld.randomBytes(16))
}
