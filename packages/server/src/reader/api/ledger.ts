import { PosternError } from "@postern/log/base"
import type { Peer } from "../../acceptor/index.ts"
import type { Read, ReadCounters, ReadWorld } from "./world.ts"

/** Writes reads down before their rows leave. */
export interface Ledger {
  /** Resolves when the read is recorded. @throws PosternError READ_UNRECORDED; then no row may leave. */
  record(peer: Peer, read: Omit<Read, "reader" | "from">): Promise<void>
  /**
   * As `record`, for entry bundles, which mirrors take by the thousand: the first one of a window is recorded before its
   * rows leave and says that more may follow; what was taken in all is recorded when the window ends.
   */
  recordBundle(peer: Peer, question: string, index: number): Promise<void>
  /** Ends all windows. */
  close(): Promise<void>
}

/** Bundles that one reader took since a record announced them. */
interface BundleWindow {
  readonly peer: Peer
  readonly announced: Promise<void>
  bundles: number
  lowest: number
  highest: number
  readonly timer: NodeJS.Timeout
}

export function openLedger(world: ReadWorld, counters: ReadCounters): Ledger {
  const windows = new Map<string, BundleWindow>()
  const { limits, recorder } = world

  async function record(peer: Peer, read: Omit<Read, "reader" | "from">): Promise<void> {
    try {
      const kept = recorder.record({ ...read, reader: peer.id, from: peer.from })
      await withDeadline(kept, limits.recordMs)
    } catch (cause) {
      counters.unrecorded++
      const why = cause instanceof Error ? cause.message : String(cause)
      world.log("a read could not be recorded", { reader: peer.id, what: read.what, why })
      throw new PosternError("READ_UNRECORDED", undefined, { cause })
    }
  }

  async function recordBundle(peer: Peer, question: string, index: number): Promise<void> {
    const open = windows.get(peer.id)
    if (open !== undefined && open.bundles < limits.bundlesPerRecord) {
      open.bundles++
      open.lowest = Math.min(open.lowest, index)
      open.highest = Math.max(open.highest, index)
      return open.announced
    }
    if (open !== undefined) void endWindow(open)
    const facts = { bundlesMax: limits.bundlesPerRecord, windowMs: limits.bundleWindowMs }
    const announced = record(peer, { action: "postern.read", what: "bundle", question, facts })
    const timer = setTimeout(() => void endWindow(window), limits.bundleWindowMs)
    timer.unref()
    const window = { peer, announced, bundles: 1, lowest: index, highest: index, timer }
    windows.set(peer.id, window)
    // A window whose announcement failed must not let later bundles through for free, nor block them.
    announced.catch(() => forget(window))
    return announced
  }

  function forget(window: BundleWindow): void {
    clearTimeout(window.timer)
    if (windows.get(window.peer.id) === window) windows.delete(window.peer.id)
  }

  /** The rows have left: a failure here can only be told to the operator, which `record` has done. */
  async function endWindow(window: BundleWindow): Promise<void> {
    forget(window)
    const { peer, bundles, lowest, highest } = window
    if (bundles === 1) return
    const facts = { bundles, from: lowest * 256, to: (highest + 1) * 256 }
    const question = `entry bundles ${lowest} to ${highest}`
    const read = { action: "postern.read", what: "bundle", question, facts } as const
    await record(peer, read).catch(() => undefined)
  }

  async function close(): Promise<void> {
    await Promise.all([...windows.values()].map(endWindow))
  }

  return { record, recordBundle, close }
}

async function withDeadline(promise: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  try {
    await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
