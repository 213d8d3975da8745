import type { LogEntry } from "@postern/client"
import { type ErrorCode, errorRegistry } from "@postern/log/base"
import { type LedgerStream, LedgerStreams } from "./ledger-streams.ts"
import type { Facts, Loss, LossKind, SenderClass } from "./loss.ts"

export interface WriterLedger {
  readonly writer: string
  readonly senders: readonly SenderClass[]
  /** Events that are known to have existed: entries, refused ones and lost ones. Of streams with sequence numbers of the writer's only. */
  readonly known: number
  readonly missing: number
  /** missing / known; undefined where a sender numbers nothing, so that nobody can know what never arrived. */
  readonly blind: number | undefined
  /** Some losses have no number: the share is at least this. */
  readonly isAtLeast: boolean
  readonly losses: readonly Loss[]
}

/** What completeness means, by the way in: how far back it is known that nothing is missing. */
export const completeness: Readonly<Record<SenderClass, string>> = {
  postern:
    "complete from audit() on: each event is an entry, a refusal or part of a counted gap, up to the last beat that the writer signed; not after it, if its whole spool is lost",
  http: "complete from receipt on: what was answered with success is an entry; what never arrived cannot be known",
  kubernetes:
    "complete from receipt on: what the API server dropped before it sent cannot be known here; its own metrics count that",
  syslog:
    "complete from receipt on: syslog acknowledges nothing; what was on its way when a connection was cut cannot be known",
}

/** Actions that say what is missing. */
export const ledgerActions = [
  "postern.stream.*",
  "postern.refused",
  "postern.own.lost",
  "postern.loss",
  "postern.writer.silent",
  "postern.writer.heard",
]

/** What goes into a ledger: the port's own entries. */
export type LedgerEntry = Pick<LogEntry, "index" | "received" | "writer" | "event">

/**
 * Collects what the log says is missing, by writer.
 * @param entries in the order of the log; only what the port itself wrote is believed
 * @param newest sequence after the newest entry of a stream, by the index that opened it, where somebody looked
 */
export function makeLedger(
  entries: readonly LedgerEntry[],
  newest: ReadonlyMap<number, number>,
  now: Date,
): WriterLedger[] {
  const streams = new LedgerStreams()
  const losses: Loss[] = []
  for (const entry of entries) {
    if (entry.writer !== entry.event.source || !entry.writer.startsWith("postern://")) continue
    const said = factsOf(entry)
    streams.add(said)
    if (said.action !== "postern.writer.silent" || !isSilent(losses, said)) {
      losses.push(...lossesOf(said))
    }
    if (said.action === "postern.writer.heard") endSilence(losses, said)
  }
  for (const [open, next] of newest) streams.seen(open, next)
  losses.push(...streams.unfinished(now))
  return tally(losses, streams)
}

export function factsOf({ index, received, event }: LedgerEntry): Facts {
  const data = (event.data ?? {}) as Readonly<Record<string, unknown>>
  const writer = typeof data.writer === "string" ? data.writer : "unknown"
  return { index, received, action: String(event.action), data, writer }
}

function lossesOf({ index, received, action, data, writer }: Facts): Loss[] {
  const at = { index, writer, start: received, end: received }
  const stream = typeof data.stream === "string" ? data.stream : undefined
  switch (action) {
    case "postern.stream.gap": {
      const [from, count] = [Number(data.sequence), Number(data.count)]
      const cause = String(data.reason)
      const sequences = [[from, from + count]] as const
      return [{ ...at, kind: "gap", stream, sequences, count, cause, remedy: remedyOf(cause) }]
    }
    case "postern.refused":
      return [refusal({ index, received, action, data, writer }, stream)]
    case "postern.own.lost": {
      const { hint } = errorRegistry.DISK_FULL
      const cause = "the disk was full for longer than the port could hold its own entries"
      return [
        { ...at, kind: "port", writer: "port", count: Number(data.count), cause, remedy: hint },
      ]
    }
    case "postern.loss": {
      const [cause, remedy] = causeOfCut(data)
      return [{ ...at, kind: "cut", count: undefined, cause, remedy }]
    }
    case "postern.writer.silent": {
      const cause = `nothing was heard, though it is expected every ${String(data.cadence)}`
      const remedy = "is it running, and is the port reachable from there? see its spool directory"
      const start = typeof data.since === "string" ? data.since : received
      return [{ ...at, start, end: undefined, kind: "silent", count: undefined, cause, remedy }]
    }
    default:
      return []
  }
}

function refusal({ index, data, writer }: Facts, stream: string | undefined): Loss {
  const code = String(data.code)
  const line = Object.hasOwn(errorRegistry, code) ? errorRegistry[code as ErrorCode] : undefined
  const isEvents = code.startsWith("EVENT_")
  const kind =
    code === "STREAM_EQUIVOCATION" ? "equivocation" : isEvents ? "refused" : "turned away"
  const ranges = Array.isArray(data.sequences) ? (data.sequences as [number, number][]) : []
  return {
    ...{ index, writer, kind, start: String(data.first), end: String(data.last) },
    ...(stream === undefined ? {} : { stream }),
    ...(ranges.length === 0 ? {} : { sequences: ranges }),
    count: isEvents ? Number(data.count) : undefined,
    cause: `${code}: ${line?.message ?? "refused"}${isEvents ? "" : ` (${String(data.count)} times)`}`,
    remedy: line?.hint ?? "see docs/reference/errors.md",
  }
}

function causeOfCut({ session, number, reason, count }: Facts["data"]): [string, string] {
  const code = String(reason)
  const line = Object.hasOwn(errorRegistry, code) ? errorRegistry[code as ErrorCode] : undefined
  const where = session === undefined ? `${count} connections` : `after ${session}.${number}`
  const remedy = "see what the sender still has; an agent beside it acknowledges and loses nothing"
  return [`a syslog connection was cut, ${where}: ${line?.message ?? code}`, line?.hint ?? remedy]
}

function remedyOf(reason: string): string {
  if (reason === "the spool was full") return errorRegistry.SPOOL_FULL.hint
  if (reason === "the spool was damaged") {
    return "look at the disk of that machine and keep its spool directory; the events are lost unless the application has them"
  }
  return "ask the writer's owner; the application may still have the events"
}

/** Each life of the port says it anew. */
function isSilent(losses: readonly Loss[], { writer }: Facts): boolean {
  const last = losses.findLast((loss) => loss.kind === "silent" && loss.writer === writer)
  return last !== undefined && last.end === undefined
}

function endSilence(losses: Loss[], { writer, received }: Facts): void {
  const at = losses.findLastIndex((loss) => loss.kind === "silent" && loss.writer === writer)
  const silence = losses[at]
  if (silence?.end === undefined && silence !== undefined)
    losses[at] = { ...silence, end: received }
}

/** Whole requests that were turned away say nothing about events: a sender that repeats loses none. */
const unnumbered: ReadonlySet<LossKind> = new Set(["silent", "unfinished", "cut"])

function tally(losses: readonly Loss[], streams: LedgerStreams): WriterLedger[] {
  const names = new Set([...streams.writers(), ...losses.map(({ writer }) => writer)])
  return [...names].sort().map((writer) => {
    const own = losses.filter((loss) => loss.writer === writer).sort((a, b) => a.index - b.index)
    const all = streams.of(writer)
    const framed = all.filter(({ isFramed }) => isFramed)
    const senders = [...new Set(all.map(({ adapter }) => adapter))].sort()
    const missing = own.reduce((sum, { count = 0 }) => sum + count, 0)
    const known = framed.reduce((sum, { next }) => sum + next, 0) + outside(own, framed)
    const isNumbered = framed.length > 0 && framed.length === all.length
    return {
      ...{ writer, senders, known, missing, losses: own },
      blind: isNumbered && known > 0 ? missing / known : undefined,
      isAtLeast: own.some(({ kind }) => unnumbered.has(kind)),
    }
  })
}

/** Lost events that are not numbers of a stream that is counted. */
function outside(losses: readonly Loss[], framed: readonly LedgerStream[]): number {
  const ids = new Set(framed.map(({ id }) => id))
  return losses
    .filter(({ stream }) => stream === undefined || !ids.has(stream))
    .reduce((sum, { count = 0 }) => sum + count, 0)
}
