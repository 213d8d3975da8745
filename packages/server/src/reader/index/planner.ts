import { assertNever } from "@postern/log/base"
import {
  type FieldQuery,
  formatQuery,
  numberOf,
  type Query,
  spanOf,
  type Test,
  tokensOf,
  type WordsQuery,
} from "@postern/log/query"
import { type HashKey, hashToken } from "./keyed-hash.ts"
import type { Part } from "./part.ts"
import { type ColumnName, columns, idFirst, idOdd } from "./part-format.ts"
import { and, between, type Decision, decided, not, or, type Rows } from "./rows.ts"
import { bitCount } from "./term-encoding.ts"
import { blockRows } from "./token-blocks.ts"
import type { Turns } from "./turns.ts"
import { type IdRange, idsHolding } from "./value-places.ts"

/** Blocks that are read from the log rather than a column from the index. */
const tokenBlocksMax = 8
const idRangeBytes = 48

/** For what a part is asked, and how long. */
export interface Asked {
  readonly key: HashKey
  readonly turns: Turns
  /** Whether it matters which rows must fulfil the query, and not only which may. */
  readonly needsMust: boolean
}

/**
 * What the index of a part knows of a query: which rows may fulfil it and which must. Columns decide; tokens only rule out, since
 * they say nothing of order and place, and two may have one hash. If the time is up meanwhile, less is known. @throws PartDamaged
 */
export async function decide(part: Part, asked: Asked, query: Query): Promise<Decision> {
  switch (query.kind) {
    case "all":
      return decided.all
    case "not": {
      const { may, must } = await decide(part, { ...asked, needsMust: true }, query.part)
      return { may: not(must), must: not(may) }
    }
    case "and":
      return every(query.parts, part, asked)
    case "or": {
      let found: Decision = decided.none
      for (const inner of query.parts) {
        const { may, must } = await decide(part, asked, inner)
        found = { may: or(found.may, may), must: or(found.must, must) }
        if (found.must === "all") break
      }
      return found
    }
    case "words":
      return decideWords(part, asked.key, query)
    case "field":
      return decideField(part, asked, query)
    default:
      return assertNever(query)
  }
}

/** Tokens that every entry which fulfils the query has, as hashes; entries marked as capped aside. */
export function requiredTokens(key: HashKey, query: Query): readonly number[] {
  return [...new Set(required(query))].filter(isKept).map((token) => hashToken(key, token))
}

function required(query: Query): readonly string[] {
  if (query.kind === "and") return query.parts.flatMap(required)
  if (query.kind === "words") return query.begun ? query.words.slice(0, -1) : query.words
  if (query.kind !== "field") return []
  const { path, test } = query
  const [name = ""] = path
  if (path.length === 1 && entryNames.has(name)) return []
  // What actors and targets are called stands in strings of their own, cut where tokens are.
  const keys =
    path.length === 1 && (name === "actor" || name === "target") ? [] : path.flatMap(tokensOf)
  if (test.kind === "prefix") return [...keys, ...wholeTokens(test.text)]
  return test.kind === "equals" && numberOf(test.text) === undefined
    ? [...keys, ...tokensOf(test.text)]
    : keys
}

const entryNames = new Set(["writer", "received", "stream", "index"])

/** Tokens of one byte are not. */
function isKept(token: string): boolean {
  return token.length > 1 || token >= "\u0080"
}

/** The parts that cost least come first: one that rules everything out spares the others. */
async function every(parts: readonly Query[], part: Part, asked: Asked): Promise<Decision> {
  let found: Decision = decided.all
  for (const inner of [...parts].sort((a, b) => priceOf(a) - priceOf(b))) {
    const { may, must } = await decide(part, asked, inner)
    found = { may: and(found.may, may), must: and(found.must, must) }
    if (found.may === "none") break
  }
  return found
}

function priceOf(query: Query): number {
  if (query.kind === "words") return 1
  if (query.kind !== "field") return 3
  return query.path[0] === "received" || query.path[0] === "index" ? 0 : 2
}

function decideWords(part: Part, key: HashKey, { words, begun }: WordsQuery): Decision {
  return { may: withTokens(part, key, begun ? words.slice(0, -1) : words), must: "none" }
}

/** Rows that hold all these tokens, and those of which not all tokens are known. */
function withTokens(part: Part, key: HashKey, tokens: readonly string[]): Rows {
  let rows: Rows = "all"
  for (const token of new Set(tokens)) {
    if (!isKept(token)) continue
    rows = and(rows, part.term(hashToken(key, token)))
    if (rows === "none") break
  }
  return or(rows, part.marks("capped"))
}

async function decideField(part: Part, asked: Asked, query: FieldQuery): Promise<Decision> {
  const { key } = asked
  const [name = ""] = query.path
  if (query.path.length === 1) {
    const column = columns.find((known) => known === name)
    if (column !== undefined) return decideColumn(part, column, asked, query)
    if (name === "received") return decideReceived(part, query)
    if (name === "index") return decideIndex(part, query)
  }
  const { test } = query
  const path = query.path.flatMap(tokensOf)
  let may: Rows
  if (test.kind === "equals") may = withText(part, key, path, test.text)
  else if (test.kind === "prefix") may = withTokens(part, key, [...path, ...wholeTokens(test.text)])
  else may = withTokens(part, key, path)
  if (query.path.length === 1 && name === "time" && test.kind === "range") {
    may = and(may, eventTimeWithin(part, test))
  }
  return { may, must: "none" }
}

/** A number is found by its value: it stands there as JSON writes it, or its row is marked. */
function withText(part: Part, key: HashKey, path: readonly string[], text: string): Rows {
  const asText = withTokens(part, key, [...path, ...tokensOf(text)])
  const number = numberOf(text)
  if (number === undefined) return asText
  const asNumber = withTokens(part, key, [...path, ...tokensOf(String(number))])
  return or(or(asText, asNumber), part.marks("oddNumbers"))
}

/** Tokens of what a string begins with; the last may go on. */
function wholeTokens(text: string): readonly string[] {
  const tokens = tokensOf(text)
  const isOpen = text !== "" && tokensOf(text.slice(-1)).length > 0
  return isOpen ? tokens.slice(0, -1) : tokens
}

async function decideColumn(
  part: Part,
  column: ColumnName,
  asked: Asked,
  query: FieldQuery,
): Promise<Decision> {
  const byTokens = decidedByTokens(part, column, asked, query)
  if (byTokens !== undefined) return byTokens
  const ids = await knownIds(part, column, asked, query)
  if (ids === undefined) return decided.unknown
  const must = rowsWith(part, column, ids)
  let may = or(must, rowsWith(part, column, [{ from: idOdd, to: idOdd + 1 }]))
  if (column === "target") may = or(may, part.marks("manyTargets"))
  return { may, must }
}

/**
 * Of many different parties most are in few parts: their tokens rule out the others, and lead to few blocks, for much less than the
 * column takes to read. Undefined where the column is asked better.
 */
function decidedByTokens(
  part: Part,
  column: ColumnName,
  { key, needsMust }: Asked,
  { test }: FieldQuery,
): Decision | undefined {
  if ((column !== "actor" && column !== "target") || test.kind !== "equals") return undefined
  const may = withTokens(part, key, tokensOf(test.text))
  if (may === "none") return decided.none
  const isFew = !needsMust && may !== "all" && countBlocks(may) <= tokenBlocksMax
  return isFew ? { may, must: "none" } : undefined
}

/** Values that have to be asked one by one are kept, since they are often asked several questions about the same. */
async function knownIds(
  part: Part,
  column: ColumnName,
  { turns }: Asked,
  query: FieldQuery,
): Promise<readonly IdRange[] | undefined> {
  const { kind } = query.test
  const dictionary = part.dictionary(column)
  if (kind === "equals" || kind === "prefix") return idsHolding(column, dictionary, query, turns)
  const name = `ids of ${formatQuery(query)}`
  let ids = part.find<readonly IdRange[]>(name)
  if (ids !== undefined) return ids
  ids = await idsHolding(column, dictionary, query, turns)
  if (ids !== undefined) part.keep(name, ids, 64 + ids.length * idRangeBytes)
  return ids
}

/** Rows whose number lies in one of the ranges. */
export function rowsWith(part: Part, column: ColumnName, ranges: readonly IdRange[]): Rows {
  const { count, odd } = part.dictionary(column)
  const isOdd = ranges.length === 1 && ranges[0]?.from === idOdd
  if (ranges.length === 0 || (isOdd && odd === 0)) return "none"
  const ids = part.ids(column)
  if (typeof ids === "number") {
    return ranges.some(({ from, to }) => ids >= from && ids < to) ? "all" : "none"
  }
  const words = new Int32Array(part.blocks)
  const [only, ...more] = ranges
  if (only !== undefined && more.length === 0) {
    const { from } = only
    const width = only.to - from
    for (let row = 0; row < ids.length; row++) {
      if (((ids[row] as number) - from) >>> 0 < width)
        words[row >>> 5] = (words[row >>> 5] as number) | (1 << (row % blockRows))
    }
    return narrowed(words, part.count)
  }
  const flags = new Uint8Array(count + idFirst)
  for (const { from, to } of ranges) flags.fill(1, from, to)
  for (let row = 0; row < ids.length; row++) {
    if (flags[ids[row] as number] === 1)
      words[row >>> 5] = (words[row >>> 5] as number) | (1 << (row % blockRows))
  }
  return narrowed(words, part.count)
}

function countBlocks(words: Int32Array): number {
  let blocks = 0
  for (const word of words) if (word !== 0) blocks += 1
  return blocks
}

/** A short word for all rows or none. */
function narrowed(words: Int32Array, count: number): Rows {
  let rows = 0
  for (let block = 0; block < words.length; block++) rows += bitCount(words[block] as number)
  return rows === 0 ? "none" : rows === count ? "all" : words
}

function decideReceived(part: Part, query: FieldQuery): Decision {
  const { test } = query
  if (test.kind === "prefix" && test.text === "") return decided.all
  if (test.kind !== "range") return decided.unknown
  const { from, until } = spanOf(test)
  const rows = receivedRows(part, from, until)
  return { may: or(rows, part.marks("capped")), must: not(or(not(rows), part.marks("capped"))) }
}

/** Rows received within `[from, until)`; undefined is no bound. */
export function receivedRows(
  part: Part,
  from: number | undefined,
  until: number | undefined,
): Rows {
  const { receivedMin, receivedMax } = part.header
  const low = from ?? Number.NEGATIVE_INFINITY
  const high = until ?? Number.POSITIVE_INFINITY
  if (receivedMin >= low && receivedMax < high) return "all"
  if (receivedMax < low || receivedMin >= high) return "none"
  return part.received().within(low, high)
}

function decideIndex(part: Part, { test }: FieldQuery): Decision {
  if (test.kind === "prefix" && test.text === "") return decided.all
  const bounds = indexBounds(part, test)
  if (bounds === undefined) return decided.unknown
  const rows = between(
    Math.max(0, bounds.from - part.first),
    Math.min(part.count, bounds.to - part.first),
    part.count,
  )
  return { may: rows, must: rows }
}

/** The entries that a test asks for by their index; undefined if that is not to be seen. */
function indexBounds(part: Part, test: Test): IdRange | undefined {
  if (test.kind === "equals") {
    const index = numberOf(test.text)
    if (index === undefined) return undefined
    return Number.isInteger(index) ? { from: index, to: index + 1 } : { from: 0, to: 0 }
  }
  if (test.kind !== "range") return undefined
  const from = test.from === undefined ? 0 : numberOf(test.from.text)
  const to = test.to === undefined ? 0 : numberOf(test.to.text)
  if (from === undefined || to === undefined) return undefined
  return {
    from: test.from === undefined ? 0 : firstFrom(from, test.from.isInclusive),
    to: test.to === undefined ? part.end : firstFrom(to, !test.to.isInclusive),
  }
}

/** The first whole number that is not below (or is above) a bound. */
function firstFrom(bound: number, isInclusive: boolean): number {
  return isInclusive ? Math.ceil(bound) : Math.floor(bound) + 1
}

/** Blocks whose events may be of that time. */
function eventTimeWithin(part: Part, test: Extract<Test, { readonly kind: "range" }>): Rows {
  const { from, until } = spanOf(test)
  const low = from ?? Number.NEGATIVE_INFINITY
  const high = until ?? Number.POSITIVE_INFINITY
  const { eventMin, eventMax } = part.header
  if (eventMax < low || eventMin >= high) return "none"
  if (eventMin >= low && eventMax < high) return "all"
  const { lowest, highest } = part.eventTimes()
  const words = new Int32Array(part.blocks)
  for (let block = 0; block < words.length; block++) {
    const isOutside = (highest[block] as number) < low || (lowest[block] as number) >= high
    words[block] = isOutside ? 0 : -1
  }
  return words
}
