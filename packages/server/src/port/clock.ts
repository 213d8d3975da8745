import { randomFillSync } from "node:crypto"
import { createEventId } from "@postern/log/event"

/** The world's clock and randomness, as the port's driver hands them down. */
export interface Clock {
  milliseconds(): number
  /**
   * Microseconds since the epoch; the platform gives milliseconds. Never goes back: when the system's clock does, it
   * stands still until that has caught up, so that entries are found by the time they were received.
   */
  microseconds(): number
  /** 16 fresh random bytes for a batch's nonces. */
  seed(): Uint8Array
  eventId(): string
}

/** A clock that can be told what the log knows of time. */
export interface SteadyClock extends Clock {
  /** The clock shows at least this from now on, microseconds: the log's last slot was committed then. */
  notBefore(microseconds: number): void
}

const poolBytes = 16 * 512

export function systemClock(): SteadyClock {
  let pool = new Uint8Array(0)
  let at = 0
  let latest = 0
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
    microseconds: () => {
      latest = Math.max(latest, Date.now() * 1000)
      return latest
    },
    notBefore: (microseconds) => {
      latest = Math.max(latest, microseconds)
    },
    seed,
    eventId: () => createEventId(new Date(), seed()),
  }
}
