import { assertNever } from "../base/index.ts"
import { formatTime } from "../event/index.ts"
import type { Bound, Query } from "./query.ts"
import { type Span, spanOf } from "./range.ts"

const always: Span = { from: undefined, until: undefined }

/** When entries that match must have been received: a search need not look outside of it. */
export function receivedWithin(query: Query): Span {
  switch (query.kind) {
    case "and":
      return query.parts.map(receivedWithin).reduce((a, b) => ({
        from: a.from === undefined || (b.from ?? a.from) > a.from ? b.from : a.from,
        until: a.until === undefined || (b.until ?? a.until) < a.until ? b.until : a.until,
      }))
    case "or":
      return query.parts.map(receivedWithin).reduce((a, b) => ({
        from: both(a.from, b.from, Math.min),
        until: both(a.until, b.until, Math.max),
      }))
    case "field": {
      const { path, test } = query
      return path[0] === "received" && test.kind === "range" ? spanOf(test) : always
    }
    case "all":
    case "not":
    case "words":
      return always
    default:
      return assertNever(query)
  }
}

function both(
  a: number | undefined,
  b: number | undefined,
  join: (a: number, b: number) => number,
): number | undefined {
  return a === undefined || b === undefined ? undefined : join(a, b)
}

/** What was received at `since` or later and before `until`, microseconds since 1970-01-01 UTC. */
export function receivedBetween({ from, until }: Span): Query {
  if (from === undefined && until === undefined) return { kind: "all" }
  const bound = (time: number, isInclusive: boolean): Bound => {
    // Received times are whole numbers below 2^53 (docs/spec/log.md).
    const text = formatTime(Math.min(Math.max(time, 0), Number.MAX_SAFE_INTEGER))
    return { text, isInclusive }
  }
  const ends = {
    from: from === undefined ? undefined : bound(from, true),
    to: until === undefined ? undefined : bound(until, false),
  }
  const range = { kind: "range", ...ends } as const
  return { kind: "field", path: ["received"], test: range }
}
