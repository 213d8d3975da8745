import { randomBytes } from "node:crypto"

/** What the writer takes from outside besides files and sockets; tests hand in their own. */
export interface World {
  /** Milliseconds since 1970-01-01 UTC. */
  nowMs(): number
  /** In [0, 1); for jitter only. */
  random(): number
  /** Unpredictable bytes: event ids, stream ids. */
  randomBytes(bytes: number): Uint8Array
  startTimer(run: () => void, delayMs: number): Timer
  /** Runs it as soon as what runs now has ended. */
  soon(run: () => void): void
}

export interface Timer {
  cancel(): void
  /** Whether this timer alone keeps the process alive. True at first. */
  hold(isHeld: boolean): void
}

/** The real one. */
export const systemWorld: World = {
  nowMs: () => Date.now(),
  random: () => Math.random(),
  randomBytes: (bytes) => randomBytes(bytes),
  startTimer(run, delayMs) {
    const timer = setTimeout(run, delayMs)
    return {
      cancel: () => clearTimeout(timer),
      hold: (isHeld) => (isHeld ? timer.ref() : timer.unref()),
    }
  },
  soon: (run) => void setImmediate(run),
}
