import { createHash } from "node:crypto"
import { createEventId } from "@postern/log/event"
import type { Clock } from "../../packages/server/dist/port/clock.js"

/** A port's clock that shows what it is told, and chance that is the same in every run. */
export class ToldClock implements Clock {
  #now: number
  #seeds = 0

  /** @param now microseconds */
  constructor(now: number) {
    this.#now = now
  }

  /** Never back. */
  tell(microseconds: number): void {
    this.#now = Math.max(this.#now, microseconds)
  }

  milliseconds(): number {
    return Math.floor(this.#now / 1000)
  }

  microseconds(): number {
    return this.#now
  }

  seed(): Uint8Array {
    this.#seeds += 1
    return createHash("sha256").update(String(this.#seeds)).digest().subarray(0, 16)
  }

  eventId(): string {
    return createEventId(new Date(this.milliseconds()), this.seed())
  }
}
