import { assertNever } from "../base/index.ts"
import { kindOf } from "./fields.ts"
import { formatNetwork, parseNetwork } from "./network.ts"
import type { Bound, FieldQuery, Query, Test, WordsQuery } from "./query.ts"
import { quote } from "./scanner.ts"

/** Text that stands unquoted; a part of what the parser would take. */
const plainPattern = /^[\p{L}\p{N}_][\p{L}\p{N}_.:/@+-]*$/u
const operatorPattern = /^(?:and|or|not|to)$/i
const keyPattern = /^[\p{L}\p{N}_-]+$/u

/**
 * The query as text, the same for queries that are deeply equal; parseQuery reads it back, unless
 * the canonical spelling is longer than it takes.
 */
export function formatQuery(query: Query): string {
  return query.kind === "all" ? "" : format(query, undefined, 0)
}

/** How tightly what stands around binds: nothing, OR, AND, NOT. */
type Strength = 0 | 1 | 2 | 3

/** @param path what is within the brackets behind this field's name */
function format(query: Query, path: string | undefined, around: Strength): string {
  switch (query.kind) {
    case "all":
      return "*"
    case "words":
      return formatWords(query)
    case "field":
      return path === undefined ? formatField(query) : formatTest(query)
    case "not":
      return `NOT ${format(query.part, path, 3)}`
    case "and":
    case "or":
      return formatJoined(query, path, around)
    default:
      return assertNever(query)
  }
}

function formatJoined(
  query: Extract<Query, { readonly parts: readonly Query[] }>,
  path: string | undefined,
  around: Strength,
): string {
  const own = query.kind === "and" ? 2 : 1
  const pieces: string[] = []
  for (let i = 0; i < query.parts.length; ) {
    const parts = path === undefined ? runOf(query.parts, i) : query.parts.slice(i, i + 1)
    const [part] = parts as readonly [Query]
    const name = parts.length > 1 ? onlyField(part) : undefined
    if (name === undefined) pieces.push(format(part, path, own))
    else pieces.push(`${name}:(${format({ ...query, parts }, name, 0)})`)
    i += parts.length
  }
  const text = pieces.join(query.kind === "and" ? " AND " : " OR ")
  return pieces.length > 1 && around >= own ? `(${text})` : text
}

/** The part at `from` and those behind it that are about the same field alone. */
function runOf(parts: readonly Query[], from: number): readonly Query[] {
  const name = onlyField(parts[from] as Query)
  let end = from + 1
  while (name !== undefined && end < parts.length && onlyField(parts[end] as Query) === name)
    end += 1
  return parts.slice(from, end)
}

/** The field that a query asks for and nothing else, if it can be written as `field:( … )`. */
function onlyField(query: Query): string | undefined {
  switch (query.kind) {
    case "field":
      return isValue(query) ? formatPath(query.path) : undefined
    case "not":
      return onlyField(query.part)
    case "and":
    case "or": {
      const [first, ...more] = query.parts.map(onlyField)
      return more.every((name) => name === first) ? first : undefined
    }
    default:
      return undefined
  }
}

/** Brackets hold values; ranges have a spelling of their own. */
function isValue({ path, test }: FieldQuery): boolean {
  return test.kind !== "range" || isPeriod(path, test)
}

function formatField(query: FieldQuery): string {
  return `${formatPath(query.path)}:${formatTest(query)}`
}

function formatPath(path: readonly string[]): string {
  return path.map((key, i) => (i === 0 || keyPattern.test(key) ? key : quote(key))).join(".")
}

function formatTest({ path, test }: FieldQuery): string {
  switch (test.kind) {
    case "equals":
      return formatValue(test.text)
    case "prefix":
      return test.text === "" ? "*" : `${formatValue(test.text)}*`
    case "network":
      return formatNetwork(test.network)
    case "range":
      return isPeriod(path, test) ? formatValue((test.from as Bound).text) : formatRange(test)
    default:
      return assertNever(test)
  }
}

/** `received:2026-11-22` is a range from that day to that day. */
function isPeriod(path: readonly string[], test: Test): boolean {
  if (kindOf(path) !== "instant" || test.kind !== "range") return false
  const { from, to } = test
  if (from?.isInclusive !== true || to?.isInclusive !== true) return false
  return from.text === to.text
}

function formatRange({ from, to }: Extract<Test, { readonly kind: "range" }>): string {
  if (from !== undefined && to !== undefined) {
    const [open, close] = [from.isInclusive ? "[" : "{", to.isInclusive ? "]" : "}"]
    return `${open}${formatValue(from.text)} TO ${formatValue(to.text)}${close}`
  }
  const bound = (from ?? to) as Bound
  return `${from === undefined ? "<" : ">"}${bound.isInclusive ? "=" : ""}${formatValue(bound.text)}`
}

function formatWords({ words, begun }: WordsQuery): string {
  const text = words.join(" ")
  return `${isPlain(text) ? text : quote(text)}${begun ? "*" : ""}`
}

/** A field's value as it is written, in quotes where it must be. */
export function formatValue(text: string): string {
  return isPlain(text) && parseNetwork(text) === undefined ? text : quote(text)
}

function isPlain(text: string): boolean {
  return plainPattern.test(text) && !operatorPattern.test(text)
}
