import { isPosternError, type Slip } from "@postern/log/base"
import { allOf, formatQuery, negate, parseQuery, type Query } from "@postern/log/query"
import { ProblemError } from "../api/index.ts"

/** What is wrong with a query, and where. */
export interface QueryFault {
  readonly at: number
  readonly length: number
  readonly said: string
  /** What to write instead of these characters. */
  readonly suggestion: string | undefined
}

/** The text with the suggestion in the place of what is wrong. */
export function mend(text: string, { at, length, suggestion = "" }: QueryFault): string {
  return text.slice(0, at) + suggestion + text.slice(at + length)
}

/** Undefined if the text is a query. */
export function faultOf(text: string): QueryFault | undefined {
  try {
    parseQuery(text)
    return undefined
  } catch (error) {
    return readFault(error, text)
  }
}

/** What a refused query says about itself, from our own parser or from the server's. */
export function readFault(error: unknown, text: string): QueryFault {
  const { at, length, suggestion } = placeIn(error)
  const said = isPosternError(error)
    ? (error.detail ?? error.message)
    : error instanceof Error
      ? error.message
      : String(error)
  const from = Math.min(Math.max(0, at ?? 0), text.length)
  return { at: from, length: length ?? text.length - from, said, suggestion }
}

function placeIn(error: unknown): Partial<Slip> {
  if (isPosternError(error)) return error.slip ?? {}
  if (!(error instanceof ProblemError)) return {}
  const { at, length, suggestion } = error
  return {
    ...(at === undefined ? {} : { at }),
    ...(length === undefined ? {} : { length }),
    ...(suggestion === undefined ? {} : { suggestion }),
  }
}

/** `field:"value"`, as the language writes it. */
export function term(field: string, value: string): string {
  return formatQuery(termOf(field, value))
}

function termOf(field: string, value: string): Query {
  return { kind: "field", path: field.split("."), test: { kind: "equals", text: value } }
}

function parsed(text: string): Query | undefined {
  try {
    return parseQuery(text)
  } catch {
    return undefined // Half a query: what is added to it is joined by the text alone.
  }
}

function partsOf(query: Query): readonly Query[] {
  return query.kind === "and" ? query.parts : [query]
}

function isSame(one: Query, other: Query): boolean {
  return formatQuery(one) === formatQuery(other)
}

export type TermState = "included" | "excluded" | "absent"

/** Whether the query asks for this value, or rules it out, as a whole condition. */
export function termState(text: string, field: string, value: string): TermState {
  const query = parsed(text)
  if (query === undefined) return "absent"
  const wanted = termOf(field, value)
  if (partsOf(query).some((part) => isSame(part, wanted))) return "included"
  return partsOf(query).some((part) => isSame(part, negate(wanted))) ? "excluded" : "absent"
}

/** The query with this value asked for or ruled out; the same again takes it away. */
export function toggleTerm(
  text: string,
  field: string,
  value: string,
  wanted: "included" | "excluded",
): string {
  const query = parsed(text)
  const one = wanted === "included" ? termOf(field, value) : negate(termOf(field, value))
  const other = negate(one)
  if (query === undefined) return text.trim() === "" ? formatQuery(one) : text
  const parts = partsOf(query).filter((part) => part.kind !== "all")
  if (parts.some((part) => isSame(part, one))) {
    return formatQuery(allOf(parts.filter((part) => !isSame(part, one))))
  }
  if (parts.some((part) => isSame(part, other))) {
    return formatQuery(allOf(parts.map((part) => (isSame(part, other) ? one : part))))
  }
  // What a person wrote stays as it is written; only alternatives need parentheses around them.
  const before = query.kind === "or" ? `(${text.trim()})` : text.trim()
  return before === "" ? formatQuery(one) : `${before} AND ${formatQuery(one)}`
}
