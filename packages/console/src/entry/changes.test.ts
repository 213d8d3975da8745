import { expect, test } from "vitest"
import { readChanges } from "./changes.ts"

test("two sides are found under the names that writers use", () => {
  const changes = [
    { path: "limit", before: 500, after: 10_000 },
    { field: "name", from: "a", to: "b" },
    { key: "tag", old: null, new: ["x"] },
    { name: "gone", before: "here" },
  ]
  expect(readChanges(changes)).toEqual([
    { name: "limit", before: "500", after: "10000" },
    { name: "name", before: "a", after: "b" },
    { name: "tag", before: "null", after: '["x"]' },
    { name: "gone", before: "here", after: undefined },
  ])
})

test("of two objects only what differs is a change", () => {
  const before = { a: 1, b: { c: 1 }, d: "x" }
  const after = { a: 1, b: { c: 2 }, e: true }
  expect(readChanges([{ path: "spec", before, after }])).toEqual([
    { name: "spec.b", before: '{"c":1}', after: '{"c":2}' },
    { name: "spec.d", before: "x", after: undefined },
    { name: "spec.e", before: undefined, after: "true" },
  ])
})

test("what has neither side is left whole, and what is no list has no changes", () => {
  expect(readChanges(["text", { odd: 1 }])).toEqual([
    { name: "1", before: undefined, after: "text" },
    { name: "2", before: undefined, after: '{"odd":1}' },
  ])
  for (const nothing of [undefined, null, {}, "x", 7]) expect(readChanges(nothing)).toEqual([])
})
