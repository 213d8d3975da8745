import { expect, test } from "vitest"
import { ProblemError } from "../api/index.ts"
import { erasedValueOf } from "./erased-value.ts"

const answer = (detail: string, code = "DISCLOSURE_MISSING") =>
  new ProblemError(404, { code, title: "a value is not there", detail })

test("a value that was erased on purpose, and the entry that says so", () => {
  expect(erasedValueOf(answer("erased 4711"))).toEqual({ entry: 4711 })
  expect(erasedValueOf(answer("erased 0"))).toEqual({ entry: 0 })
  expect(erasedValueOf(answer("erased"))).toEqual({ entry: undefined })
})

test("nothing else passes for one", () => {
  for (const detail of ["missing", "locked", "damaged", "", "erased x", "erased 1 2", "not erased"])
    expect(erasedValueOf(answer(detail))).toBeUndefined()
  expect(erasedValueOf(answer("erased 1", "NOT_FOUND"))).toBeUndefined()
  expect(erasedValueOf(new Error("erased 1"))).toBeUndefined()
  expect(erasedValueOf(null)).toBeUndefined()
})
