/**
 * `@postern/client/winston`: a transport for Winston. Records that are marked become events of the writer it is given, in the context of the request
 * that wrote them, whatever level the logger has; all others are none of its business.
 */
import { Writable } from "node:stream"
import type { LosingAudit } from "../losses/index.ts"
import {
  eventOfRecord,
  isMarked,
  type Marking,
  type MarkingOptions,
  markingOf,
  writeRecord,
} from "../records/index.ts"
import type { Audit } from "../writer/index.ts"

type Members = Readonly<Record<string, unknown>>

/** What is asked of what connect() gives. */
export type SpoolingAudit = LosingAudit & Pick<Audit, "spooled">

/** A Winston transport is a stream of objects with a `log` method. It does not close the writer: that is whose it is. */
export class AuditTransport extends Writable {
  readonly #audit: SpoolingAudit
  readonly #marking: Marking

  constructor({ audit, ...options }: MarkingOptions & { readonly audit: SpoolingAudit }) {
    super({ objectMode: true })
    this.#audit = audit
    this.#marking = markingOf(options)
  }

  log(info: Members, done: () => void): void {
    if (isMarked(info, this.#marking, info.level)) {
      const { timestamp } = info
      const event = eventOfRecord(info, this.#marking, timeOf(timestamp))
      writeRecord(this.#audit, "winston", event, info)
    }
    done()
  }

  override _write(info: Members, _encoding: BufferEncoding, done: () => void): void {
    this.log(info, done)
  }

  /** When the logger ends: everything is in the spool, whether the port is there or not. */
  override _final(done: (error?: Error) => void): void {
    this.#audit.spooled().then(() => done(), done)
  }
}

/** Of Winston's timestamp format; without it the event has the time of now. */
function timeOf(value: unknown): Date | undefined {
  if (typeof value !== "string") return undefined
  const time = new Date(value)
  return Number.isNaN(time.getTime()) ? undefined : time
}
