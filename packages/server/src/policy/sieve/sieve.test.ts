import { describe, expect, test } from "vitest"
import type { Adapter, Decision, Detect, Transform } from "../rules/index.ts"
import { openSieve, type Sifted } from "./index.ts"
import { h1, t1, world } from "./oracle.test.support.ts"
import { makeDecision, off, pointer } from "./policies.test.support.ts"

interface Given {
  readonly transforms?: readonly Transform[]
  readonly detect?: Detect
  readonly changes?: Partial<Decision>
  readonly adapter?: Adapter
}

const start =
  '"id":"1","time":"2026-11-22T12:00:00Z","source":"app://a","action":"a.read","outcome":"success"'
const people = '"actor":{"type":"user","id":"alice"},"targets":[]'

function sift(members: string, given: Given = {}): Sifted {
  const { transforms = [], detect, changes = {}, adapter = "http" } = given
  const { policy, decision } = makeDecision(changes.level ?? "full", transforms, changes)
  const sieve = openSieve({ ...policy, detect }, world, { shortLived: new Set() })
  return sieve.sift(decision, adapter, Buffer.from(`{${start},${people}${members}}`))
}

/** What follows the required members; the mark by itself. */
function leftOf(sifted: Sifted): { mark: string; left: string } {
  const text = Buffer.from(sifted.bytes ?? []).toString()
  const [, mark = "", left = ""] =
    /^\{"_policy":(\{.*?\}),"id".*?"targets":\[\](.*)\}$/s.exec(text) ?? []
  return { mark, left }
}

const doing = (at: string, what: Transform["do"], more: Partial<Transform> = {}): Transform => ({
  ...{ at: pointer(at), do: what },
  ...more,
})

const secrets: Detect = { ...off, groups: { ...off.groups, secrets: "hmac" } }
const marks: Detect = { ...off, groups: { ...off.groups, secrets: "mark" } }
/** Made up; nobody's. */
const token = `ghp_${"a1B2c3D4e5F6g7H8i9J0".repeat(2).slice(0, 36)}`

describe("a transform", () => {
  test.each<[Transform, string, string]>([
    [doing("/data/a", "redact"), '{"a":[1,{}],"b":2}', '{"a":"[redacted]","b":2}'],
    [doing("/data/a", "hmac"), '{"a":"x"}', `{"a":"${h1("/data/a", "x")}"}`],
    [doing("/data/a", "hmac"), '{"a":"\\u0078"}', `{"a":"${h1("/data/a", "x")}"}`],
    [doing("/data/a", "hmac"), '{"a": 1e2}', `{"a": "${h1("/data/a", "100")}"}`],
    [doing("/data/a", "hmac"), '{"a":-0}', `{"a":"${h1("/data/a", "0")}"}`],
    [doing("/data/a", "hmac"), '{"a":1.50}', `{"a":"${h1("/data/a", "1.50")}"}`],
    [
      doing("/data/a", "hmac"),
      '{"a":9007199254740993}',
      `{"a":"${h1("/data/a", "9007199254740993")}"}`,
    ],
    [doing("/data/a", "hmac"), '{"a":null}', `{"a":"${h1("/data/a", "null")}"}`],
    [doing("/data/a", "hmac"), '{"a":[ 1 ]}', `{"a":"${h1("/data/a", "[ 1 ]")}"}`],
    [doing("/data/*", "hmac"), '{"é":"é"}', `{"é":"${h1("/data/*", "é")}"}`],
    [doing("/data/a", "tokenise"), '{"a":"x","b":"x"}', `{"a":"${t1("x")}","b":"x"}`],
    [
      doing("/data/**/p", "redact"),
      '{"p":1,"q":[{"p":2}]}',
      '{"p":"[redacted]","q":[{"p":"[redacted]"}]}',
    ],
    [doing("/data/p/1", "redact"), '{"p":[1,2,3]}', '{"p":[1,"[redacted]",3]}'],
    [doing("/data/a~1b~0", "redact"), '{"a\\/b~":1}', '{"a\\/b~":"[redacted]"}'],
    [doing("/data/password", "redact"), '{"p\\u0061ssword":1}', '{"p\\u0061ssword":"[redacted]"}'],
    [
      doing("/data/😀", "redact"),
      '{"\\ud83d\\ude00":1,"😀":2}',
      '{"\\ud83d\\ude00":"[redacted]","😀":"[redacted]"}',
    ],
    [
      doing("/data/a", "redact"),
      '{"a":1,"a":2,"\\u0061":3}',
      '{"a":"[redacted]","a":"[redacted]","\\u0061":"[redacted]"}',
    ],
    [
      doing("/data/__proto__/x", "redact"),
      '{"__proto__":{"x":1}}',
      '{"__proto__":{"x":"[redacted]"}}',
    ],
    [doing("/data/", "redact"), '{"":1," ":2}', '{"":"[redacted]"," ":2}'],
  ])("%j makes of %s what it says", (transform, before, after) => {
    const sifted = sift(`,"data":${before}`, { transforms: [transform] })
    expect(leftOf(sifted).left).toBe(`,"data":${after}`)
  })

  test("of a longer text leaves the beginning, its size and its digest", () => {
    const transforms = [doing("/data/a", "truncate", { bytes: 16 })]
    const text = `${"x".repeat(15)}é and more`
    const expected = { truncated: "x".repeat(15), bytes: 26, digest: h1("/data/a", text) }
    const { left } = leftOf(sift(`,"data":{"a":"${text}"}`, { transforms }))
    expect(JSON.parse(`{${left.slice(1)}}`).data.a).toEqual(expected)
    expect(sift(',"data":{"a":"0123456789abcdef"}', { transforms }).bytes).toBeUndefined()
  })

  test("that truncates shows nothing of what would not stand there by itself", () => {
    const truncate = doing("/data/a", "truncate", { bytes: 64 })
    const inside = `{"x":"${token}","y":"${"z".repeat(80)}"}`
    for (const [given, members] of [
      [{ transforms: [truncate], detect: secrets }, inside],
      [{ transforms: [truncate, doing("/data/a/x", "redact")] }, inside],
      [{ transforms: [truncate], detect: secrets }, `"${token} ${"z".repeat(80)}"`],
    ] as const) {
      const sifted = sift(`,"data":{"a":${members}}`, given)
      expect(leftOf(sifted).left).toMatch(
        /^,"data":\{"a":\{"truncated":"","bytes":\d+,"digest":"h1:/,
      )
      expect(Buffer.from(sifted.bytes ?? []).includes(token)).toBe(false)
      expect(sifted.did.map(({ what }) => what)).toEqual(["truncate"])
    }
  })

  test("comes after those before it, and none inside a `keep` but them", () => {
    const transforms = [
      doing("/data/a/first", "hmac"),
      doing("/data/a", "keep"),
      doing("/data/**/first", "redact"),
      doing("/data/**/later", "redact"),
    ]
    const members = `,"data":{"a":{"first":"1","later":"${token}"},"first":"1","later":2}`
    const { left } = leftOf(sift(members, { transforms, detect: secrets }))
    const a = `{"first":"${h1("/data/a/first", "1")}","later":"${token}"}`
    expect(left).toBe(`,"data":{"a":${a},"first":"[redacted]","later":"[redacted]"}`)
  })

  test("touches no member that a pointer may not name", () => {
    const transforms = [doing("/data/**/id", "redact"), doing("/actor/**/id", "redact")]
    const text = Buffer.from(sift(',"tenant":"t","data":{}', { transforms }).bytes ?? []).toString()
    expect(text).toContain(start)
    expect(text).toContain('"actor":{"type":"user","id":"[redacted]"}')
  })
})

describe("a level", () => {
  const members = [
    ',"request":{"a":1}',
    ',"response":{"b":2}',
    ',"data":{"kubernetes":{"requestObject":{"c":3},"x":1,"responseObject":{"d":4}}}',
    ',"labels":{"e":"5"}',
  ]
  const all = members.join("")
  const item = ',"data":{"kubernetes":{"x":1}}'
  test.each<[Given, string]>([
    [{ changes: { level: "full" } }, ""],
    [{ changes: { level: "request" } }, [members[0], members[2], members[3]].join("")],
    [{ changes: { level: "metadata" } }, "nothing"],
    [
      { changes: { level: "request" }, adapter: "kubernetes" },
      all.replace(',"responseObject":{"d":4}', ""),
    ],
    [
      { changes: { level: "metadata" }, adapter: "kubernetes" },
      all.replace(members[2] ?? "", item),
    ],
  ])("%j takes what it says", (given, expected) => {
    expect(leftOf(sift(all, given)).left).toBe(expected === "nothing" ? "" : expected)
  })

  test("takes also what a rule keeps, what stands twice, and what is written with escapes", () => {
    const twice =
      ',"data":{"kubernetes":{"request\\u004fbject":1,"requestObject":2},"kubernetes":{ "requestObject":{} , "y":1 }}'
    const given: Given = {
      ...{ changes: { level: "metadata" }, adapter: "kubernetes" },
      transforms: [doing("/data/kubernetes", "keep")],
    }
    const sifted = sift(twice, given)
    expect(leftOf(sifted).left).toBe(',"data":{"kubernetes":{},"kubernetes":{ "y":1 }}')
    expect(sifted.did.map(({ what, at }) => `${what} ${at}`)).toEqual(
      Array(3).fill("cut /data/kubernetes/requestObject"),
    )
  })

  test("takes the first members of an event with their commas", () => {
    const { policy, decision } = makeDecision("metadata", [])
    const sieve = openSieve(policy, world, { shortLived: new Set() })
    const event = ` { "data" : {} , "request":{},${start},"labels":{}, ${people} , "changes" : [] } `
    const { bytes } = sieve.sift(decision, "http", Buffer.from(event))
    const text = Buffer.from(bytes ?? []).toString()
    expect(text).toBe(
      ` {"_policy":{"digest":"0123456789abcdef","rule":"only","did":["cut /data","cut /request","cut /labels","cut /changes"]}, ${start}, ${people}  } `,
    )
  })

  test("does nothing to the log's own entries, and to what is dropped", () => {
    for (const changes of [{ class: "log", level: "metadata" }, { level: "drop" }] as const) {
      expect(sift(all, { changes, detect: secrets }).bytes).toBeUndefined()
    }
  })
})

describe("a detector", () => {
  test("has a whole text replaced, and of some only the secret part", () => {
    const members = `,"data":{"a":"see ${token} \\u00e9","url":"https://u:secretpw@h/x","n":1}`
    const sifted = sift(members, { detect: secrets })
    const a = h1("detected", `see ${token} é`)
    const url = `https://u:${h1("detected", "secretpw")}@h/x`
    expect(leftOf(sifted).left).toBe(`,"data":{"a":"${a}","url":"${url}","n":1}`)
    expect(sifted.detected).toEqual(["github-token", "url-userinfo"])
    expect(leftOf(sifted).mark).toBe(
      '{"digest":"0123456789abcdef","did":["detected /data/a","detected /data/url"],"detected":["github-token","url-userinfo"]}',
    )
  })

  test("that only marks leaves the text and names it", () => {
    const sifted = sift(`,"data":{"a":"${token}"}`, { detect: marks })
    expect(leftOf(sifted).left).toBe(`,"data":{"a":"${token}"}`)
    expect(leftOf(sifted).mark).toContain('"did":["detected /data/a"],"detected":["github-token"]')
  })

  test("sees no text that is allowed, kept or replaced, and none outside", () => {
    const detect = { ...secrets, allow: [pointer("/data/**/ok")] }
    const transforms = [doing("/data/kept", "keep"), doing("/data/gone", "redact")]
    const inside = `"ok":["${token}"],"kept":"${token}","gone":"${token}"`
    const sifted = sift(`,"tenant":"${token}","data":{${inside}}`, { detect, transforms })
    expect(sifted.detected).toEqual([])
    expect(sifted.did).toEqual([{ what: "redact", at: "/data/gone" }])
  })

  test("sees the first 8,192 bytes of a text, and says where it saw no more", () => {
    const long = "é".repeat(4_090)
    const sifted = sift(
      `,"data":{"a":"${long}${token}","b":"${token}${long}${long}","c":"${long}"}`,
      {
        detect: secrets,
      },
    )
    expect(sifted.detected).toEqual(["unscanned", "github-token"])
    expect(leftOf(sifted).left.slice(0, 24)).toBe(`,"data":{"a":"${"é".repeat(10)}`)
    expect(leftOf(sifted).left).toContain(h1("detected", `${token}${long}${long}`))
    const cards = { ...off, groups: { ...off.groups, cards: "mark" as const } }
    expect(sift(`,"data":{"a":"${long}${long}"}`, { detect: cards }).bytes).toBeUndefined()
  })

  test("sees the beginning of a long text whatever escape it is cut in", () => {
    for (let shift = 0; shift < 12; shift++) {
      for (const unit of ["\\u00e9", "\\\\", "\\ud83d\\ude00", "é", "😀"]) {
        const text = `${token} ${"x".repeat(shift)}${unit.repeat(9_000 / unit.length)}`
        const long = `${text}${unit.repeat(2_000)}`
        const { detected } = sift(`,"data":{"a":"${long}"}`, { detect: secrets })
        expect(detected).toEqual(["github-token", "unscanned"])
      }
    }
  })
})

describe("the mark", () => {
  test("names 32 things that were done, and that there were more", () => {
    const values = Array.from({ length: 40 }, (_, i) => i)
    const transforms = [doing("/data/a/*", "redact")]
    const sifted = sift(`,"data":{"a":[${values}]}`, { transforms })
    const { did } = JSON.parse(leftOf(sifted).mark)
    expect(did).toHaveLength(33)
    expect(did.slice(30)).toEqual(["redact /data/a/30", "redact /data/a/31", "more"])
    expect(sifted.did).toHaveLength(40)
  })

  test("has places as RFC 6901 writes them, cut short where a writer makes them long", () => {
    const name = `${"😀".repeat(100)}`
    const transforms = [doing("/data/*/*", "redact")]
    const sifted = sift(`,"data":{"a/b~\\"é":{"":1},"${name}":{"x":1}}`, { transforms })
    const { did } = JSON.parse(leftOf(sifted).mark)
    expect(did[0]).toBe('redact /data/a~1b~0"é/')
    expect(did[1]).toBe(`redact /data/${"😀".repeat(60)}…`)
  })

  test("says nothing of a rule that did nothing", () => {
    const sifted = sift(`,"data":{"a":"${token}"}`, {
      ...{ detect: secrets, transforms: [doing("/data/b", "redact")] },
    })
    expect(leftOf(sifted).mark).not.toContain("rule")
  })
})
