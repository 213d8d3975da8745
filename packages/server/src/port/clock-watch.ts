import type { OwnStream } from "./own-stream.ts"

/** Smaller jumps are what time services do every day. */
const stepMsMin = 500

/** Two readings of the same moment. */
export interface ClockReading {
  /** By the system's clock, which can be set. */
  readonly wallMs: number
  /** By the monotonic one, which cannot, and stands still while the machine sleeps. */
  readonly elapsedMs: number
}

/**
 * Notices that the system's clock was set, or that the machine slept: the two clocks went apart between two looks.
 * Undefined if they did not; else by how many milliseconds the system's clock is ahead of where it would be.
 */
export function createClockWatch(first: ClockReading): (now: ClockReading) => number | undefined {
  let before = first
  return (now) => {
    const step = now.wallMs - before.wallMs - (now.elapsedMs - before.elapsedMs)
    before = now
    return Math.abs(step) >= stepMsMin ? Math.round(step) : undefined
  }
}

/**
 * To be called every second. Times in the log are the port's: that its clock was set is part of what they mean, and
 * becomes an entry.
 */
export function watchClock(
  own: Pick<OwnStream, "record">,
  tell: (level: "warn", message: string, more: object) => void,
): () => void {
  const read = () => ({ wallMs: Date.now(), elapsedMs: performance.now() })
  const look = createClockWatch(read())
  return () => {
    const byMs = look(read())
    if (byMs === undefined) return
    own.record({ action: "postern.clock.stepped", outcome: "unknown", data: { byMs } })
    tell("warn", "the system's clock was set, or the machine slept", { byMs })
  }
}
