import { describe, expect, test } from "vitest"
import type { Decision, Detect, Transform } from "../rules/index.ts"
import { openSieve, type Sifted } from "./index.ts"
import { h1, world } from "./oracle.test.support.ts"
import { makeDecision, off, pointer } from "./policies.test.support.ts"

interface Given {
  readonly transforms?: readonly Transform[]
  readonly detect?: Partial<Detect>
  readonly groups?: Partial<Detect["groups"]>
  readonly changes?: Partial<Decision>
  readonly shortLived?: readonly string[]
}

const start =
  '"id":"1","time":"2026-11-22T12:00:00Z","source":"app://a","action":"a.read","outcome":"success"'
const people = '"actor":{"type":"user","id":"alice"},"targets":[]'
/** Made up; nobody's. */
const token = `ghp_${"a1B2c3D4e5F6g7H8i9J0".repeat(2).slice(0, 36)}`

function sift(data: string, given: Given = {}): Sifted {
  const { transforms = [], changes = {}, groups = {}, shortLived = [] } = given
  const detect = {
    ...off,
    ...given.detect,
    groups: { ...off.groups, secrets: "hmac", ...groups } as const,
  }
  const { policy, decision } = makeDecision(changes.level ?? "full", transforms, changes)
  const sieve = openSieve({ ...policy, detect }, world, { shortLived: new Set(shortLived) })
  return sieve.sift(decision, "http", Buffer.from(`{${start},${people},"data":${data}}`))
}

interface Left {
  readonly data: Record<string, unknown>
  readonly _policy: { readonly rule?: string; readonly did: string[]; readonly detected?: string[] }
}
const leftOf = ({ bytes }: Sifted): Left => JSON.parse(Buffer.from(bytes ?? "{}").toString())
const base64 = (text: string, encoding: BufferEncoding = "utf8") =>
  Buffer.from(text, encoding).toString("base64")
const doing = (at: string, what: Transform["do"], more: Partial<Transform> = {}): Transform => ({
  ...{ at: pointer(at), do: what },
  ...more,
})

describe("detectors look into the record that an event was made of", () => {
  test.each([
    ["of text", base64(`login ${token} ü`)],
    ["that is not UTF-8", base64(`\xe9t\xe9 ${token}`, "latin1")],
    ["in which a text says what it is", base64("\0\x1epassword=hunter2 \xff", "latin1")],
  ])("%s", (_, bytes) => {
    const { data, _policy } = leftOf(sift(`{"format":"line","bytes":"${bytes}","n":1}`))
    expect(data).toEqual({ format: "line", bytes: h1("detected", bytes), n: 1 })
    expect(_policy.did).toEqual(["detected /data/bytes"])
    expect(_policy.detected).toHaveLength(1)
    expect(_policy.rule).toBeUndefined()
  })

  test("which nothing else in the event need mention", () => {
    const detect = { ...off, groups: { ...off.groups, secrets: "hmac" } as const }
    const { policy, decision } = makeDecision("full", [])
    const sieve = openSieve({ ...policy, detect }, world, { shortLived: new Set() })
    const plain = start.replace("app://a", "app")
    const event = `{${plain},${people},"data":{"bytes":"${base64("\xffpassword=h1", "latin1")}"}}`
    const mentioned = sieve.needles.filter(({ text, anyCase }) =>
      (anyCase ? event.toLowerCase() : event).includes(text),
    )
    const mask = mentioned.reduce((all, { group }) => all | (1 << group), 0)
    const need = Number(sieve.need(decision, "http")) & mask
    expect(need).toBe(1 << 6)
    const plainRecord = event.replace(base64("\xffpassword=h1", "latin1"), base64("\xff", "latin1"))
    expect(sieve.sift(decision, "http", Buffer.from(plainRecord), need).bytes).toBeUndefined()
    expect(sieve.sift(decision, "http", Buffer.from(event), need).did).toHaveLength(1)
    expect(sieve.sift(decision, "http", Buffer.from(event)).detected).toEqual(["key-value"])
  })

  test("however its name and its letters are escaped", () => {
    const bytes = base64(`?>${token}`)
    const escaped = bytes.replaceAll("P", "\\u0050").replaceAll("/", "\\/")
    const { data } = leftOf(sift(`{"by\\u0074es":"${escaped}"}`))
    expect(data).toEqual({ bytes: h1("detected", bytes) })
  })

  test("and do with all of it what they do with a hit", () => {
    const data = `{"bytes":"${base64(`see ${token}`)}"}`
    expect(leftOf(sift(data, { groups: { secrets: "redact" } })).data.bytes).toBe("[redacted]")
    const marked = leftOf(sift(data, { groups: { secrets: "mark" } }))
    expect(marked.data).toEqual(JSON.parse(data))
    expect(marked._policy.detected).toEqual(["encoded-secret", "github-token"])
    const address = base64("from 203.0.113.77")
    const shortened = sift(`{"bytes":"${address}"}`, { groups: { addresses: "truncate" } })
    expect(leftOf(shortened).data.bytes).toBe(h1("detected", address))
    const card = sift(`{"bytes":"${base64("cvv=123")}"}`)
    expect(leftOf(card).data.bytes).toBe("[redacted]")
  })

  test.each([
    ["another member", `{"raw":"${base64("password=hunter2")}"}`],
    ["another place", `{"in":{"bytes":"${base64("password=hunter2")}"}}`],
    ["no base64", `{"bytes":"${base64("password=hunter22").slice(0, -1)}"}`],
    ["a number", '{"bytes":1024}'],
  ])("and not into %s", (_, data) => {
    const { did } = sift(data, {
      detect: { patterns: [{ name: "p", pattern: "hunter", do: "hmac" }] },
    })
    expect(did).toEqual([])
  })

  test("nor where the policy allows what is there, or keeps it", () => {
    const data = `{"bytes":"${base64(`see ${token}`)}"}`
    expect(sift(data, { detect: { allow: [pointer("/data/bytes")] } }).bytes).toBeUndefined()
    expect(sift(data, { transforms: [doing("/data/*", "keep")] }).bytes).toBeUndefined()
  })
})

describe("of a long record", () => {
  const long = (before: number, text: string) =>
    `${"é".repeat(before / 2)}${text}${"x ".repeat(100)}`

  test("the beginning is looked at, and the rest is said to be unscanned", () => {
    const behind = sift(`{"bytes":"${base64(long(8_200, token))}"}`)
    expect(behind.detected).toEqual(["unscanned"])
    expect(behind.did).toEqual([{ what: "detected", at: "/data/bytes" }])
    const before = sift(`{"bytes":"${base64(long(8_000, token))}"}`)
    expect(before.detected).toEqual(["github-token"])
  })

  test("what counts is how long it is, and not its base64", () => {
    expect(sift(`{"bytes":"${base64("x ".repeat(4_096))}"}`).did).toEqual([])
    expect(sift(`{"bytes":"${base64(`${"x ".repeat(4_096)}y`)}"}`).detected).toEqual(["unscanned"])
  })

  test("a character that is cut through makes no other text of it", () => {
    const record = `pаssword=h1 ${"x ".repeat(4_089)}😀😀😀`
    expect(Buffer.byteLength(record)).toBeGreaterThan(8_192)
    expect(sift(`{"bytes":"${base64(record)}"}`).detected).toEqual(["key-value"])
  })
})

const bytes = base64("\x0a\x05alice")
const decoded = `{"format":"otlp","otlp":{"body":"alice"},"bytes":"${bytes}"}`

describe("a record beside what was decoded of it", () => {
  test.each(["hmac", "redact", "tokenise", "personal"] as const)(
    "goes with a value: %s",
    (what) => {
      const subject = what === "personal" ? { subject: pointer("/actor/id") } : {}
      const { data, _policy } = leftOf(
        sift(decoded, { transforms: [doing("/data/otlp/body", what, subject)] }),
      )
      expect(data.bytes).toBe("[redacted]")
      expect(_policy.did).toEqual([`${what} /data/otlp/body`, "redact /data/bytes"])
      expect(_policy.rule).toBe("only")
    },
  )

  test("goes with what is taken of any other member, before it or behind", () => {
    const { data, _policy } = leftOf(sift(decoded, { transforms: [doing("/actor/id", "hmac")] }))
    expect(data).toEqual({ ...JSON.parse(decoded), bytes: "[redacted]" })
    expect(_policy.did).toEqual(["hmac /actor/id", "redact /data/bytes"])
    const behind = `{"bytes":"${bytes}","otlp":{"body":"${"alice ".repeat(9)}"},"f\\u006frmat":"\\u006ftlp"}`
    const cut = sift(behind, { transforms: [doing("/data/otlp/body", "truncate", { bytes: 16 })] })
    expect(leftOf(cut)._policy.did).toEqual(["redact /data/bytes", "truncate /data/otlp/body"])
  })

  test("goes with what detectors take, and no rule is named for it", () => {
    const { data, _policy } = leftOf(sift(decoded.replace('"alice"', `"${token}"`)))
    expect(data.bytes).toBe("[redacted]")
    expect(_policy).toMatchObject({ did: ["detected /data/otlp/body", "redact /data/bytes"] })
    expect(_policy.rule).toBeUndefined()
  })

  test("stays if nothing goes", () => {
    expect(sift(decoded).bytes).toBeUndefined()
    const marked = sift(decoded.replace('"alice"', `"${token}"`), { groups: { secrets: "mark" } })
    expect(leftOf(marked).data.bytes).toBe(bytes)
    const kept = sift(decoded, { transforms: [doing("/data/otlp/none", "redact")] })
    expect(kept.bytes).toBeUndefined()
  })

  test("stays if the policy keeps it, and not if it is only allowed", () => {
    const hmac = doing("/actor/id", "hmac")
    for (const transforms of [
      [doing("/data/bytes", "keep"), hmac],
      [hmac, doing("/data/**/bytes", "keep")],
    ])
      expect(leftOf(sift(decoded, { transforms })).data.bytes).toBe(bytes)
    const allowed = { detect: { allow: [pointer("/data/bytes")] }, transforms: [hmac] }
    expect(leftOf(sift(decoded, allowed)).data.bytes).toBe("[redacted]")
  })

  test("is not hidden twice, and not shown in part", () => {
    const hmac = doing("/actor/id", "hmac")
    const own = leftOf(sift(decoded, { transforms: [hmac, doing("/data/bytes", "hmac")] }))
    expect(own.data.bytes).toBe(h1("/data/bytes", bytes))
    const long = decoded.replace(bytes, base64("alice ".repeat(20)))
    const truncate = doing("/data/bytes", "truncate", { bytes: 16 })
    expect(leftOf(sift(long, { transforms: [truncate] })).data.bytes).toMatchObject({ bytes: 160 })
    expect(leftOf(sift(long, { transforms: [hmac, truncate] })).data.bytes).toBe("[redacted]")
  })

  test("stays the HMAC of a detector, though a truncate is meant for it that it is too short for", () => {
    const short = decoded.replace(bytes, base64(token))
    const transforms = [
      doing("/actor/id", "hmac"),
      doing("/data/bytes", "truncate", { bytes: 1024 }),
    ]
    const { data, _policy } = leftOf(sift(short, { transforms }))
    expect(data.bytes).toMatch(/^h1:/)
    expect(_policy.did).toContain("detected /data/bytes")
    expect(_policy.did).not.toContain("redact /data/bytes")
  })

  test("goes with data, whatever takes that away", () => {
    const transforms = [doing("/actor/id", "hmac")]
    const cut = sift(decoded, { transforms, changes: { level: "metadata" } })
    expect(cut.did.map(({ what, at }) => `${what} ${at}`)).toEqual(["hmac /actor/id", "cut /data"])
    const sealed = sift(decoded, { transforms, shortLived: ["read"] })
    const text = sealed.keptOut.map(({ json }) => Buffer.from(json).toString()).join()
    expect(text).toContain('"bytes":"[redacted]"')
    expect(text).not.toContain(bytes)
  })

  test.each([
    ["of another format", decoded.replace('"otlp"', '"line"')],
    ["that is none any more", decoded.replace(bytes, "[redacted]")],
  ])("is looked for, and not a text %s", (_, data) => {
    const { did } = sift(data, { transforms: [doing("/actor/id", "hmac")] })
    expect(did).toEqual([{ what: "hmac", at: "/actor/id" }])
  })

  test("goes wherever names stand twice", () => {
    const twice = `{"bytes":"${bytes}","format":"line","bytes":"${bytes}","format":"otlp"}`
    const sifted = sift(twice, { transforms: [doing("/actor/id", "hmac")] })
    expect(Buffer.from(sifted.bytes ?? []).toString()).not.toContain(bytes)
  })
})
