import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { isPosternError } from "../base/index.ts"
import { parseQuery } from "./parse-query.ts"
import { queryOfFields } from "./query-of-fields.ts"

describe("queryOfFields", () => {
  test.each([
    [{}, ""],
    [{ action: "invoice.*" }, "action:invoice.*"],
    [{ outcome: "denied,failure" }, "outcome:(denied OR failure)"],
    [{ actor: "alice", outcome: "denied" }, "actor:alice AND outcome:denied"],
    [{ actor: "*" }, "actor:*"],
    [{ actor: "a\\,b" }, 'actor:"a,b"'],
    [{ actor: "a\\*" }, 'actor:"a*"'],
    [{ actor: " a b " }, 'actor:" a b "'],
    [{ actor: "OR" }, 'actor:"OR"'],
    [{ actor: 'a"\\\\' }, 'actor:"a\\"\\\\"'],
    [{ "data.ip": "10.0.0.0/8" }, 'data.ip:"10.0.0.0/8"'],
    [{ text: "export done,failed*" }, '("export done" OR "failed"*)'],
    [{ "data.ticket": "INC-*" }, "data.ticket:INC-*"],
  ])("writes %j as %s", (fields, text) => {
    expect(queryOfFields(fields as Record<string, string>)).toBe(text)
    expect(() => parseQuery(text)).not.toThrow()
  })

  test.each([
    [{ actor: "" }, '"actor": an alternative is empty'],
    [{ actor: "a,,b" }, "an alternative is empty"],
    [{ actor: "a*b" }, "* stands at the end only"],
    [{ actor: "a\\" }, "a backslash takes"],
    [{ actor: ["a"] }, "not a string"],
    [{ text: "..." }, "no letter or digit"],
    [{ acton: "a" }, "no field"],
    [{ "a b": "a" }, "cannot stand here"],
    [{ "": "a" }, "cannot stand here"],
    [{ outcome: "failed" }, "did you mean failure?"],
  ])("refuses %j", (fields, reason) => {
    expect(refusalOf(fields as Record<string, string>)).toContain(reason)
  })

  test("means the value that was given, whatever it is", () => {
    const value = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(value, (text) => {
        const escaped = text.replace(/[\\,*]/g, "\\$&")
        const test = { kind: "equals", text }
        const query = { kind: "field", path: ["actor"], test }
        expect(parseQuery(queryOfFields({ actor: escaped }))).toEqual(query)
      }),
      { numRuns: 2000 },
    )
  })
})

function refusalOf(fields: Record<string, string>): string {
  try {
    parseQuery(queryOfFields(fields))
  } catch (error) {
    if (isPosternError(error) && error.code === "QUERY_INVALID") return error.detail ?? ""
    throw error
  }
  return "accepted"
}
