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
  /**
   * As `record`, for counts and completions, which a console asks for again and again while somebody looks at one question: the
   * first of a window is recorded before it leaves, how many there were in all when the window ends.
   * @param subject what makes them one question
   */
  recordCounts(peer: Peer, question: string, subject: string, query?: string): Promise<void>
  /** Ends all windows. */
  close(): Promise<void>
}

type Told = Pick<Read, "what" | "question" | "facts">

/** A kind of read of which many follow each other. */
interface Series {
  /** What makes reads one series, beside the reader. */
  readonly subject: string
  /** Announces the first one and those that may follow. */
  readonly first: Told
  /** Of all of them, if there was more than one. */
  ending(window: ReadWindow): Told
}

/** What one reader took of a series since a record announced it. */
interface ReadWindow {
  readonly peer: Peer
  readonly series: Series
  readonly announced: Promise<void>
  readonly timer: NodeJS.Timeout
  reads: number
  /** Of the places that were read. */
  lowest: number
  highest: number
}

/** However many questions readers think of: beyond it each one is recorded by itself. */
const windowsMax = 10_000

export function openLedger(world: ReadWorld, counters: ReadCounters): Ledger {
  const windows = new Map<string, ReadWindow>()
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

  async function recordOften(peer: Peer, series: Series, place: number): Promise<void> {
    const key = `${peer.id} ${series.subject}`
    const open = windows.get(key)
    if (open !== undefined && open.reads < limits.readsPerRecord) {
      open.reads++
      open.lowest = Math.min(open.lowest, place)
      open.highest = Math.max(open.highest, place)
      return open.announced
    }
    if (open !== undefined) void endWindow(open)
    const announced = record(peer, { action: "postern.read", ...series.first })
    if (windows.size >= windowsMax) return announced
    const timer = setTimeout(() => void endWindow(window), limits.readWindowMs)
    timer.unref()
    const window = { peer, series, announced, timer, reads: 1, lowest: place, highest: place }
    windows.set(key, window)
    // A window whose announcement failed must not let later reads through for free, nor block them.
    announced.catch(() => forget(window))
    return announced
  }

  function recordBundle(peer: Peer, question: string, index: number): Promise<void> {
    const facts = { bundlesMax: limits.readsPerRecord, windowMs: limits.readWindowMs }
    const ending = ({ reads, lowest, highest }: ReadWindow): Told => ({
      what: "bundle",
      question: `entry bundles ${lowest} to ${highest}`,
      facts: { bundles: reads, from: lowest * 256, to: (highest + 1) * 256 },
    })
    const first = { what: "bundle", question, facts } as const
    return recordOften(peer, { subject: "bundle", first, ending }, index)
  }

  function recordCounts(peer: Peer, question: string, subject: string, query = ""): Promise<void> {
    const facts = { readsMax: limits.readsPerRecord, windowMs: limits.readWindowMs, query }
    const first = { what: "counts", question, facts } as const
    const ending = ({ reads }: ReadWindow): Told => ({ what: "counts", question, facts: { reads } })
    return recordOften(peer, { subject: `counts ${subject}`, first, ending }, 0)
  }

  function forget(window: ReadWindow): void {
    clearTimeout(window.timer)
    const key = `${window.peer.id} ${window.series.subject}`
    if (windows.get(key) === window) windows.delete(key)
  }

  /** The rows have left: a failure here can only be told to the operator, which `record` has done. */
  async function endWindow(window: ReadWindow): Promise<void> {
    forget(window)
    const { peer, reads, series } = window
    if (reads === 1) return
    const told = series.ending(window)
    await record(peer, { action: "postern.read", ...told }).catch(() => undefined)
  }

  async function close(): Promise<void> {
    await Promise.all([...windows.values()].map(endWindow))
  }

  return { record, recordBundle, recordCounts, close }
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
