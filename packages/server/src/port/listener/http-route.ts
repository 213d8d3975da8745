import type { IncomingMessage, ServerResponse } from "node:http"
import { PosternError } from "@postern/log/base"
import { type Adapter, httpAdapters } from "../adapters/index.ts"
import type { Manner } from "./http-connection.ts"

/** What a sender that names no type means. */
const usualType = "application/json"

export function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?", 1)[0] ?? ""
}

export function contentTypeOf(request: IncomingMessage): string {
  return request.headers["content-type"] ?? usualType
}

/** Whose requests have this path; undefined if nobody's. */
export function findAdapter(path: string): Adapter | undefined {
  return httpAdapters.find((adapter) => {
    return typeof adapter.path === "string" ? adapter.path === path : adapter.path.test(path)
  })
}

export function mannerOf({ retryStatus, answers }: Adapter, request: IncomingMessage): Manner {
  return { retryStatus, answers: answers?.(contentTypeOf(request)) }
}

/** Errors: HTTP_BODY_SYNTAX. */
export function demandHost(request: IncomingMessage): void {
  if (request.headers.host !== undefined || request.httpVersion !== "1.1") return
  throw new PosternError("HTTP_BODY_SYNTAX", "no Host")
}

/** Errors: HTTP_BODY_SYNTAX, HTTP_METHOD. */
export function demandPost(request: IncomingMessage, response: ServerResponse): void {
  demandHost(request)
  if (request.method === "POST") return
  response.setHeader("allow", "POST")
  throw new PosternError("HTTP_METHOD", String(request.method))
}
