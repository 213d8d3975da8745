import { encodeUtf8, PosternError } from "@postern/log/base"
import { parseEntry, parseTime } from "@postern/log/event"
import {
  allOf,
  matches,
  parseQuery,
  type Query,
  receivedBetween,
  receivedWithin,
} from "@postern/log/query"
import type { Asker } from "./ask.ts"
import { type LogEntry, readClaim } from "./entry.ts"
import type { Trust } from "./trust.ts"

export interface SearchOptions {
  /** Entries in all; default 100. */
  readonly limit?: number
  readonly order?: "desc" | "asc"
  /** Received at this time or later, RFC 3339. */
  readonly since?: string
  /** Received before this time. */
  readonly until?: string
  /** From the log alone, without the index: slower, and nothing can be left out by an index that is wrong. */
  readonly scan?: boolean
}

/** What was shown of an answer as a whole. */
export type Completeness =
  /** The entries are all of `[from, to)`. `whole`: and nothing that was asked for lies outside. */
  | { readonly kind: "range"; readonly from: number; readonly to: number; readonly whole: boolean }
  /** The entries are all of the stream from sequence `first` to `last`. */
  | {
      readonly kind: "stream"
      readonly stream: number
      readonly first: number
      readonly last: number
    }
  | { readonly kind: "none"; readonly reason: string }

export interface WholeAnswer {
  readonly entries: readonly LogEntry[]
  readonly completeness: Completeness
}

interface Page {
  readonly entries: readonly LogEntry[]
  readonly answer: Readonly<Record<string, unknown>>
}

const searchLimit = 100
const pageLimit = 1000

/** The entries of a search, page after page. */
export async function* search(
  asker: Pick<Asker, "json">,
  trust: Trust,
  q: string,
  options: SearchOptions,
): AsyncGenerator<LogEntry, void, undefined> {
  for await (const { entries } of pagesOf(asker, trust, q, options, {})) yield* entries
}

/** As search, to the end, and holds what shows that nothing was left out against the entries. Errors: PROOF_INVALID. */
export async function searchWhole(
  asker: Pick<Asker, "json">,
  trust: Trust,
  q: string,
  options: SearchOptions,
): Promise<WholeAnswer> {
  const pages: Page[] = []
  for await (const page of pagesOf(asker, trust, q, options, { prove: "1" })) pages.push(page)
  const entries = pages.flatMap((page) => page.entries)
  return { entries, completeness: completenessOf(pages, entries, questionOf(q, options)) }
}

function questionOf(q: string, { since, until }: SearchOptions): Query {
  const [from, to] = [since, until].map((text) =>
    text === undefined ? undefined : parseTime(text),
  )
  return allOf([parseQuery(q), receivedBetween({ from, until: to })])
}

async function* pagesOf(
  asker: Pick<Asker, "json">,
  trust: Trust,
  q: string,
  { limit = searchLimit, order = "desc", since, until, scan }: SearchOptions,
  more: Readonly<Record<string, string>>,
): AsyncGenerator<Page, void, undefined> {
  // What is wrong with it is better said here, before anything is asked and recorded.
  const question = parseQuery(q)
  const query = new URLSearchParams({ order, ...more })
  for (const [name, value] of Object.entries({ q, since, until })) {
    if (value !== undefined && value !== "") query.set(name, value)
  }
  if (scan === true) query.set("scan", "1")
  let last: number | undefined
  for (let left = limit; left > 0; ) {
    query.set("limit", String(Math.min(left, pageLimit)))
    const atLeast = trust.size
    const answer = (await asker.json(`/v1/search?${query}`)) as Page["answer"]
    const entries = (await trust.readPage(answer, atLeast)).slice(0, left)
    for (const entry of entries) {
      const isNext =
        last === undefined || (order === "asc" ? entry.index > last : entry.index < last)
      if (!isNext) throw new PosternError("PROOF_INVALID", `entry ${entry.index} is out of order`)
      last = entry.index
      demandMatch(question, entry)
    }
    yield { entries, answer }
    left -= entries.length
    if (typeof answer.cursor !== "string") return
    query.set("cursor", answer.cursor)
  }
}

/** An index may be wrong, and a port may lie: what was not asked for is no answer. @throws PosternError PROOF_INVALID */
function demandMatch(question: Query, { index, leaf, writer }: LogEntry): void {
  if (question.kind === "all") return
  if (matches(question, parseEntry(encodeUtf8(leaf)), { index, writer })) return
  throw new PosternError("PROOF_INVALID", `entry ${index} does not fulfil the query`)
}

function completenessOf(
  pages: readonly Page[],
  entries: readonly LogEntry[],
  question: Query,
): Completeness {
  const said = pages.map(
    ({ answer }) => (answer.completeness ?? {}) as { kind?: unknown; reason?: unknown },
  )
  const [{ kind, reason = "the read port shows nothing" } = {}] = said
  if (said.some((each) => each.kind !== kind) || (kind !== "range" && kind !== "stream")) {
    return { kind: "none", reason: String(reason) }
  }
  if (entries.length === 0) return { kind: "none", reason: "there is no entry in it" }
  if (entries.some(({ verified }) => !verified)) {
    return { kind: "none", reason: "no checkpoint covers all of them yet; ask again in a second" }
  }
  return kind === "range" ? rangeOf(pages, entries, question) : streamOf(entries)
}

/** @throws PosternError PROOF_INVALID if an index is missing in between */
function rangeOf(
  pages: readonly Page[],
  entries: readonly LogEntry[],
  question: Query,
): Completeness {
  const run = runOf(entries.map(({ index }) => index))
  if (run === undefined) throw new PosternError("PROOF_INVALID", "entries are missing in between")
  const from = run.first
  const to = run.last + 1
  const times = neighbourTimes(pages)
  const { from: since, until } = receivedWithin(question)
  const before = times.get(from - 1)
  const after = times.get(to)
  const beginsThere = from === 0 || (since !== undefined && before !== undefined && before < since)
  const isNewest = to >= Number(pages[0]?.answer.size)
  const endsThere = until === undefined ? isNewest : after !== undefined && after >= until
  return { kind: "range", from, to, whole: beginsThere && endsThere }
}

/** When the entries next to the pages were received, as far as they were proven together with their page. */
function neighbourTimes(pages: readonly Page[]): ReadonlyMap<number, number> {
  const times = new Map<number, number>()
  for (const { answer } of pages) {
    const { size } = (answer.proof ?? {}) as { readonly size?: number }
    for (const neighbour of (answer.neighbours as unknown[] | undefined) ?? []) {
      const { index, entry } = readClaim(neighbour)
      if (index < (size ?? 0)) times.set(index, entry.stamp.received)
    }
  }
  return times
}

/** @throws PosternError PROOF_INVALID if a sequence is missing in between */
function streamOf(entries: readonly LogEntry[]): Completeness {
  const streams = new Set(entries.map(({ stream }) => stream))
  const [stream = 0] = streams
  const run = runOf(entries.map(({ sequence }) => sequence))
  if (streams.size !== 1 || run === undefined) {
    throw new PosternError("PROOF_INVALID", `stream ${stream} has a hole in the answer`)
  }
  return { kind: "stream", stream, ...run }
}

/** The first and the last of numbers that follow one another, whichever way round; undefined if one is missing or there twice. */
function runOf(numbers: readonly number[]): { first: number; last: number } | undefined {
  const sorted = numbers.toSorted((a, b) => a - b)
  const first = sorted[0] ?? 0
  if (sorted.some((number, i) => number !== first + i)) return undefined
  return { first, last: first + sorted.length - 1 }
}
