import { errorRegistry, isPosternError, PosternError } from "@postern/log/base"
import type { ReadWorld } from "./world.ts"

/** An RFC 9457 problem with the registry's code and hint. `detail` was bounded by whoever made the error. */
export interface Problem {
  readonly type: "about:blank"
  readonly title: string
  readonly status: number
  readonly code: string
  readonly hint: string
  readonly detail?: string
  /** Of a query: where it is wrong, in UTF-16 code units, and what to write instead. */
  readonly at?: number
  readonly length?: number
  readonly suggestion?: string
}

export function problemOf({ code, status, detail, hint, slip }: PosternError): Problem {
  const title = errorRegistry[code].message
  const problem = { type: "about:blank", title, status, code, hint } as const
  return { ...problem, ...(detail === undefined ? {} : { detail }), ...slip }
}

export function problemResponse(error: PosternError): Response {
  const headers = new Headers({
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  })
  if (error.kind === "busy") headers.set("retry-after", "1")
  if (error.code === "HTTP_METHOD") {
    headers.set("allow", "GET")
    // Whatever body such a request carries is not read: the connection cannot be used again.
    headers.set("connection", "close")
  }
  return new Response(JSON.stringify(problemOf(error)), { status: error.status, headers })
}

/**
 * What a peer is told of a failure. Findings about the log keep their code; of anything else the peer learns no
 * detail, and the operator gets the line.
 */
export function describeFailure(error: unknown, world: ReadWorld): PosternError {
  if (isPosternError(error)) {
    if (error.kind === "broken" || error.kind === "fatal") {
      world.log("the log could not be read", { code: error.code, detail: error.detail ?? "" })
    }
    return error
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  world.log("a request failed", { error: text.slice(0, 2000) })
  return new PosternError("READ_FAILED")
}
