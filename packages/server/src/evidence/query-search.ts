import { isPosternError, PosternError } from "@postern/log/base"
import { type Entry, parseEntry, parseTime } from "@postern/log/event"
import {
  allOf,
  matches,
  mayMatch,
  parseQuery,
  type Query,
  receivedBetween,
} from "@postern/log/query"
import type { LogView } from "../disk/index.ts"

const stretchEntries = 2048
const stretchBytes = 2 * 1024 * 1024

/** What a search is asked for, as it was said: a query (docs/spec/query.md), and received times in RFC 3339. */
export interface AskedQuery {
  readonly query?: string | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
}

export interface QueryAsk {
  readonly kind: "query"
  readonly asked: AskedQuery
  /** What all of it means. */
  readonly query: Query
}

/** @throws PosternError QUERY_INVALID, REQUEST_INVALID */
export function askQuery({ query = "", since, until }: AskedQuery): QueryAsk {
  const span = { from: timeOf("since", since), until: timeOf("until", until) }
  if (span.from !== undefined && span.until !== undefined && span.until <= span.from) {
    throw new PosternError("REQUEST_INVALID", "until is not after since")
  }
  const whole = allOf([parseQuery(query), receivedBetween(span)])
  return { kind: "query", asked: { query, since, until }, query: whole }
}

function timeOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const time = parseTime(text)
  if (time !== undefined) return time
  throw new PosternError("REQUEST_INVALID", `${name} is not a time such as 2026-11-22T12:00:00Z`)
}

/**
 * Indexes below `size` of the entries that fulfil the query, ascending, at most `most` and one; all that is there of
 * the log is looked through.
 */
export async function searchQuery(
  view: LogView,
  query: Query,
  size: number,
  most: number,
): Promise<number[]> {
  const writers = new Map<number, string | undefined>()
  const found: number[] = []
  for (let from = view.head().minimum; from < size; ) {
    const leaves = await view.leaves(from, Math.min(size, from + stretchEntries), stretchBytes)
    for (const [i, leaf] of leaves.entries()) {
      if (!mayMatch(query, leaf)) continue
      const index = from + i
      const entry = readEntry(leaf, index)
      const writer = await writerOf(view, writers, entry.stamp.open)
      if (!matches(query, entry, { index, writer })) continue
      found.push(index)
      if (found.length > most) return found
    }
    from += leaves.length
  }
  return found
}

/** As the read API has it: the writer that the opening entry names, the port where it names none. */
async function writerOf(
  view: LogView,
  writers: Map<number, string | undefined>,
  open: number,
): Promise<string | undefined> {
  if (writers.has(open)) return writers.get(open)
  const [leaf] = await view.leaves(open, open + 1)
  const { data, source } = readEntry(leaf as Uint8Array, open).event
  const { writer } = (data ?? {}) as { writer?: unknown }
  const named = typeof writer === "string" ? writer : source
  writers.set(open, typeof named === "string" ? named : undefined)
  return writers.get(open)
}

function readEntry(leaf: Uint8Array, index: number): Entry {
  try {
    return parseEntry(leaf)
  } catch (error) {
    if (!isPosternError(error)) throw error
    throw new PosternError("LOG_DAMAGED", `entry ${index}: ${error.message}`, { cause: error })
  }
}
