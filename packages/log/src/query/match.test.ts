import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { encodeUtf8 } from "../base/index.ts"
import { formatStamp, outcomes, parseEntry } from "../event/index.ts"
import { parseFilter } from "./filter.ts"
import { matches, mayMatch } from "./match.ts"
import { contains, createNeedle } from "./needle.ts"

const nonce = new Uint8Array(16)
const writer = "spiffe://corp/billing"
const event = {
  id: "01JD9Z6P7Q",
  time: "2026-11-22T12:00:00.123Z",
  source: "app://billing",
  action: "invoice.deleted",
  outcome: "success",
  actor: { type: "user", id: "alice" },
  targets: [
    { type: "invoice", id: "4711" },
    { type: "file", id: "a/b" },
  ],
  data: { note: "Zürich, naïve" },
}
const leafOf = (value: unknown, received = 1_000_000): Uint8Array => {
  const stamp = formatStamp({ received, open: 0, sequence: 0, nonce, changed: 0 })
  return encodeUtf8(`${stamp}\n${typeof value === "string" ? value : JSON.stringify(value)}`)
}

/** The verdict; that the look at the bytes never contradicts it is checked on the way. */
const judge = (parameters: Record<string, string>, leaf = leafOf(event)): boolean => {
  const filter = parseFilter(parameters)
  const verdict = matches(filter, parseEntry(leaf), writer)
  if (verdict) expect(mayMatch(filter, leaf)).toBe(true)
  return verdict
}

describe("matches", () => {
  test.each([
    {},
    { action: "invoice.deleted" },
    { action: "invoice.*" },
    { action: "user.*,invoice.deleted" },
    { action: "*" },
    { outcome: "success" },
    { outcome: "denied,succ*" },
    { source: "app://*" },
    { id: "01JD9Z6P7Q" },
    { actor: "alice" },
    { actor: "al*" },
    { actor: "user/alice" },
    { actor: "user/*" },
    { actor: "us*" },
    { target: "4711" },
    { target: "invoice" },
    { target: "invoice/4711" },
    { target: "invoice/47*" },
    { target: "file/a/b" },
    { target: "a/*" },
    { target: "a/b" },
    { writer: "spiffe://corp/*" },
    { text: "Zürich" },
    { text: "nothing,naïve" },
    { text: '"note":"Zürich\\, na' },
    { from: "1970-01-01T00:00:01Z" },
    { to: "1970-01-01T00:00:01.000001Z" },
    { action: "invoice.*", actor: "alice", target: "4711", outcome: "success" },
  ])("an entry that fits %j", (parameters) => {
    expect(judge(parameters as Record<string, string>)).toBe(true)
  })

  test.each([
    { action: "invoice" },
    { action: "invoice.deleted.x" },
    { outcome: "denied" },
    { source: "APP://*" },
    { id: "01jd9z6p7q" },
    { actor: "user" },
    { actor: "invoice/alice" },
    { actor: "4711" },
    { target: "alice" },
    { target: "file/4711" },
    { target: "47" },
    { writer: "spiffe://corp/other" },
    { text: "zürich" },
    { text: "01000000" },
    { from: "1970-01-01T00:00:01.000001Z" },
    { to: "1970-01-01T00:00:01Z" },
    { action: "invoice.*", actor: "bob" },
  ])("not an entry that does not fit %j", (parameters) => {
    expect(judge(parameters as unknown as Record<string, string>)).toBe(false)
  })

  test("no condition on the writer where the writer is not known", () => {
    const entry = parseEntry(leafOf(event))
    expect(matches(parseFilter({ writer: "*" }), entry, undefined)).toBe(false)
  })

  test("nothing of the wrong type, and never throws", () => {
    for (const odd of [null, 5, "alice", [], ["alice"], [null], { id: 5 }, [{ type: 5, id: 5 }]]) {
      const leaf = leafOf({ ...event, actor: odd, targets: odd, action: odd })
      for (const field of ["actor", "target", "action"]) {
        expect(judge({ [field]: "a*" }, leaf)).toBe(field === "action" && odd === "alice")
      }
    }
  })
})

describe("mayMatch", () => {
  test("rules out most of what does not fit without parsing", () => {
    const leaf = leafOf(event)
    for (const parameters of [
      { action: "user.*" },
      { actor: "bob" },
      { actor: "user/bob" },
      { target: "4712,0815*" },
      { text: "zürich" },
      { from: "1970-01-01T00:00:02Z" },
      { to: "1970-01-01T00:00:01Z" },
      { outcome: "denied" },
    ]) {
      expect(mayMatch(parseFilter(parameters as unknown as Record<string, string>), leaf)).toBe(
        false,
      )
    }
  })

  test("does not look for an event's text in the stamp", () => {
    expect(mayMatch(parseFilter({ text: '"r":1000000' }), leafOf(event))).toBe(false)
  })

  test("is not fooled by escapes inside actor and targets", () => {
    const escaped = JSON.stringify(event).replace("alice", "\\u0061lice").replace("a/b", "a\\/b")
    const leaf = leafOf(escaped)
    expect(judge({ actor: "alice" }, leaf)).toBe(true)
    expect(judge({ target: "file/a/b" }, leaf)).toBe(true)
  })

  test("takes what is no leaf for something to be looked at", () => {
    const range = parseFilter({ from: "1970-01-01T00:00:02Z" })
    for (const bytes of ["", "{", '{"r":', '{"r":x', '{"r":12']) {
      expect(mayMatch(range, encodeUtf8(bytes))).toBe(true)
    }
  })

  test("is true wherever matches is", () => {
    const name = fc.stringMatching(/^[a-c/"\\,*é]{0,4}$/)
    const party = fc.record({ type: name, id: name })
    const strict = fc.stringMatching(/^[a-c/.]{1,4}$/)
    const anyEvent = fc.record({
      id: strict,
      source: strict,
      action: strict,
      outcome: fc.constantFrom(...outcomes),
      actor: party,
      targets: fc.array(party, { maxLength: 2 }),
    })
    const literally = (text: string) => text.replaceAll(/[\\*,]/g, "\\$&")
    const field = fc.constantFrom("id", "source", "actor", "target", "text")
    let held = 0
    fc.assert(
      fc.property(
        anyEvent,
        field,
        name,
        fc.boolean(),
        fc.nat(1),
        (made, key, text, star, space) => {
          const value = key !== "text" && star ? `${literally(text)}*` : literally(text)
          fc.pre(value !== "")
          if (judge({ [key]: value }, leafOf(JSON.stringify(made, null, space)))) held += 1
        },
      ),
      { numRuns: 3000 },
    )
    expect(held).toBeGreaterThan(100)
  })
})

describe("contains", () => {
  test("finds what includes() finds", () => {
    const letters = fc.stringMatching(/^[ab]{0,40}$/)
    const wanted = fc.stringMatching(/^[ab]{0,6}$/)
    fc.assert(
      fc.property(letters, wanted, fc.nat(5), (hay, needle, from) => {
        const found = contains(encodeUtf8(hay), createNeedle(needle), from)
        expect(found).toBe(hay.slice(from).includes(needle))
      }),
      { numRuns: 3000 },
    )
  })

  test("finds needles longer than its jumps", () => {
    const needle = "é".repeat(200)
    const hay = encodeUtf8(`${"x".repeat(999)}${needle}`)
    expect(contains(hay, createNeedle(needle), 0)).toBe(true)
    expect(contains(hay, createNeedle(`${needle}x`), 0)).toBe(false)
  })
})
