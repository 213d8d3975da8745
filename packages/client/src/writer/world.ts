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
  /** Starts it anew, also if it has run out; not after cancel(). */
  again(): void
  /** Whether this timer alone keeps the process alive. True at first. */
  hold(isHeld: boolean): void
}

const poolBytes = 4096
let pool = new Uint8Array(0)
let poolAt = 0

/** Event ids are drawn for every event: random bytes are taken in bulk, each handed out once. */
function drawBytes(bytes: number): Uint8Array {
  if (bytes > poolBytes) return randomBytes(bytes)
  if (poolAt + bytes > pool.length) {
    pool = new Uint8Array(randomBytes(poolBytes))
    poolAt = 0
  }
  poolAt += bytes
  return pool.subarray(poolAt - bytes, poolAt)
}

/** The real one. */
export const systemWorld: World = {
  nowMs: () => Date.now(),
  random: () => Math.random(),
  randomBytes: drawBytes,
  startTimer(run, delayMs) {
    const timer = setTimeout(run, delayMs)
    return {
      cancel: () => clearTimeout(timer),
      again: () => void timer.refresh(),
      hold: (isHeld) => (isHeld ? timer.ref() : timer.unref()),
    }
  },
  soon: (run) => void setImmediate(run),
}
