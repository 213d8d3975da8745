/**
 * The query language of search, tail, evidence, alerts and the console (docs/spec/query.md): read
 * from text, held against entries, written again. Never reads the log and never keeps an index; who
 * scans is the caller, and so is who may ask. The writer of an entry stands in the entry that opened
 * its stream (docs/spec/log.md) and is handed in.
 */
export { type Completion, completeAt } from "./complete.ts"
export { fieldNames } from "./fields.ts"
export { formatQuery, formatValue } from "./format-query.ts"
export { matches } from "./matches.ts"
export { mayMatch } from "./may-match.ts"
export { isInNetwork } from "./network.ts"
export { parseQuery } from "./parse-query.ts"
export {
  allOf,
  anyOf,
  type Bound,
  type FieldQuery,
  type IpNetwork,
  negate,
  type Place,
  type Query,
  type Test,
  type WordsQuery,
} from "./query.ts"
export { type QueryFields, queryOfFields } from "./query-of-fields.ts"
export { compareText, isInRange, isInSpan, numberOf, type Span, spanOf } from "./range.ts"
export { receivedBetween, receivedWithin } from "./received-within.ts"
export { queryLimits } from "./scanner.ts"
export { holdsWords, textsOf, tokensOf } from "./tokens.ts"
