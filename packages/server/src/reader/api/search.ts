import { formatQuery, type Query, receivedWithin } from "@postern/log/query"
import { z } from "zod"
import type { LogView } from "../../disk/index.ts"
import { completenessOf } from "./completeness.ts"
import { type Cursors, makeCursors, type SearchPosition } from "./cursor.ts"
import type { Desk } from "./desk.ts"
import { queryOf, queryShape, timeShape } from "./filter.ts"
import { find } from "./find.ts"
import { openGate } from "./gate.ts"
import { makePage } from "./page.ts"
import { limit } from "./parameters.ts"
import { firstReceivedSince } from "./received.ts"
import { defineRoute, jsonResponse, type Question, type Route } from "./route.ts"
import { searchAnswerSchema } from "./schema.ts"
import { startTiming } from "./timing.ts"

const searchQuery = z.strictObject({
  ...queryShape,
  ...timeShape,
  limit: limit
    .optional()
    .meta({ description: "Entries in the answer; 100 if not given, 1000 at most" }),
  order: z.enum(["desc", "asc"], "is neither desc nor asc").optional(),
  cursor: z.string().optional().meta({ description: "From the last answer to the same question" }),
  scan: z.literal("1").optional().meta({ description: "From the log alone, without the index" }),
  prove: z.literal("1").optional().meta({
    description: "With what shows that the answer leaves nothing out, where the question allows it",
  }),
})

/**
 * Search by the index as far as it goes and by scanning beyond it, or by scanning alone: each request has a budget, and a
 * cursor says where the next one goes on. What is searched is fixed by the first request: the tree of its `size`.
 */
export function searchRoute(desk: Desk): Route {
  const cursors = makeCursors()
  const gate = openGate(desk.world.limits.scansMax, "searches")
  return defineRoute({
    path: "/v1/search",
    pattern: "/v1/search",
    operation: "search",
    summary: "Entries that fulfil a query, newest first unless asked otherwise",
    see: "investigator",
    query: searchQuery,
    answer: { type: "application/json", schema: searchAnswerSchema },
    handle: (question) => gate.pass(() => search(desk, cursors, question)),
  })
}

async function search(
  desk: Desk,
  cursors: Cursors,
  { peer, grant, query: asked, text }: Question<typeof searchQuery>,
): Promise<Response> {
  const { view, index, limits, elapsedMs } = desk.world
  const timing = startTiming(elapsedMs)
  const query = queryOf(asked, grant)
  const { order = "desc", cursor, limit = limits.pageEntries, scan, prove } = asked
  const engine = scan === "1" ? "scan" : "index"
  const pinned = `${peer.id} ${order} ${engine} ${formatQuery(query)}`
  const begun = cursor === undefined ? await startOf(view, query) : cursors.parse(cursor, pinned)
  const position = withinLog(begun, view.head().minimum)
  const { size, from, to } = position
  const { indexed } = index.state()
  const budget = {
    rows: Math.min(limit, limits.pageEntriesMax),
    bytes: limits.pageBytesMax,
    entries: limits.scanEntriesMax,
    ms: limits.scanMs,
  }
  // As people write it: what was asked is to be found by its words.
  const facts = { size, from, to, query: asked.q ?? "" }
  const read = { action: "postern.read", what: "search", question: text, facts } as const
  const { openings } = desk
  const plan = { view, openings, query, position, order, budget, elapsedMs }
  // Both at once, and no row leaves before both are done. An answer that could not be recorded is thrown away.
  const [, { rows, rest }] = await Promise.all([
    timing.of("record", desk.ledger.record(peer, read)),
    timing.of("find", find({ ...plan, index: engine === "scan" ? undefined : index })),
  ])
  const complete = rest.from === rest.to
  const scanned = order === "asc" ? { from, to: rest.from } : { from: rest.to, to }
  const completeness = prove === "1" ? await completenessOf(view, query, scanned, rows) : undefined
  const page = await timing.of("prove", makePage(desk, rows, completeness?.neighbours))
  const answer = {
    ...{ size, order, engine, indexed: Math.min(indexed, size), scanned, complete },
    ...(complete ? {} : { cursor: cursors.format(rest, pinned) }),
    ...(completeness === undefined ? {} : { completeness: completeness.said }),
    ...page,
  }
  return jsonResponse(answer, timing)
}

/** The log may have come to begin later since the question was asked first. */
function withinLog({ size, from, to }: SearchPosition, minimum: number): SearchPosition {
  return { size, from: Math.max(from, minimum), to: Math.max(to, minimum) }
}

/** Times narrow the range before anything is searched. */
async function startOf(view: LogView, query: Query): Promise<SearchPosition> {
  const { size, minimum } = view.head()
  const { from, until } = receivedWithin(query)
  const [first, end] = await Promise.all([
    from === undefined ? minimum : firstReceivedSince(view, size, from),
    until === undefined ? size : firstReceivedSince(view, size, until),
  ])
  return { size, from: first, to: Math.max(first, end) }
}
