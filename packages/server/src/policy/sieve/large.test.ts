/** Events some values of which lie beside the log. */
import { encodeUtf8 } from "@postern/log/base"
import { discloseEvent, disclosureDigest, encodeDisclosure } from "@postern/log/event"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { Decision, Detect, Transform } from "../rules/index.ts"
import { type LargeSifted, openSieve, type ValueBeside } from "./index.ts"
import { h1, world } from "./oracle.test.support.ts"
import { makeDecision, off, pointer } from "./policies.test.support.ts"

interface Given {
  readonly transforms?: readonly Transform[]
  readonly detect?: Detect
  readonly changes?: Partial<Decision>
  readonly shortLived?: string
}

const salt = "_26bc4LT-ac6q2KI6cBW5es"
const required = {
  ...{ id: "1", time: "2026-11-22T12:00:00Z", source: "app://a", action: "a.read" },
  ...{ outcome: "success", actor: { type: "user", id: "alice" }, targets: [] },
}
const secrets: Detect = { ...off, groups: { ...off.groups, secrets: "hmac" } }
/** Made up; nobody's. */
const token = `ghp_${"a1B2c3D4e5F6g7H8i9J0".repeat(2).slice(0, 36)}`
const doing = (at: string, what: Transform["do"], more: Partial<Transform> = {}): Transform => ({
  ...{ at: pointer(at), do: what },
  ...more,
})
const personal = (at: string): Transform => doing(at, "personal", { subject: pointer("/actor/id") })

const beside = (name: string, value: unknown): ValueBeside => {
  const json = encodeDisclosure(salt, name, encodeUtf8(JSON.stringify(value)))
  return { json, digest: disclosureDigest(json) }
}

function toEnd<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

function opened({ transforms = [], detect, changes = {}, shortLived = "" }: Given) {
  const { policy, decision } = makeDecision(changes.level ?? "full", transforms, changes)
  const settings = { shortLived: new Set([shortLived]) }
  return { decision, sieve: openSieve({ ...policy, detect }, world, settings) }
}

function siftEvent(event: object | string, values: readonly ValueBeside[], given: Given) {
  const { sieve, decision } = opened(given)
  const bytes = encodeUtf8(typeof event === "string" ? event : JSON.stringify(event))
  const beside = { values, digestOf: disclosureDigest }
  return toEnd(sieve.siftLarge(decision, "http", bytes, beside))
}

/** The values stand in `_sd`, before the last member. */
function sift(values: Readonly<Record<string, unknown>>, given: Given, more = {}): LargeSifted {
  const all = Object.entries(values).map(([name, value]) => beside(name, value))
  const event = { ...required, _sd: all.map(({ digest }) => digest), ...more }
  return siftEvent(event, all, given)
}

const parse = (bytes: Uint8Array | undefined) =>
  JSON.parse(Buffer.from(bytes ?? []).toString()) as Record<string, unknown>
const partsOf = ({ values }: LargeSifted) => values.map(({ json }) => parse(json))
const inside = ({ keptOut }: LargeSifted) => keptOut.map(({ json }) => json)

describe("a value beside the log", () => {
  test("is sifted in its place, and keeps its salt and its name", () => {
    const transforms = [doing("/data/a", "hmac"), doing("/labels/b", "redact")]
    const sifted = sift({ data: { a: "x", b: 1 }, labels: { b: 2 } }, { transforms })
    expect(partsOf(sifted)).toEqual([
      [salt, "data", { a: h1("/data/a", "x"), b: 1 }],
      [salt, "labels", { b: "[redacted]" }],
    ])
    const { _policy, _sd, ...rest } = parse(sifted.bytes)
    expect(rest).toEqual(required)
    expect(_policy).toMatchObject({ rule: "only", did: ["hmac /data/a", "redact /labels/b"] })
    expect(_sd).toEqual(sifted.values.map(({ digest }) => digest).sort())
    for (const { json, digest } of sifted.values) expect(disclosureDigest(json)).toBe(digest)
  })

  test("that nothing is done with stays what it was, beside one that changes", () => {
    const labels = beside("labels", { c: 1 })
    const sifted = sift(
      { labels: { c: 1 }, data: { a: "x" } },
      { transforms: [doing("/data/a", "redact")] },
    )
    expect(sifted.values[0]).toEqual(labels)
    expect(parse(sifted.bytes)._sd).toContain(labels.digest)
    const untouched = sift({ labels: { c: 1 } }, { transforms: [doing("/data/a", "redact")] })
    expect(untouched).toMatchObject({ bytes: undefined, refused: undefined, values: [labels] })
  })

  test("is looked at by detectors, which know its names and what stands before", () => {
    const data = { text: `uses ${token}`, env: [{ name: "DB_PASSWORD", value: "hunter2hunter2" }] }
    const sifted = sift({ data }, { detect: secrets })
    expect(Buffer.from(sifted.values[0]?.json ?? []).toString()).not.toMatch(/ghp_|hunter2/)
    expect(parse(sifted.bytes)._policy).toMatchObject({ did: expect.any(Array) })
    expect(sifted.detected.length).toBeGreaterThan(0)
  })

  test("belongs to the person whom the event names, wherever", () => {
    const transforms = [
      personal("/data/mail"),
      doing("/data/tel", "personal", { subject: pointer("/labels/who") }),
    ]
    const values = { data: { mail: "a@b", tel: 5, n: 1 }, labels: { who: "bob" } }
    const sifted = sift(values, { transforms })
    expect(sifted.keptOut.map(({ under }) => under)).toEqual([
      { subject: "alice" },
      { subject: "bob" },
    ])
    const all = [...sifted.values.map(({ json }) => json), ...inside(sifted)]
    const { _policy, ...whole } = discloseEvent(parse(sifted.bytes), all)
    expect(whole).toEqual({ ...required, ...values })
    expect(_policy).toMatchObject({ sealed: 2 })
  })
})

describe("a value that goes as a whole", () => {
  const changes = { level: "metadata" } as const
  test("with what the level takes leaves no digest; without any, no list", () => {
    const sifted = sift({ data: { a: 1 }, reason: { b: 2 } }, { changes })
    expect(partsOf(sifted)).toEqual([[salt, "reason", { b: 2 }]])
    expect(parse(sifted.bytes)._sd).toEqual([sifted.values[0]?.digest])
    const none = sift({ data: { a: 1 } }, { changes })
    expect(none.values).toEqual([])
    expect(Object.keys(parse(none.bytes))).toEqual(["_policy", ...Object.keys(required)])
  })

  test.each([
    ["first", (sd: string, rest: string) => `{${sd},"labels":{},${rest}}`],
    [
      "first, with what is cut behind it",
      (sd: string, rest: string) => `{ ${sd} , "data":1, ${rest} }`,
    ],
    ["last", (sd: string, rest: string) => `{${rest},${sd}} `],
    ["last, behind what is cut", (sd: string, rest: string) => `{${rest},"data":1 , ${sd}}`],
    ["between what is cut", (sd: string, rest: string) => `{"labels":{},${sd},"data":1,${rest}}`],
    ["in the middle", (sd: string, rest: string) => `{"outcome":"x",${sd},${rest}}`],
  ])("takes its list along where that stands %s", (_, write) => {
    const data = beside("data", { a: 1 })
    const members = JSON.stringify(required).slice(1, -1)
    const sifted = siftEvent(write(`"_sd":["${data.digest}"]`, members), [data], { changes })
    expect(parse(sifted.bytes)).toEqual({ ...required, _policy: expect.anything() })
    expect(sifted.values).toEqual([])
  })

  test("because its class goes sooner is sealed with what is left of it, and its digest is another", () => {
    const given = { shortLived: "read", transforms: [doing("/data/a", "hmac")] }
    const sifted = sift({ data: { a: "x", b: 1 } }, given, { labels: { c: 1 } })
    expect(sifted.values).toEqual([])
    expect(sifted.keptOut.map(({ under }) => under)).toEqual([{ class: "read" }, { class: "read" }])
    const event = parse(sifted.bytes)
    expect(event._policy).toMatchObject({ did: ["sealed /labels", "hmac /data", "sealed /data"] })
    expect(event._sd).toEqual(sifted.keptOut.map(({ digest }) => digest).sort())
    expect(discloseEvent(event, inside(sifted))).toMatchObject({
      data: { a: h1("/data/a", "x"), b: 1 },
      labels: { c: 1 },
    })
  })
})

test("a value may be as deep as one that was looked at by itself", () => {
  const deep = (levels: number) => JSON.parse(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`)
  const transforms = [doing("/data/**/a", "redact")]
  expect(sift({ data: { b: deep(35) } }, { transforms }).refused).toBe(undefined)
  expect(sift({ data: deep(36) }, { detect: secrets }).bytes).toBe(undefined)
  expect(() => sift({ data: deep(60) }, { detect: secrets })).toThrow("deeper")
})

describe("an event is refused", () => {
  const json = (text: string): ValueBeside => ({ json: encodeUtf8(text), digest: "A".repeat(43) })
  test.each([
    ["no array", "{}"],
    ["no salt", "[]"],
    ["an element", `["${salt}",{}]`],
    ["a name that stays", `["${salt}","actor",{}]`],
    ["a name of every object", `["${salt}","constructor",{}]`],
    ["an escape", `["${salt}","d\\u0061ta",{}]`],
    ["no value", `["${salt}","data",]`],
    ["cut off", `["${salt}","data",{}`],
    ["nothing", ""],
  ])("if a value is %s", (_, text) => {
    const { refused, bytes, values } = siftEvent(required, [json(text)], { detect: secrets })
    expect({ refused, bytes, values }).toEqual({
      ...{ refused: "EVENT_DISCLOSURE", bytes: undefined, values: [] },
    })
  })

  test("if more values would leave it than a verifier follows, or a value brings digests of its own", () => {
    const transforms = [personal("/data/*")]
    const many = Object.fromEntries(Array.from({ length: 4_096 }, (_, n) => [`m${n}`, n]))
    expect(sift({ data: many }, { transforms }).refused).toBe("EVENT_DISCLOSURE")
    const own = { a: 1, b: { _sd: ["x"] } }
    expect(sift({ data: own }, { transforms: [personal("/data/a")] }).refused).toBe(
      "EVENT_DISCLOSURE",
    )
    const { m0: _, ...fewer } = many
    expect(sift({ data: fewer }, { transforms }).refused).toBe(undefined)
  })

  test("if what stands there then is larger than a value may be", () => {
    const data = Array.from({ length: 120_000 }, () => 7)
    const transforms = [doing("/data/a/*", "hmac")]
    expect(sift({ data: { a: data } }, { transforms }).refused).toBe(undefined)
    const more = [...data, ...data]
    expect(sift({ data: { a: more } }, { transforms }).refused).toBe("EVENT_TOO_LARGE")
  })
})

const texts = fc.constantFrom(token, "plain", "a=1", "alice")
const values = fc.dictionary(fc.constantFrom("a", "b", "password", "é"), fc.oneof(texts, fc.json()))
const cases = fc.record({ data: values, labels: values, request: values })

test("it is the same as if all stood in the event, with others sifted in between", () => {
  const transforms = [
    doing("/data/**/a", "hmac"),
    doing("/labels/*", "tokenise"),
    doing("/request/b", "redact"),
  ]
  const { sieve, decision } = opened({ transforms, detect: secrets })
  const other = encodeUtf8(JSON.stringify({ ...required, data: { password: "12345678" } }))
  fc.assert(
    fc.property(cases, (members) => {
      const inPlace = sieve.sift(
        decision,
        "http",
        encodeUtf8(JSON.stringify({ ...required, ...members })),
      )
      const all = Object.entries(members).map(([name, value]) => beside(name, value))
      const event = { ...required, _sd: all.map(({ digest }) => digest) }
      const steps = sieve.siftLarge(decision, "http", encodeUtf8(JSON.stringify(event)), {
        ...{ values: all, digestOf: disclosureDigest },
      })
      let step = steps.next()
      while (!step.done) {
        sieve.sift(decision, "http", other)
        step = steps.next()
      }
      const large = step.value
      const jsons = large.values.map(({ json }) => json)
      const whole = discloseEvent(large.bytes ? parse(large.bytes) : event, jsons)
      expect(whole).toEqual(inPlace.bytes ? parse(inPlace.bytes) : { ...required, ...members })
      expect([large.did, large.detected]).toEqual([inPlace.did, inPlace.detected])
    }),
  )
})
