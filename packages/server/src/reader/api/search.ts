import { PosternError } from "@postern/log/base"
import type { Filter } from "@postern/log/query"
import { z } from "zod"
import type { LogView } from "../../disk/index.ts"
import { type Cursors, makeCursors, type SearchPosition } from "./cursor.ts"
import type { Desk } from "./desk.ts"
import { conditionShape, filterOf, formatConditions, timeShape } from "./filter.ts"
import { makePage } from "./page.ts"
import { limit } from "./parameters.ts"
import { firstReceivedSince } from "./received.ts"
import { defineRoute, jsonResponse, type Question, type Route } from "./route.ts"
import { scan } from "./scan.ts"
import { searchAnswerSchema } from "./schema.ts"

const searchQuery = z.strictObject({
  ...conditionShape,
  ...timeShape,
  limit: limit
    .optional()
    .meta({ description: "Entries in the answer; 100 if not given, 1000 at most" }),
  order: z.enum(["desc", "asc"], "is neither desc nor asc").optional(),
  cursor: z.string().optional().meta({ description: "From the last answer to the same question" }),
})

/**
 * Search by scanning the log, with no index that could be wrong: each request has a budget, and a cursor says where the
 * next one goes on. What is searched is fixed by the first request: the tree of its `size`.
 */
export function searchRoute(desk: Desk): Route {
  const { limits } = desk.world
  const cursors = makeCursors()
  let running = 0
  return defineRoute({
    path: "/v1/search",
    pattern: "/v1/search",
    operation: "search",
    summary: "Entries that fulfil a filter, newest first unless asked otherwise",
    see: "auditor",
    query: searchQuery,
    answer: { type: "application/json", schema: searchAnswerSchema },
    async handle(question) {
      if (running >= limits.scansMax) {
        throw new PosternError("OVERLOADED", `${running} searches are running`)
      }
      running++
      try {
        return await search(desk, cursors, question)
      } finally {
        running--
      }
    },
  })
}

async function search(
  desk: Desk,
  cursors: Cursors,
  { peer, query, text }: Question<typeof searchQuery>,
): Promise<Response> {
  const { view, limits, elapsedMs } = desk.world
  const filter = filterOf(query)
  const { order = "desc", cursor, limit = limits.pageEntries } = query
  const pinned = `${peer.id} ${order} ${formatConditions(query)}`
  const position =
    cursor === undefined ? await startOf(view, filter) : cursors.parse(cursor, pinned)
  const { size, from, to } = position
  const facts = { size, from, to }
  await desk.ledger.record(peer, { action: "postern.read", what: "search", question: text, facts })
  const budget = {
    rows: Math.min(limit, limits.pageEntriesMax),
    bytes: limits.pageBytesMax,
    entries: limits.scanEntriesMax,
    ms: limits.scanMs,
  }
  const { rows, rest } = await scan({
    view,
    openings: desk.openings,
    filter,
    position,
    order,
    budget,
    elapsedMs,
  })
  const page = await makePage(desk, rows)
  const complete = rest.from === rest.to
  return jsonResponse({
    size,
    order,
    scanned: order === "asc" ? { from, to: rest.from } : { from: rest.to, to },
    complete,
    ...(complete ? {} : { cursor: cursors.format(rest, pinned) }),
    ...page,
  })
}

/** Times narrow the range before anything is scanned. */
async function startOf(view: LogView, { from, to }: Filter): Promise<SearchPosition> {
  const { size } = view.head()
  const first = from === undefined ? 0 : await firstReceivedSince(view, size, from)
  const end = to === undefined ? size : await firstReceivedSince(view, size, to)
  return { size, from: first, to: Math.max(first, end) }
}
