import { randomUUID } from "node:crypto"
import type { AuditContext, ContextSource } from "../context/index.ts"

/** What all web frameworks on Node give. */
export interface IncomingRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** As the framework knows it, which may trust a proxy. */
  readonly ip?: string | undefined
}

/** What the application knows of a request: who acts, for which tenant. Asked at each event, so it may know more after authentication. */
export type RequestSource<R> = (request: R) => AuditContext

const userAgentLettersMax = 512
const requestIdPattern = /^[\x21-\x7e]{1,128}$/
/** W3C Trace Context, level 1: version, trace id, parent id, flags. */
const traceparentPattern =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}/
const anonymous = { type: "anonymous", id: "anonymous" }

/**
 * The context of one request: `origin` and `trace` by its headers, the rest from the application. If its function names no actor, nobody is
 * logged in: the actor is anonymous.
 * @param id of the request, where the framework gives it one; else its X-Request-Id or a new UUID
 */
export function requestContext<R extends IncomingRequest>(
  request: R,
  said: RequestSource<R> | undefined,
  id?: string,
): ContextSource {
  const plain = { origin: originOf(request), trace: traceOf(request, id) }
  if (said === undefined) return plain
  return () => {
    const own = said(request)
    return {
      ...own,
      actor: own.actor ?? anonymous,
      origin: { ...plain.origin, ...own.origin },
      trace: { ...plain.trace, ...own.trace },
    }
  }
}

function originOf({ headers, ip }: IncomingRequest) {
  const userAgent = textOf(headers["user-agent"])?.slice(0, userAgentLettersMax)
  return {
    // An IPv4 address on a socket for both kinds is looked for as what it is.
    ...(ip === undefined ? {} : { ip: ip.replace(/^::ffff:(?=\d+\.)/, "") }),
    ...(userAgent === undefined ? {} : { userAgent }),
  }
}

function traceOf({ headers }: IncomingRequest, id: string | undefined) {
  const sent = textOf(headers["x-request-id"])
  const requestId = id ?? (requestIdPattern.test(sent ?? "") ? sent : randomUUID())
  const [, traceId, spanId] = traceparentPattern.exec(textOf(headers.traceparent) ?? "") ?? []
  return { requestId, ...(traceId === undefined ? {} : { traceId, spanId }) }
}

function textOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === "string" ? header : undefined
}
