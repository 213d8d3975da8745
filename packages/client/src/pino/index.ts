/**
 * `@postern/client/pino`: a transport for Pino, which runs it in a worker thread. Records that are marked become events in the spool; all others
 * are none of its business. `auditMixin` lends marked records the context of the request that wrote them, which a worker cannot know.
 */
import type { Writable } from "node:stream"
import { type AuditContext, currentContext, fillIn } from "../context/index.ts"
import {
  eventOfRecord,
  isMarked,
  type Marking,
  type MarkingOptions,
  markingOf,
  writeRecord,
} from "../records/index.ts"
import { type Audit, connect } from "../writer/index.ts"
import { createLineWriter } from "./line-writer.ts"

/** Plain data: Pino copies it to its worker. */
export interface PinoTransportOptions extends MarkingOptions {
  /** Path of the connection profile. Default: POSTERN_PROFILE. */
  readonly profile?: string
}

type Members = Readonly<Record<string, unknown>>

const contextKey = "auditContext"

/**
 * Pino calls this in its worker: `pino({ transport: { target: "@postern/client/pino", options } })`. Fails as connect() does. When the logger ends, what was
 * written is delivered for five seconds; the rest stays in the spool.
 */
export async function createTransport({
  profile,
  ...options
}: PinoTransportOptions = {}): Promise<Writable> {
  const audit = await connect(profile)
  return createLineWriter(
    (line) => takeLine(audit, markingOf(options), line),
    () => audit.close(),
  )
}

// The one thing that Pino imports of a target.
// biome-ignore lint/style/noDefaultExport: Pino looks for it there.
export default createTransport

/** For Pino's `mixin`, with the same marking as the transport's: marked records carry the context of the request, all others nothing. */
export function auditMixin(options: MarkingOptions = {}) {
  const marking = markingOf(options)
  return (record: object, level: number): { auditContext?: AuditContext } => {
    const context = isMarked(record as Members, marking, level) ? contextOfNow() : undefined
    return context === undefined ? {} : { [contextKey]: context }
  }
}

function contextOfNow(): AuditContext | undefined {
  try {
    return currentContext()
  } catch {
    return undefined // The application's own function failed; who logs must not hear of it, and the event says that nobody is known.
  }
}

function takeLine(audit: Audit, marking: Marking, line: string): void {
  const record = parse(line)
  if (record === undefined || !isMarked(record, marking, record.level)) return
  const { [contextKey]: context, time, ...rest } = record
  const event = eventOfRecord(rest, marking, timeOf(time))
  const details = fillIn(event.details, readContext(context))
  writeRecord(audit, "pino", { action: event.action, details }, line)
}

/** What the mixin lent; a record may bring a member of that name itself, with anything in it. */
function readContext(value: unknown): AuditContext {
  if (typeof value !== "object" || value === null) return {}
  const { onBehalfOf, ...context } = value as AuditContext
  return Array.isArray(onBehalfOf) ? { ...context, onBehalfOf } : context
}

/** Undefined for what is no record of Pino's: other programs may write into the same stream. */
function parse(line: string): Members | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === "object" && value !== null ? (value as Members) : undefined
  } catch {
    return undefined
  }
}

/** Pino's own times: milliseconds since 1970, or ISO 8601. */
function timeOf(value: unknown): Date | undefined {
  if (typeof value !== "number" && typeof value !== "string") return undefined
  const time = new Date(value)
  return Number.isNaN(time.getTime()) ? undefined : time
}
