import type { z } from "zod"
import type { Peer } from "../../acceptor/index.ts"
import type { ReaderGrant } from "../../access/index.ts"
import type { Timing } from "./timing.ts"

/** One request that was let in. Everything but `peer` and `grant` is the peer's text, parsed. */
export interface Question<S extends z.ZodObject = z.ZodObject> {
  readonly peer: Peer
  readonly grant: ReaderGrant
  /** Path without its first slash. */
  readonly path: string
  /** Path and query as sent, for the record. */
  readonly text: string
  readonly query: z.output<S>
  /** `Last-Event-ID`, if it was sent. */
  readonly lastEventId: string | undefined
  /** Ends the connection at once; undefined where there is none. */
  readonly cut: (() => void) | undefined
}

/** One resource of the read API: what is served, what is documented and what tests check come from here alone. */
export interface Route<S extends z.ZodObject = z.ZodObject> {
  /** The path in the OpenAPI document, and as a pattern of Hono. */
  readonly path: string
  readonly pattern: string
  readonly operation: string
  readonly summary: string
  /** The least grant that may ask. */
  readonly see: ReaderGrant["see"]
  readonly query: S
  /** Parameters in the path, with what they are. */
  readonly inPath?: Readonly<Record<string, string>>
  readonly answer: { readonly type: string; readonly schema?: z.ZodType }
  handle(question: Question<S>): Promise<Response>
}

/** Keeps the type of the query from schema to handler. */
export function defineRoute<S extends z.ZodObject>(route: Route<S>): Route {
  return route as unknown as Route
}

/** JSON of which caches keep nothing: it was read under a grant, and recorded. */
export function jsonResponse(body: unknown, timing?: Timing): Response {
  return new Response(JSON.stringify(body), {
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...(timing === undefined ? {} : { "server-timing": timing.header() }),
    },
  })
}
