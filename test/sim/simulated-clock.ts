import { createEventId } from "@postern/log/event"
import type { Decisions } from "../crash/decisions.ts"

/** A clock that moves when it is looked at, and randomness from the seed. */
export class SimulatedClock {
  readonly #decisions: Decisions
  #now = Date.UTC(2026, 10, 22, 12)

  constructor(decisions: Decisions) {
    this.#decisions = decisions
  }

  milliseconds(): number {
    this.#now += 1
    return this.#now
  }
  microseconds(): number {
    return this.milliseconds() * 1000
  }
  seed(): Uint8Array {
    return new Uint8Array(this.#decisions.bytes(16))
  }
  eventId(): string {
    return createEventId(new Date(this.milliseconds()), this.seed())
  }
}

const turns = 30

/**
 * From now on timers of this process count turns of the event loop instead of time: waiting for room on a full disk
 * costs nothing, and a run takes the same course every time.
 */
export function stopTime(): void {
  const wait = (callback: () => void): { cancelled: boolean } => {
    const timer = { cancelled: false }
    let left = turns
    const turn = (): void => {
      if (timer.cancelled) return
      left -= 1
      if (left === 0) callback()
      else setImmediate(turn)
    }
    setImmediate(turn)
    return timer
  }
  const cancel = (timer: { cancelled: boolean } | undefined): void => {
    if (timer !== undefined) timer.cancelled = true
  }
  const none = (): { unref(): void } => ({ unref: () => undefined })
  Object.assign(globalThis, { setTimeout: wait, clearTimeout: cancel })
  Object.assign(globalThis, { setInterval: none, clearInterval: () => undefined })
}
