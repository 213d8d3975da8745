/**
 * `@postern/client/express`: a context for each request of an Express app (`auditContext`), and routes of which each request is one event
 * (`audited`). Never looks at a body, never answers a request. Works with Express 4 and 5 and whatever else calls `(request, response, next)`.
 */
import { bindContext, runInContext } from "../context/index.ts"
import type { LosingAudit } from "../losses/index.ts"
import {
  type IncomingRequest,
  type RequestSource,
  requestContext,
  writeRoute,
} from "../requests/index.ts"
import type { Details } from "../writer/index.ts"

/** What is asked of Express's request. */
export interface ExpressRequest extends IncomingRequest {
  readonly method: string
  readonly originalUrl: string
  readonly baseUrl?: string
  readonly route?: { readonly path?: unknown } | undefined
}

/** What is asked of Express's response. */
export interface ExpressResponse {
  readonly statusCode: number
  readonly writableFinished: boolean
  once(event: "close", listener: () => void): unknown
}

export type ExpressHandler<R> = (request: R, response: ExpressResponse, next: () => void) => void

/**
 * Middleware: everything behind it writes events in the context of its request, with `origin` (ip, userAgent) and `trace` (requestId; traceId and spanId of
 * a traceparent header). Put it first; `said` is asked when an event is written, so it may use what authentication finds out later.
 */
export function auditContext<R extends ExpressRequest>(
  said?: RequestSource<R>,
): (request: R, response: unknown, next: () => void) => void {
  return (request, _response, next) => runInContext(requestContext(request, said), next)
}

/**
 * Middleware: one event when the request is over, with method, path without query, status and the outcome that the status says. Put it before whatever
 * may turn somebody away, or those requests are not written down.
 * @param details of the event besides: its target above all
 */
export function audited<R extends ExpressRequest>(
  audit: LosingAudit,
  action: string,
  details?: (request: R) => Partial<Details>,
): ExpressHandler<R> {
  return (request, response, next) => {
    const write = bindContext(() => {
      const { method, originalUrl, baseUrl = "", route } = request
      writeRoute(audit, { action, details }, request, {
        ...{ method, url: originalUrl, status: response.statusCode },
        route: typeof route?.path === "string" ? `${baseUrl}${route.path}` : undefined,
        isFinished: response.writableFinished,
      })
    })
    response.once("close", write)
    next()
  }
}
