import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { formatQuery } from "./format-query.ts"
import { parseQuery } from "./parse-query.ts"
import { anyQuery } from "./query.test.support.ts"
import type { Query } from "./query.ts"

describe("formatQuery", () => {
  test.each([
    ["", ""],
    ["*", ""],
    ["-*", "NOT *"],
    ["a  B", "a AND b"],
    ["a OR (b c)", "a OR b AND c"],
    ["(a OR b) c", "(a OR b) AND c"],
    ["-(a OR b)", "NOT (a OR b)"],
    ['"and"', '"and"'],
    ["INC-4711", '"inc 4711"'],
    ['"a b"*', '"a b"*'],
    ["outcome:(failure OR denied)", "outcome:(failure OR denied)"],
    ["outcome:failure OR outcome:denied OR a", "outcome:(failure OR denied) OR a"],
    ["data.n:(1 AND NOT 2)", "data.n:(1 AND NOT 2)"],
    ["data.n:((1 OR 2) AND 3) a", "data.n:((1 OR 2) AND 3) AND a"],
    ['actor:"a b"', 'actor:"a b"'],
    ['actor:"alice"', "actor:alice"],
    ['data.ip:"10.0.0.0/8"', 'data.ip:"10.0.0.0/8"'],
    ["data.ip:10.9.9.9/8", "data.ip:10.0.0.0/8"],
    ["data.n:[1 TO *]", "data.n:>=1"],
    ["data.n:{1 TO 5]", "data.n:{1 TO 5]"],
    ["received:[2026 TO 2026]", "received:2026"],
    ['data."a.b":*', 'data."a.b":*'],
    ["target.id:x", "targets.id:x"],
  ])("writes %s as %s", (text, canonical) => {
    expect(formatQuery(parseQuery(text))).toBe(canonical)
    expect(formatQuery(parseQuery(canonical))).toBe(canonical)
  })

  test("is read back as the same query", () => {
    fc.assert(
      fc.property(anyQuery, (query) => {
        fc.pre(isReadable(query))
        expect(parseQuery(formatQuery(query))).toEqual(query)
      }),
      { numRuns: 5000 },
    )
  })
})

/** Ranges that nothing is within are refused by the parser, and so is a word that no text has. */
function isReadable(query: Query): boolean {
  try {
    parseQuery(formatQuery(query))
    return true
  } catch (error) {
    return !/nothing is within/.test(String(error))
  }
}
