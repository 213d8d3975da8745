/**
 * A query as data: what parseQuery makes of a text (docs/spec/query.md). Plain values, so that two
 * queries that say the same are deeply equal, provided that they were made by parseQuery, allOf,
 * anyOf and negate.
 */
export type Query =
  /** Everything; what an empty text asks for. */
  | { readonly kind: "all" }
  | { readonly kind: "and" | "or"; readonly parts: readonly Query[] }
  | { readonly kind: "not"; readonly part: Query }
  | WordsQuery
  | FieldQuery

/** Tokens one after the other within one string or literal of the event. */
export interface WordsQuery {
  readonly kind: "words"
  /** At least one; in small letters. */
  readonly words: readonly string[]
  /** The last one may go on. */
  readonly begun: boolean
}

export interface FieldQuery {
  readonly kind: "field"
  /** Members from the top of the event, or one of `entryFields` alone. */
  readonly path: readonly string[]
  readonly test: Test
}

export type Test =
  | { readonly kind: "equals"; readonly text: string }
  /** How a string begins; the empty one: there is a value. */
  | { readonly kind: "prefix"; readonly text: string }
  /** At least one bound. */
  | { readonly kind: "range"; readonly from: Bound | undefined; readonly to: Bound | undefined }
  | { readonly kind: "network"; readonly network: IpNetwork }

export interface Bound {
  /** A number, an instant (for `received` and `time`, where it may be a day), else a string. */
  readonly text: string
  readonly isInclusive: boolean
}

/** IPv4 stands in it as IPv4-mapped IPv6: 10.0.0.0/8 is ::ffff:10.0.0.0/104. */
export interface IpNetwork {
  /** Eight groups of 16 bits; those beyond `bits` are zero. */
  readonly groups: readonly number[]
  /** 0 to 128. */
  readonly bits: number
}

/** Where an entry stands: what its leaf alone does not say. */
export interface Place {
  readonly index: number
  /** Who opened its stream (SPIFFE ID); undefined if not known, which no test on the writer fits. */
  readonly writer: string | undefined
}

const all: Query = { kind: "all" }

/** All of them hold. */
export function allOf(parts: readonly Query[]): Query {
  return join("and", parts)
}

/** At least one of them holds; there is at least one. */
export function anyOf(parts: readonly Query[]): Query {
  return parts.some(({ kind }) => kind === "all") ? all : join("or", parts)
}

export function negate(part: Query): Query {
  return part.kind === "not" ? part.part : { kind: "not", part }
}

function join(kind: "and" | "or", parts: readonly Query[]): Query {
  const flat = parts.flatMap((part) => {
    if (part.kind === "all") return []
    return part.kind === kind ? part.parts : [part]
  })
  const [first = all] = flat
  return flat.length <= 1 ? first : { kind, parts: flat }
}
