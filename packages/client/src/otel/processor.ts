import type { LosingAudit } from "../losses/index.ts"
import {
  isMarked,
  type Marking,
  type MarkingOptions,
  markingOf,
  writeRecord,
} from "../records/index.ts"
import type { Audit } from "../writer/index.ts"
import { eventOfLogRecord, type LogRecordLike } from "./otel-event.ts"

/** What is asked of what connect() gives. */
export type FlushingAudit = LosingAudit & Pick<Audit, "flush" | "spooled">

/** A LogRecordProcessor: `new LoggerProvider({ processors: [new AuditLogProcessor({ audit }), …] })`. */
export class AuditLogProcessor {
  readonly #audit: FlushingAudit
  readonly #marking: Marking

  /** @param options `key`: of the attribute that marks a record (default `audit`) · `level`: a severityText that marks it besides */
  constructor({ audit, ...options }: MarkingOptions & { readonly audit: FlushingAudit }) {
    this.#audit = audit
    this.#marking = markingOf(options)
  }

  onEmit(record: LogRecordLike): void {
    const { key } = this.#marking
    const { hrTime, eventName, severityText, body, attributes, spanContext } = record
    const isNamed = Object.hasOwn(attributes, `${key}.action`)
    const members = attributes as Readonly<Record<string, unknown>>
    if (!isNamed && !isMarked(members, this.#marking, severityText)) return
    const whole = { hrTime, eventName, severityText, body, attributes, spanContext }
    writeRecord(this.#audit, "otel", eventOfLogRecord(record, this.#marking), whole)
  }

  /** Resolves when everything so far is acknowledged. Errors: UNREACHABLE after 30 s; the events stay in the spool. */
  forceFlush(): Promise<void> {
    return this.#audit.flush()
  }

  /** What is not acknowledged stays in the spool. It does not close the writer: that is whose it is. */
  async shutdown(): Promise<void> {
    await this.#audit.spooled()
  }
}
