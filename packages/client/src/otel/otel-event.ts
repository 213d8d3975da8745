import type { RecordEvent } from "../records/index.ts"
import { eventOfRecord, type Marking } from "../records/index.ts"

/** What is asked of OpenTelemetry's SdkLogRecord. */
export interface LogRecordLike {
  /** Seconds and nanoseconds since 1970. */
  readonly hrTime: readonly [number, number]
  readonly eventName?: string | undefined
  readonly severityText?: string | undefined
  readonly severityNumber?: number | undefined
  readonly body?: unknown
  readonly attributes: object
  readonly spanContext?: { readonly traceId: string; readonly spanId: string } | undefined
  readonly resource?: { readonly attributes: object } | undefined
  readonly instrumentationScope?:
    | { readonly name: string; readonly version?: string | undefined }
    | undefined
}

type Members = Readonly<Record<string, unknown>>

/**
 * The event of a marked record. Members are attributes below the mark (`audit.action`, `audit.actor`, `audit.target`, `audit.outcome` …) or one nested
 * attribute; where those are silent, the action is the event's name, and semantic conventions name actor and origin. Everything else is kept under `data.log`.
 */
export function eventOfLogRecord(record: LogRecordLike, marking: Marking): RecordEvent {
  const { key } = marking
  const attributes = record.attributes as Members
  const nested = attributes[key]
  const all = Object.entries(attributes)
  const flat = all.filter(([name]) => name.startsWith(`${key}.`))
  const rest = all.filter(([name]) => name !== key && !name.startsWith(`${key}.`))
  const mark: Members = {
    ...Object.fromEntries(flat.map(([name, value]) => [name.slice(key.length + 1), value])),
    ...(isRecord(nested) ? nested : {}),
  }
  const whole = {
    ...suppose(record, attributes),
    ...mark,
    trace: traceOf(record, mark.trace),
  }
  const { body, severityText, severityNumber, eventName, resource, instrumentationScope } = record
  const log = {
    [key]: whole,
    ...{ body, severityText, severityNumber, eventName },
    ...{
      attributes: Object.fromEntries(rest),
      resource: resource?.attributes,
      scope: instrumentationScope,
    },
  }
  return eventOfRecord(log, marking, timeOf(record))
}

/** What the conventions say in other words. They stand under data.log as well. */
function suppose({ eventName }: LogRecordLike, attributes: Members): Members {
  const actor = textOf(attributes["user.id"]) ?? textOf(attributes["enduser.id"])
  const ip = textOf(attributes["client.address"])
  const userAgent = textOf(attributes["user_agent.original"])
  const origin = { ...(ip && { ip }), ...(userAgent && { userAgent }) }
  return {
    ...(eventName && { action: eventName }),
    ...(actor && { actor }),
    ...(Object.keys(origin).length > 0 && { origin }),
  }
}

function traceOf({ spanContext }: LogRecordLike, said: unknown): unknown {
  if (spanContext === undefined || (said !== undefined && !isRecord(said))) return said
  const { traceId, spanId } = spanContext
  return { traceId, spanId, ...said }
}

function timeOf({ hrTime: [seconds, nanoseconds] }: LogRecordLike): Date {
  return new Date(seconds * 1000 + Math.floor(nanoseconds / 1e6))
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined
}

function isRecord(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
