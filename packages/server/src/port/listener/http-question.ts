import type { IncomingHttpHeaders } from "node:http"
import { limits, PosternError, parseDecimal } from "@postern/log/base"
import type { AuditQuestion } from "@postern/log/wire"

/** What a request asks beside having its events kept (docs/reference/write-http.md). */
export interface HttpQuestion {
  /** How far the entries shall have come before the answer. */
  readonly wait: "durable" | "published" | undefined
  /** What the sender wants to be shown of the log. */
  readonly audit: AuditQuestion | undefined
}

/** Errors: REQUEST_INVALID. */
export function readQuestion(headers: IncomingHttpHeaders): HttpQuestion {
  return { wait: readWait(headers["postern-wait"]), audit: readAudit(headers) }
}

function readWait(wait: string | readonly string[] | undefined): HttpQuestion["wait"] {
  if (wait === undefined || wait === "durable" || wait === "published") return wait
  throw new PosternError("REQUEST_INVALID", "Postern-Wait is durable or published")
}

function readAudit(headers: IncomingHttpHeaders): AuditQuestion | undefined {
  const seen = readNumber(headers, "Postern-Seen", Number.MAX_SAFE_INTEGER)
  const sample = readNumber(headers, "Postern-Sample", limits.sequenceMax)
  if (seen !== undefined) return { seen, sample }
  if (sample === undefined) return undefined
  throw new PosternError("REQUEST_INVALID", "Postern-Sample needs Postern-Seen beside it")
}

function readNumber(headers: IncomingHttpHeaders, name: string, max: number): number | undefined {
  const text = headers[name.toLowerCase()]
  if (text === undefined) return undefined
  const value = typeof text === "string" ? parseDecimal(text) : undefined
  if (value !== undefined && value <= max) return value
  throw new PosternError("REQUEST_INVALID", `${name} is a decimal number`)
}
