import { expect, test } from "vitest"
import { formatHolds, type Hold, holdsDigest, parseHolds, readHold } from "./holds.ts"

const hold: Hold = {
  ...{ id: "1", query: "actor:user/eva", reason: "case 7", operator: "spiffe://a/operator/o" },
  since: "2026-11-23T00:00:00Z",
}

test("holds are read as they were written, and have a digest of their own", () => {
  expect(parseHolds(formatHolds([hold]))).toEqual([hold])
  expect(parseHolds(formatHolds([]))).toEqual([])
  expect(holdsDigest([hold])).not.toBe(holdsDigest([]))
  expect(holdsDigest([hold])).toBe(holdsDigest(parseHolds(formatHolds([hold]))))
})

test("what cannot be read as holds is not taken for none", () => {
  for (const text of ["", "{}", "[1]", `[{"id":"1"}]`, formatHolds([{ ...hold, query: "((" }])]) {
    expect(() => parseHolds(text), text).toThrow(expect.objectContaining({ code: "LOG_DAMAGED" }))
  }
})

test("a hold that is asked for has a query that can be read, and a reason", () => {
  expect(readHold({ query: "actor:x", reason: "why", more: 1 })).toEqual({
    ...{ query: "actor:x", reason: "why" },
  })
  for (const bad of [undefined, null, {}, { query: "x" }, { query: "x", reason: " " }, []]) {
    expect(() => readHold(bad)).toThrow(expect.objectContaining({ code: "REQUEST_INVALID" }))
  }
  expect(() => readHold({ query: "((", reason: "why" })).toThrow(
    expect.objectContaining({ code: "QUERY_INVALID" }),
  )
})
