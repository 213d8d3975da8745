import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { encodeUtf8 } from "../base/index.ts"
import { formatStamp, parseEntry } from "../event/index.ts"
import { matches } from "./matches.ts"
import { mayMatch } from "./may-match.ts"
import { contains, createNeedle } from "./needle.ts"
import { parseQuery } from "./parse-query.ts"

const event = {
  ...{ id: "1", time: "2026-11-22T12:00:00Z", source: "app://billing", action: "invoice.deleted" },
  ...{ outcome: "success", actor: { type: "user", id: "alice" } },
  targets: [{ type: "invoice", id: "4711" }],
  data: { note: "Zürich", n: 5, text: 'a\nb "c" d' },
}
const stamp = { received: 1_000_000, open: 3, sequence: 0, nonce: new Uint8Array(16) }
const leafOf = (json: string) => encodeUtf8(`${formatStamp({ ...stamp, changed: 0 })}\n${json}`)
const leaf = leafOf(JSON.stringify(event))

describe("mayMatch", () => {
  test.each([
    ...[
      "action:user.*",
      "actor:bob",
      "actor:user/bob",
      "target:(4712 OR 0815*)",
      "ZÜRICH",
      "outcome:denied",
    ],
    ...["received:>=1970-01-01T00:00:02Z", "received:<1970-01-01", "NOT received:1970", "stream:4"],
    ...["stream:>3", "NOT stream:3", "data.m:5", "data.m:>5", "data.m:*", "origin.ip:10.0.0.0/8"],
    ...[
      "data.note:zürich",
      "data.note:Zürichs",
      "data.note:ürich",
      "data.n:true",
      "alice bob",
      "NOT *",
    ],
    ...["(bob OR carol) alice", '"alice bob"', "bob*"],
  ])("rules out %s without parsing", (text) => {
    expect(mayMatch(parseQuery(text), leaf)).toBe(false)
  })

  test.each([
    ...[
      "NOT bob",
      "NOT alice",
      "data.n:5.0",
      "data.n:>9",
      "writer:x",
      "index:9",
      "lice",
      "eleted*",
    ],
    ...["NOT data.n:5", "-outcome:denied alice", "received:1970", "stream:3"],
  ])("leaves %s to be looked at", (text) => {
    expect(mayMatch(parseQuery(text), leaf)).toBe(true)
  })

  test("does not look for words in the stamp", () => {
    expect(mayMatch(parseQuery("1000000"), leaf)).toBe(false)
  })

  test("takes \\u for any letter, and other escapes for what they are", () => {
    const plain = JSON.stringify({ ...event, data: { text: 'a\nb "c" \\ d' } })
    expect(mayMatch(parseQuery("bob"), leafOf(plain))).toBe(false)
    const hidden = leafOf(plain.replace("alice", "\\u0061lice").replace("invoice", "in\\u0076oice"))
    for (const text of [
      "actor:alice",
      "alice",
      "target:invoice/4711",
      "user/alice",
      "actor:user/al*",
    ]) {
      const query = parseQuery(text)
      expect(matches(query, parseEntry(hidden), { index: 0, writer: undefined })).toBe(
        text !== "user/alice",
      )
      expect(mayMatch(query, hidden)).toBe(true)
    }
  })

  test("sees a \\u right behind another escape, and not one that is none", () => {
    const note = (text: string) => leafOf(JSON.stringify(event).replace("Zürich", text))
    expect(mayMatch(parseQuery("bob"), note("\\n\\u0062ob"))).toBe(true)
    expect(mayMatch(parseQuery("bob"), note("\\\\u0062ob"))).toBe(false)
  })

  test("finds names in spite of escaped slashes", () => {
    const escaped = leafOf(JSON.stringify(event).replace('"4711"', '"a\\/b"'))
    expect(mayMatch(parseQuery("target:invoice/a/b"), escaped)).toBe(true)
    expect(mayMatch(parseQuery("target:a/b"), escaped)).toBe(true)
    expect(mayMatch(parseQuery("target:a/c"), escaped)).toBe(false)
    expect(mayMatch(parseQuery("target:bob/c"), escaped)).toBe(false)
  })

  test("takes what is no leaf for something to be looked at", () => {
    for (const text of ["received:>=1970-01-01T00:00:02Z", "NOT received:1970", "stream:3"]) {
      for (const bytes of [
        "",
        "{",
        '{"r":',
        '{"r":x',
        '{"r":12',
        '{"r":12,"o":',
        '{"r":12,"p":3',
      ]) {
        const isCut = bytes.includes('12,"') && text.includes("received")
        expect(mayMatch(parseQuery(text), encodeUtf8(bytes)), `${text} ${bytes}`).toBe(!isCut)
      }
    }
  })
})

describe("contains", () => {
  test("finds what includes() finds, with and without case", () => {
    const letters = fc.stringMatching(/^[abABé@`[{]{0,40}$/)
    const wanted = fc.stringMatching(/^[abABé@`[{]{0,4}$/)
    let found = 0
    fc.assert(
      fc.property(letters, wanted, fc.boolean(), (hay, needle, ignoresCase) => {
        const fold = (text: string) => (ignoresCase ? text.toLowerCase() : text)
        const is = contains(encodeUtf8(hay), createNeedle(needle, ignoresCase), 0)
        expect(is).toBe(fold(hay).includes(fold(needle)))
        if (is) found += 1
      }),
      { numRuns: 3000 },
    )
    expect(found).toBeGreaterThan(100)
  })

  test("begins where it is told to", () => {
    expect(contains(encodeUtf8("abc"), createNeedle("a"), 1)).toBe(false)
    expect(contains(encodeUtf8("abca"), createNeedle("a"), 1)).toBe(true)
    expect(contains(encodeUtf8("abc"), createNeedle(""), 3)).toBe(true)
  })

  test("finds needles longer than its jumps", () => {
    const needle = "é".repeat(200)
    const hay = encodeUtf8(`${"x".repeat(999)}${needle}`)
    expect(contains(hay, createNeedle(needle), 0)).toBe(true)
    expect(contains(hay, createNeedle(`${needle}x`), 0)).toBe(false)
  })
})
