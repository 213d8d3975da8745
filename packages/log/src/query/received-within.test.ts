import { expect, test } from "vitest"
import { parseQuery } from "./parse-query.ts"
import { receivedBetween, receivedWithin } from "./received-within.ts"

const day = 86_400_000_000

test.each([
  ["", undefined, undefined],
  ["a", undefined, undefined],
  ["received:1970-01-02", day, 2 * day],
  ["received:>=1970-01-02", day, undefined],
  ["received:>1970-01-02", 2 * day, undefined],
  ["received:<1970-01-02", undefined, day],
  ["received:<=1970-01-02", undefined, 2 * day],
  ["a received:>=1970-01-02 received:<1970-01-04", day, 3 * day],
  ["received:1970-01-02 OR received:1970-01-04", day, 4 * day],
  ["received:1970-01-02 OR a", undefined, undefined],
  ["NOT received:1970-01-02", undefined, undefined],
  ["received:1970 a received:1970-01-02", day, 2 * day],
  ["time:1970-01-02", undefined, undefined],
])("%s", (text, from, until) => {
  expect(receivedWithin(parseQuery(text))).toEqual({ from, until })
})

test.each([
  [undefined, undefined],
  [0, undefined],
  [undefined, 5],
  [1_000_000, 2_000_001],
])("from %s until %s is a query that says so", (from, until) => {
  expect(receivedWithin(receivedBetween({ from, until }))).toEqual({ from, until })
})

test("times that no entry can have are brought to those that it can", () => {
  expect(receivedWithin(receivedBetween({ from: -1, until: -1 }))).toEqual({ from: 0, until: 0 })
  const { until } = receivedWithin(receivedBetween({ from: 0, until: 2 ** 57 }))
  expect(until).toBe(Number.MAX_SAFE_INTEGER)
})
