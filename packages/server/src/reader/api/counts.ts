import { formatQuery, type Query, receivedWithin } from "@postern/log/query"
import { z } from "zod"
import type { LogView } from "../../disk/index.ts"
import { type CountQuestion, type FacetField, facetFields } from "../index/index.ts"
import type { Desk } from "./desk.ts"
import { queryOf, queryShape, timeShape } from "./filter.ts"
import { type Gate, openGate } from "./gate.ts"
import { intervalFor } from "./intervals.ts"
import { invalid, wholeNumber } from "./parameters.ts"
import { firstReceivedSince, receivedAt } from "./received.ts"
import { defineRoute, jsonResponse, type Question, type Route } from "./route.ts"
import { facetsSchema, histogramSchema } from "./schema.ts"
import { startTiming } from "./timing.ts"

const bucketsDefault = 120
const bucketsMax = 1000
const topDefault = 20
const topMax = 100
const indexedPollMs = 10

const histogramQuery = z.strictObject({
  ...queryShape,
  ...timeShape,
  buckets: wholeNumber(1, bucketsMax)
    .optional()
    .meta({ description: `At most so many; ${bucketsDefault} if not given` }),
})

const facetsQuery = z.strictObject({
  ...queryShape,
  ...timeShape,
  fields: z
    .string()
    .optional()
    .meta({ description: "With commas; all if not given", example: facetFields.join(",") }),
  top: wholeNumber(1, topMax)
    .optional()
    .meta({ description: `Values of each field; ${topDefault} if not given` }),
})

const countShape = z.strictObject({ ...queryShape, ...timeShape })

/**
 * How many, and of what: from the index alone, so for the entries that are indexed; the answer says how far that is. What columns
 * cannot decide is read from the log and held against the query, until the time is up.
 */
export function countRoutes(desk: Desk): readonly Route[] {
  const gate = openGate(desk.world.limits.countsMax, "counts")
  return [histogramRoute(desk, gate), facetsRoute(desk, gate)]
}

function histogramRoute(desk: Desk, gate: Gate): Route {
  return defineRoute({
    path: "/v1/histogram",
    pattern: "/v1/histogram",
    operation: "histogram",
    summary: "Entries that fulfil a query by received time and outcome",
    see: "investigator",
    query: histogramQuery,
    answer: { type: "application/json", schema: histogramSchema },
    handle: (question) =>
      gate.pass(async () => {
        const { buckets = bucketsDefault } = question.query
        const { asked, timing, size, indexed } = await begin(desk, question)
        const interval = intervalFor(asked.since, asked.until, buckets)
        const counted = desk.world.index.histogram({ ...asked, interval })
        const found = await timing.of("find", counted)
        const answer = {
          ...{ size, indexed, interval, since: asked.since, until: asked.until },
          buckets: found.buckets.map(({ from, outcomes }) => ({ at: from, counts: outcomes })),
          total: found.buckets.reduce((sum, { count }) => sum + count, 0),
          ...covered(asked, found.examined),
        }
        return jsonResponse(answer, timing)
      }),
  })
}

function facetsRoute(desk: Desk, gate: Gate): Route {
  return defineRoute({
    path: "/v1/facets",
    pattern: "/v1/facets",
    operation: "facets",
    summary: "The most frequent values among entries that fulfil a query",
    see: "investigator",
    query: facetsQuery,
    answer: { type: "application/json", schema: facetsSchema },
    handle: (question) =>
      gate.pass(async () => {
        const { top = topDefault } = question.query
        const fields = fieldsOf(question.query.fields)
        const { asked, timing, size, indexed } = await begin(desk, question)
        const counted = desk.world.index.facets({ ...asked, fields, top })
        const found = await timing.of("find", counted)
        const answer = {
          ...{ size, indexed, facets: found.fields, total: found.count },
          ...covered(asked, found.examined),
        }
        return jsonResponse(answer, timing)
      }),
  })
}

/** Records the question and says what exactly is counted. */
async function begin(desk: Desk, { peer, grant, query: asked, text }: Question<typeof countShape>) {
  const { view, limits, elapsedMs } = desk.world
  const timing = startTiming(elapsedMs)
  const { size } = view.head()
  const query = queryOf(asked, grant)
  const range = await rangeOf(view, size, query)
  const indexed = await indexedUpTo(desk, range.to)
  await timing.of("record", desk.ledger.recordCounts(peer, text, formatQuery(query), asked.q))
  desk.counters.questions++
  return { asked: { query, ...range, ms: limits.scanMs }, timing, size, indexed }
}

/** The index is some milliseconds behind; only one that has much to do is not waited for. */
async function indexedUpTo({ world }: Desk, to: number): Promise<number> {
  const { index, elapsedMs, limits } = world
  const deadline = elapsedMs() + limits.indexWaitMs
  while (index.state().indexed < to && elapsedMs() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, indexedPollMs))
  }
  return index.state().indexed
}

/** The range of the log, and its times where the question names none. */
async function rangeOf(
  view: LogView,
  size: number,
  query: Query,
): Promise<Required<Pick<CountQuestion, "from" | "to" | "since" | "until">>> {
  const asked = receivedWithin(query)
  const [from, end] = await Promise.all([
    asked.from === undefined ? view.head().minimum : firstReceivedSince(view, size, asked.from),
    asked.until === undefined ? size : firstReceivedSince(view, size, asked.until),
  ])
  const to = Math.max(from, end)
  const since = asked.from ?? (from < to ? await receivedAt(view, from) : 0)
  const last = asked.until ?? (from < to ? (await receivedAt(view, to - 1)) + 1 : since + 1)
  return { from, to, since, until: Math.max(last, since + 1) }
}

function covered({ from, to }: CountQuestion, examined: { from: number; to: number }) {
  return { examined, complete: examined.from <= from && examined.to >= to }
}

/** @throws PosternError REQUEST_INVALID */
function fieldsOf(text: string | undefined): readonly FacetField[] {
  if (text === undefined) return facetFields
  const names = new Set(text.split(","))
  const known = facetFields.filter((field) => names.delete(field))
  if (names.size > 0) throw invalid("fields", `knows ${facetFields.join(", ")}`)
  return known
}
