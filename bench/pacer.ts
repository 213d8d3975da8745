/**
 * Wakes the generator when the next batch is due, to a fraction of a millisecond: timers of the event loop know whole
 * milliseconds only, and a loop that spins would take the server's core. Runs as a worker; `workerData` says when.
 */
import { parentPort, Worker, workerData } from "node:worker_threads"

/** Batches that are due within this time of each other share a wake-up. */
const pauseMsMin = 0.25

interface Rhythm {
  /** By the clock of performance.timeOrigin + performance.now(). */
  readonly start: number
  readonly intervalMs: number
}

/** Calls `wake` whenever a batch is due, from `start` on (performance.now()). Returns what ends it. */
export function startPacer(start: number, intervalMs: number, wake: () => void): () => void {
  const rhythm: Rhythm = { start: performance.timeOrigin + start, intervalMs }
  const worker = new Worker(new URL(import.meta.url), { workerData: { rhythm } })
  worker.on("message", wake)
  worker.on("error", (error) => {
    throw error
  })
  return () => {
    worker.terminate().catch((error) => {
      throw error
    })
  }
}

function keepTime({ start, intervalMs }: Rhythm): void {
  const still = new Int32Array(new SharedArrayBuffer(4))
  for (;;) {
    const now = performance.timeOrigin + performance.now()
    const passed = Math.max(0, Math.ceil((now - start) / intervalMs))
    const pauseMs = Math.max(start + passed * intervalMs - now, pauseMsMin)
    Atomics.wait(still, 0, 0, pauseMs)
    parentPort?.postMessage(0)
  }
}

const data: unknown = workerData
if (parentPort !== null && typeof data === "object" && data !== null && "rhythm" in data) {
  keepTime(data.rhythm as Rhythm)
}
