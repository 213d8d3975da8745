import { parseQuery } from "@postern/log/query"
import { expect, test } from "vitest"
import { ProblemError } from "../api/index.ts"
import { faultOf, mend, readFault, term, termState, toggleTerm } from "./query-language.ts"

test("a value is asked for, and taken away again", () => {
  const asked = toggleTerm("", "outcome", "denied", "included")
  expect(asked).toBe("outcome:denied")
  expect(termState(asked, "outcome", "denied")).toBe("included")
  expect(toggleTerm(asked, "outcome", "denied", "included")).toBe("")
})

test("what a person wrote stays as it is written", () => {
  const written = '"Export Done"   actor:alice'
  expect(toggleTerm(written, "outcome", "denied", "included")).toBe(`${written} AND outcome:denied`)
})

test("alternatives keep together", () => {
  const asked = toggleTerm("actor:a OR actor:b", "outcome", "denied", "included")
  expect(asked).toBe("(actor:a OR actor:b) AND outcome:denied")
  expect(parseQuery(asked).kind).toBe("and")
})

test("a value that is ruled out can be asked for, and the other way round", () => {
  const out = toggleTerm("actor:a", "outcome", "denied", "excluded")
  expect(termState(out, "outcome", "denied")).toBe("excluded")
  const back = toggleTerm(out, "outcome", "denied", "included")
  expect(termState(back, "outcome", "denied")).toBe("included")
  expect(termState(back, "actor", "a")).toBe("included")
})

test.each(['a"b', "a b", "(x)", "*", "", "a\\b", "AND", "ü:é", "10.0.0.0/8"])(
  "the value %j is found again",
  (value) => {
    const asked = toggleTerm("source:app", "data.note", value, "included")
    expect(termState(asked, "data.note", value)).toBe("included")
    expect(faultOf(term("data.note", value))).toBeUndefined()
  },
)

test("half a query is left alone", () => {
  expect(toggleTerm("actor:(a", "outcome", "denied", "included")).toBe("actor:(a")
  expect(termState("actor:(a", "outcome", "denied")).toBe("absent")
})

test("what is wrong is said where it is", () => {
  const text = "outcome:denied AND )"
  const fault = faultOf(text)
  expect(fault).toMatchObject({ at: 19, length: 1 })
  expect(faultOf("outcome:denied")).toBeUndefined()
})

test("what the server refuses is said at its place, and mended there", () => {
  const problem = { code: "QUERY_INVALID", title: "no", at: 0, length: 6, suggestion: "action" }
  const fault = readFault(new ProblemError(400, problem), "acton:x.read")
  expect(fault).toMatchObject({ at: 0, length: 6, suggestion: "action" })
  expect(mend("acton :x", { ...fault, length: 5 })).toBe("action :x")
  expect(readFault(new Error("x"), "abc")).toMatchObject({ at: 0, length: 3 })
})
