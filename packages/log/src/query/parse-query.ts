import { QueryParser } from "./parser.ts"
import type { Query } from "./query.ts"
import { QueryScanner } from "./scanner.ts"

/**
 * Reads a query (docs/spec/query.md), which may hold anything. QUERY_INVALID says where it is wrong
 * and, where it can be guessed, what was meant.
 */
export function parseQuery(text: string): Query {
  return new QueryParser(new QueryScanner(text, false)).whole()
}
