import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { isPosternError } from "../base/index.ts"
import { filterFields, parseFilter } from "./filter.ts"

const detailOf = (parameters: unknown): string => {
  try {
    parseFilter(parameters as Record<string, string>)
  } catch (error) {
    if (isPosternError(error) && error.code === "REQUEST_INVALID") return error.detail ?? ""
    throw error
  }
  return "accepted"
}

const patternsOf = (field: string, value: string) =>
  parseFilter({ [field]: value }).conditions[0]?.patterns.map(({ text, isPrefix }) =>
    isPrefix ? [text] : text,
  )

describe("parseFilter", () => {
  test("reads nothing as everything", () => {
    expect(parseFilter({})).toEqual({ conditions: [], from: undefined, to: undefined })
  })

  test.each([
    ["id", "a", ["a"]],
    ["id", "a,b", ["a", "b"]],
    ["id", "a*", [["a"]]],
    ["id", "*", [[""]]],
    ["id", "a*,b", [["a"], "b"]],
    ["id", "a\\,b", ["a,b"]],
    ["id", "a\\*", ["a*"]],
    ["id", "a\\**", [["a*"]]],
    ["id", "a\\\\", ["a\\"]],
    ["id", " a ", [" a "]],
    ["target", "invoice/*,user/alice", [["invoice/"], "user/alice"]],
    ["text", "a*b,c\\,d", ["a*b", "c,d"]],
    ["outcome", "denied,fail*", ["denied", ["fail"]]],
    ["action", "invoice.*", [["invoice."]]],
  ])("reads %s=%s", (field, value, patterns) => {
    expect(patternsOf(field, value)).toEqual(patterns)
  })

  test("reads times as a half-open range of microseconds", () => {
    const { from, to } = parseFilter({ from: "1970-01-01T00:00:01Z", to: "1970-01-01T00:00:02Z" })
    expect([from, to]).toEqual([1_000_000, 2_000_000])
  })

  test.each([
    [{ acton: "a" }, '"acton": there is no such field; did you mean action?'],
    [{ Outcome: "a" }, "did you mean outcome?"],
    [{ qqqqqqqq: "a" }, "fields are action, outcome"],
    [{ ["x".repeat(9999)]: "a" }, "fields are"],
    [{ id: "" }, "id: an alternative is empty"],
    [{ id: "a,,b" }, "id: an alternative is empty"],
    [{ id: "a," }, "id: an alternative is empty"],
    [{ id: "a*b" }, "id: * stands at the end only"],
    [{ id: "a**" }, "id: * stands at the end only"],
    [{ id: "a*\\" }, "id: * stands at the end only"],
    [{ id: "a\\" }, "id: a backslash takes the character behind it"],
    [{ id: "x".repeat(257) }, "id: an alternative is longer than 256"],
    [{ id: "x,".repeat(32).concat("x") }, "id: at most 32 alternatives"],
    [{ id: "x".repeat(4097) }, "id: at most 4096 characters"],
    [{ id: ["a", "b"] }, "id: give it once"],
    [{ outcome: "failed" }, 'outcome: "failed" is none; did you mean failure?'],
    [{ outcome: "ok" }, "use success, failure, denied, error, unknown"],
    [{ outcome: "x*" }, "is none"],
    [{ action: "Invoice.deleted" }, "did you mean invoice.deleted?"],
    [{ action: "a b" }, "letters other than"],
    [{ from: "2026-11-22" }, "did you mean 2026-11-22T00:00:00Z?"],
    [{ to: "2026-11-22 12:00:00Z" }, "did you mean 2026-11-22T12:00:00Z?"],
    [{ to: "2026-11-22T12:00:00" }, "did you mean 2026-11-22T12:00:00Z?"],
    [{ from: "2026-11-22T12:00:00 02:00" }, "did you mean 2026-11-22T12:00:00+02:00? (in a URL"],
    [{ from: "yesterday" }, "write 2026-11-22T12:00:00Z"],
    [{ from: "2026-11-22T12:00:00Z", to: "2026-11-22T12:00:00Z" }, "from: it must be before to"],
  ])("refuses %j", (parameters, detail) => {
    expect(detailOf(parameters)).toContain(detail)
  })

  test("reads any parameters, or names what is wrong with them", () => {
    const field = fc.oneof(fc.constantFrom(...filterFields), fc.string())
    const value = fc.oneof(fc.stringMatching(/^[a-c.,*\\]{0,9}$/), fc.string({ unit: "binary" }))
    let accepted = 0
    fc.assert(
      fc.property(fc.dictionary(field, value, { maxKeys: 3 }), (parameters) => {
        if (detailOf(parameters) === "accepted") accepted += 1
      }),
      { numRuns: 1000 },
    )
    expect(accepted).toBeGreaterThan(50)
  })

  test("keeps its error details short whatever it is given", () => {
    for (const field of ["action", "outcome", "from", "\u0000".repeat(4000)]) {
      expect(detailOf({ [field]: "A B".repeat(80) }).length).toBeLessThan(500)
    }
  })
})
