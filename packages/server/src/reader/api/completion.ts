import { completeAt, formatValue } from "@postern/log/query"
import { z } from "zod"
import type { ReaderGrant } from "../../access/index.ts"
import { type FacetField, facetFields, type ValueCount } from "../index/index.ts"
import type { Desk } from "./desk.ts"
import { queryOf, queryText } from "./filter.ts"
import { wholeNumber } from "./parameters.ts"
import { defineRoute, jsonResponse, type Question, type Route } from "./route.ts"
import { completionSchema } from "./schema.ts"

const itemsMax = 20
const ownValuesMax = 1000
const countMs = 100

const completionQuery = z.strictObject({
  q: queryText,
  at: wholeNumber(0, 4096)
    .optional()
    .meta({ description: "Where the caret is, in UTF-16 code units; the end if not given" }),
})

interface Item {
  readonly text: string
  readonly count?: number
}

/** What may stand at the caret of somebody who types a query. Frequent values are content of the log, and so recorded. */
export function completionRoute(desk: Desk): Route {
  return defineRoute({
    path: "/v1/complete",
    pattern: "/v1/complete",
    operation: "complete",
    summary: "What may stand at the caret of a query: fields, frequent values, operators",
    see: "investigator",
    query: completionQuery,
    answer: { type: "application/json", schema: completionSchema },
    handle: (question) => complete(desk, question),
  })
}

async function complete(desk: Desk, question: Question<typeof completionQuery>): Promise<Response> {
  const { q = "", at = q.length } = question.query
  const found = completeAt(q, at)
  const values = [...found.values.map((text) => ({ text })), ...(await valuesOf(desk, question))]
  const words = [...found.fields.map((name) => `${name}:`), ...found.operators]
  const items: readonly Item[] = values.length > 0 ? values : words.map((text) => ({ text }))
  return jsonResponse({
    from: found.at,
    to: found.at + found.length,
    kind: found.valueOf !== undefined ? "value" : found.fields.length > 0 ? "field" : "operator",
    items: items.slice(0, itemsMax),
  })
}

async function valuesOf(
  desk: Desk,
  { peer, grant, query, text }: Question<typeof completionQuery>,
): Promise<readonly Item[]> {
  const { q = "", at = q.length } = query
  const { valueOf: path, begun, values } = completeAt(q, at)
  const field = facetFields.find((name) => name === path?.join("."))
  if (field === undefined || values.length > 0) return []
  await desk.ledger.recordCounts(peer, text, `values of ${field}`)
  const found = await frequent(desk, field, begun, grant)
  return found.map(({ value, count }) => ({ text: formatValue(value), count }))
}

/** Whoever sees a part of the log is offered what stands in that part. */
async function frequent(
  { world: { index } }: Desk,
  field: FacetField,
  begun: string,
  grant: ReaderGrant,
): Promise<readonly ValueCount[]> {
  if (grant.see === "auditor") return index.values(field, begun, itemsMax)
  const { indexed } = index.state()
  const own = { query: queryOf({}, grant), from: 0, to: indexed }
  const { fields } = await index.facets({ ...own, fields: [field], top: ownValuesMax, ms: countMs })
  return (fields[field] ?? []).filter(({ value }) => value.startsWith(begun))
}
