import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { isPosternError, type PosternError } from "../base/index.ts"
import { parseQuery } from "./parse-query.ts"
import type { Query, Test } from "./query.ts"

const refusalOf = (text: string): PosternError => {
  try {
    parseQuery(text)
  } catch (error) {
    if (isPosternError(error) && error.code === "QUERY_INVALID") return error
    throw error
  }
  throw new Error(`accepted: ${text}`)
}
const words = (...tokens: string[]): Query => ({ kind: "words", words: tokens, begun: false })
const field = (path: string, test: Test): Query => ({ kind: "field", path: path.split("."), test })
const equals = (path: string, text: string) => field(path, { kind: "equals", text })
const prefix = (path: string, text: string) => field(path, { kind: "prefix", text })
const or = (...parts: Query[]): Query => ({ kind: "or", parts })
const and = (...parts: Query[]): Query => ({ kind: "and", parts })
const not = (part: Query): Query => ({ kind: "not", part })
const [a, b, c] = [words("a"), words("b"), words("c")]
const from = (text: string, isInclusive = true) => ({ text, isInclusive })
const range = (path: string, low?: object, high?: object) =>
  field(path, { kind: "range", from: low, to: high } as Test)

describe("parseQuery", () => {
  test.each<[string, Query]>([
    ["", { kind: "all" }],
    [" \n ", { kind: "all" }],
    ["*", { kind: "all" }],
    ["NOT *", not({ kind: "all" })],
    ["a", a],
    ["A", a],
    ["a b", and(a, b)],
    ["a AND b", and(a, b)],
    ["a OR b AND c", or(a, and(b, c))],
    ["a b OR c", or(and(a, b), c)],
    ["(a OR b) c", and(or(a, b), c)],
    ["NOT a OR b", or(not(a), b)],
    ["NOT (a OR b)", not(or(a, b))],
    ["NOT NOT a", a],
    ["-a b", and(not(a), b)],
    ["-(a b)", not(and(a, b))],
    ["a AND(b)", and(a, b)],
    ["(a AND (b AND c))", and(a, b, c)],
    ["* a", a],
    ["* OR a", { kind: "all" }],
    ['"and"', words("and")],
    ['"Export done"', words("export", "done")],
    ["INC-4711", words("inc", "4711")],
    ["user@corp.example", words("user", "corp", "example")],
    ["exp*", { kind: "words", words: ["exp"], begun: true }],
    ['"export do"*', { kind: "words", words: ["export", "do"], begun: true }],
    ["INC-*", { kind: "words", words: ["inc"], begun: false }],
    ["x=1", words("x", "1")],
    ["action:invoice.deleted", equals("action", "invoice.deleted")],
    ["action: invoice.deleted", equals("action", "invoice.deleted")],
    ["action:invoice.*", prefix("action", "invoice.")],
    ["actor:*", prefix("actor", "")],
    ['actor:"user:00100"', equals("actor", "user:00100")],
    ['actor:"a\\"b\\\\c"', equals("actor", 'a"b\\c')],
    ["actor:a\\*b", equals("actor", "a*b")],
    ["actor:user/alice", equals("actor", "user/alice")],
    ['actor:"a b"*', prefix("actor", "a b")],
    ["actor:-x", equals("actor", "-x")],
    ["writer:spiffe://corp/billing", equals("writer", "spiffe://corp/billing")],
    [
      "data.url:https://a.example/x?y=1&z=~b#c",
      equals("data.url", "https://a.example/x?y=1&z=~b#c"),
    ],
    ["data.ip:10.1.2.3", equals("data.ip", "10.1.2.3")],
    ["data.ip:2001:db8::1", equals("data.ip", "2001:db8::1")],
    ["target.name:x", equals("targets.name", "x")],
    ["targets.id:x", equals("targets.id", "x")],
    ["actor.name:x", equals("actor.name", "x")],
    ["target:x", equals("target", "x")],
    [
      'data."a.b".c:x',
      { kind: "field", path: ["data", "a.b", "c"], test: { kind: "equals", text: "x" } },
    ],
    ['data.ip:"10.0.0.0/8"', equals("data.ip", "10.0.0.0/8")],
    ["outcome:(failure OR denied)", or(equals("outcome", "failure"), equals("outcome", "denied"))],
    [
      "outcome:(fail* AND NOT denied)",
      and(prefix("outcome", "fail"), not(equals("outcome", "denied"))),
    ],
    ["data.n:(-1 OR -2)", or(equals("data.n", "-1"), equals("data.n", "-2"))],
    ["data.n:>10", range("data.n", from("10", false))],
    ["data.n:>= -10", range("data.n", from("-10"))],
    ["data.n:<10", range("data.n", undefined, from("10", false))],
    ["data.n:[1 TO 5]", range("data.n", from("1"), from("5"))],
    ["data.n:{1 TO *]", range("data.n", from("1", false))],
    ["data.n:[ * TO 5 }", range("data.n", undefined, from("5", false))],
    ["data.n:[* TO *]", prefix("data.n", "")],
    ['data.n:["a b" TO "c"]', range("data.n", from("a b"), from("c"))],
    ["received:2026-11-22", range("received", from("2026-11-22"), from("2026-11-22"))],
    ["time:>=2026-11-22T12:00:00+02:00", range("time", from("2026-11-22T12:00:00+02:00"))],
    ["received:*", prefix("received", "")],
    ["index:4711", equals("index", "4711")],
    ["stream:[1 TO 5]", range("stream", from("1"), from("5"))],
    ["_sd:*", prefix("_sd", "")],
  ])("reads %s", (text, query) => {
    expect(parseQuery(text)).toEqual(query)
  })

  // What is wrong, the characters it is about, and what to write instead.
  test.each<[string, string, string, string | undefined]>([
    ["acton:x", "no field", "acton", "action"],
    ["Outcome:denied", "no field", "Outcome", "outcome"],
    ["app://billing", "quote it", "app://billing", '"app://billing"'],
    ["12:30", "no field", "12:30", '"12:30"'],
    ["action.x:y", "no members", "action.x", "action"],
    ["outcome:failed", "no outcome", "failed", "failure"],
    ["outcome:x*", "success, failure, denied", "x*", undefined],
    ["outcome:(denied OR failed)", "no outcome", "failed", "failure"],
    ["action:Invoice.Deleted", "no action", "Invoice.Deleted", "invoice.deleted"],
    ["action:Invoice.*", "no action", "Invoice.*", "invoice.*"],
    ['action:"a b"', "no action", '"a b"', undefined],
    ["a and b", "capitals", "and", "AND"],
    ["a or b", "capitals", "or", "OR"],
    ["not b", "capitals", "not", "NOT"],
    ["a && b", "no operator", "&&", "AND"],
    ["a || b", "no operator", "||", "OR"],
    ["a||b", "no operator", "||", " OR "],
    ["a !b", "not wanted", "!", "NOT "],
    ["a - b", "right before", "- ", "-"],
    ['x "abc', "not closed", '"abc', '"abc"'],
    ['actor:"a\\', "not closed", '"a\\', '"a"'],
    ["(a OR b", "not closed", "(a OR b", "(a OR b)"],
    ["a) b", "without its (", ")", undefined],
    ["()", "empty", "()", undefined],
    ["actor=alice", "colon", "actor=", "actor:"],
    ["actor!=alice", "colon", "actor!=", "NOT actor:"],
    ["actor = alice", "colon", " = ", ":"],
    ["data.n > 5", "colon", " ", ":"],
    ["actor :alice", "right before the colon", " :", ":"],
    [":alice", "right before the colon", ":", undefined],
    ["actor:", "missing", "", undefined],
    ["actor: AND x", "missing", "", undefined],
    ["a AND", "missing", "", undefined],
    ["NOT", "missing", "", undefined],
    ["-", "missing", "", undefined],
    ["AND a", "nothing stands before", "AND", '"AND"'],
    ["a AND OR b", "nothing stands before", "OR", '"OR"'],
    ["a*b", "at the end only", "*", undefined],
    ["a**", "at the end only", "*", undefined],
    ["outcome:denied,failure", "commas", "denied,failure", "(denied OR failure)"],
    ["'a b'", "quotes are written", "'a b'", '"a b"'],
    ["“a b”", "quotes are written", "“a b”", '"a b"'],
    ["actor:'tis", "quotes are written", "'tis", '"tis"'],
    ["actor:a\\b", "backslash", "\\", "\\\\"],
    ['"C:\\temp"', "backslash", "\\", "\\\\"],
    ['"a"b', "cannot stand", "b", " b"],
    ["actor:(alice bob)", "joined by OR", "", "OR "],
    ["data.n:[1 5]", "[lower TO upper]", "5", undefined],
    ["data.n:[1 to 5]", "capitals", "to", "TO"],
    ["data.n:[1 TO 5", "ends with", "[1 TO 5", undefined],
    ["data.n:[5 TO 1]", "lower bound", "[5 TO 1]", undefined],
    ["data.n:{5 TO 5]", "lower bound", "{5 TO 5]", undefined],
    ["received:[2026-11-23 TO 2026-11-22]", "lower bound", "[2026-11-23 TO 2026-11-22]", undefined],
    ["data.n:>5*", "without *", "*", ""],
    ["received:2026-11-*", "no time", "2026-11-*", "2026-11"],
    ["received:2026-11-22T12:00", "no time", "2026-11-22T12:00", "2026-11-22T12:00:00Z"],
    ['time:"2026-11-22 12:00:00"', "no time", '"2026-11-22 12:00:00"', "2026-11-22T12:00:00Z"],
    ["received:yesterday", "no time", "yesterday", undefined],
    ["received:2026-02-30", "no time", "2026-02-30", undefined],
    ["index:x", "whole number", "x", undefined],
    ["index:1*", "whole number", "1*", undefined],
    ["stream:100000000000000", "whole number", "100000000000000", undefined],
    ["data.ip:10.0.0.0/33", "no network", "10.0.0.0/33", '"10.0.0.0/33"'],
    ['"..."', "letter or digit", '"..."', undefined],
    ["data.:x", "quote it", "data.:x", '"data.:x"'],
    ["\ud800", "surrogate", "\ud800", undefined],
  ])("refuses %s", (text, reason, wrong, suggestion) => {
    const { detail = "", slip } = refusalOf(text)
    expect(detail).toContain(reason)
    expect(detail).toContain(`at character ${(slip?.at ?? -1) + 1}:`)
    expect(slip && text.slice(slip.at, slip.at + slip.length)).toBe(wrong)
    expect(slip?.suggestion).toBe(suggestion)
    if (slip === undefined || suggestion === undefined) return
    const corrected = text.slice(0, slip.at) + suggestion + text.slice(slip.at + slip.length)
    expect(() => parseQuery(corrected)).not.toThrow()
  })

  test.each([
    ["a".repeat(4096), "a".repeat(4097), "4097 characters"],
    [
      `${"(".repeat(16)}a${")".repeat(16)}`,
      `${"(".repeat(17)}a${")".repeat(17)}`,
      "deeper than 16",
    ],
    [`${"NOT ".repeat(16)}a`, `${"NOT ".repeat(17)}a`, "deeper than 16"],
    ["a ".repeat(64), "a ".repeat(65), "more than 64"],
    [`"${"a ".repeat(64)}"`, `"${"a ".repeat(65)}"`, "more than 64"],
    [`actor:(a${" OR a".repeat(63)})`, `actor:(a${" OR a".repeat(64)})`, "more than 64"],
  ])("has limits, and says which", (within, beyond, reason) => {
    expect(() => parseQuery(within)).not.toThrow()
    expect(refusalOf(beyond).detail).toContain(reason)
  })

  test("reads any text, or says what is wrong with a part of it", () => {
    const piece = fc.constantFrom(
      ...[
        '"',
        "(",
        ")",
        "*",
        ":",
        "-",
        "AND",
        "OR",
        "NOT",
        "TO",
        " ",
        "\\",
        "[",
        "]",
        "{",
        ">",
        "=",
      ],
      ...[
        "actor:",
        "outcome:",
        "data.",
        "received:",
        "2026-11-22",
        "10.0.0.0/8",
        "a",
        "é",
        ",",
        "'",
      ],
    )
    const pieces = fc.array(piece, { maxLength: 30 }).map((parts) => parts.join(""))
    const counts = { read: 0, refused: 0 }
    fc.assert(
      fc.property(fc.oneof(pieces, fc.string({ unit: "binary", maxLength: 50 })), (text) => {
        try {
          parseQuery(text)
          counts.read += 1
        } catch (error) {
          if (!isPosternError(error) || error.code !== "QUERY_INVALID") throw error
          const { at, length } = error.slip ?? { at: -1, length: -1 }
          expect(at).toBeGreaterThanOrEqual(0)
          expect(length).toBeGreaterThanOrEqual(0)
          expect(at + length).toBeLessThanOrEqual(text.length)
          expect(error.detail?.length).toBeLessThan(400)
          counts.refused += 1
        }
      }),
      { numRuns: 5000 },
    )
    expect(Math.min(counts.read, counts.refused)).toBeGreaterThan(100)
  })
})
