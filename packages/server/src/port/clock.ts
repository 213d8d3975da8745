import { randomFillSync } from "node:crypto"
import { createEventId } from "@postern/log/event"

/** The world's clock and randomness, as the port's driver hands them down. */
export interface Clock {
  milliseconds(): number
  /** Microseconds since the epoch; the platform gives milliseconds. */
  microseconds(): number
  /** 16 fresh random bytes for a batch's nonces. */
  seed(): Uint8Array
  eventId(): string
}

const poolBytes = 16 * 512

export function systemClock(): Clock {
  let pool = new Uint8Array(0)
  let at = 0
  const seed = (): Uint8Array => {
    if (at === pool.length) {
      pool = randomFillSync(new Uint8Array(poolBytes))
      at = 0
    }
    at += 16
    return pool.subarray(at - 16, at)
  }
  return {
    milliseconds: () => Date.now(),
    microseconds: () => Date.now() * 1000,
    seed,
    eventId: () => createEventId(new Date(), seed()),
  }
}
