import { createHmac } from "node:crypto"
import { beforeEach, describe, expect, test } from "vitest"
import { PolicyLookup } from "./policy-lookup.ts"

const keys = [1, 2].map((n) => ({ kid: `0000000${n}`, key: new Uint8Array(32).fill(n) }))
const [current = { kid: "", key: new Uint8Array() }] = keys
const by = "spiffe://a/operator/admin"
let recorded: object[]
let now: number
let lookup: PolicyLookup

beforeEach(() => {
  recorded = []
  now = 1e12
  const own = { record: (entry: object) => void recorded.push(entry) }
  lookup = new PolicyLookup({ current, all: keys }, own, () => now)
})

const mac = (n: number, text: string) =>
  createHmac("sha256", new Uint8Array(32).fill(n)).update(text).digest()

describe("a look-up", () => {
  test("gives the text of each key, the present one first, as docs/spec/policy.md has it", () => {
    expect(lookup.lookUp({ value: "ä", at: "/data/*/x" }, by).texts).toEqual(
      [1, 2].map((n) => `h1:0000000${n}:${mac(n, "hmac\0/data/*/x\0ä").toString("base64url")}`),
    )
    expect(lookup.lookUp({ value: "", token: true }, by).texts).toEqual(
      [1, 2].map((n) => {
        return `t1:0000000${n}:${mac(n, "token\0").subarray(0, 16).toString("base64url")}`
      }),
    )
  })

  test("is an entry without the value", () => {
    lookup.lookUp({ value: "secret", at: "/data/x" }, by)
    expect(recorded).toMatchObject([
      { action: "postern.policy.looked-up", data: { operator: by, at: "/data/x", keys: 2 } },
    ])
    expect(JSON.stringify(recorded)).not.toContain("secret")
  })

  test("is refused above sixty a minute, whatever the clock does, and leaves no entry then", () => {
    const ask = () => lookup.lookUp({ value: "x", token: true }, by)
    for (let n = 0; n < 60; n++) ask()
    expect(ask).toThrowError(expect.objectContaining({ code: "RATE_LIMITED" }))
    now -= 3_600_000
    expect(ask).toThrowError(expect.objectContaining({ code: "RATE_LIMITED" }))
    expect(recorded).toHaveLength(60)
    now += 3_660_000
    expect(ask).not.toThrow()
  })

  test.each([
    [undefined],
    ["x"],
    [{}],
    [{ value: "x" }],
    [{ value: 4, token: true }],
    [{ value: "x", token: false }],
    [{ value: "x", at: "/a", token: true }],
    [{ value: "x", at: ["/a"] }],
    [{ value: "\ud800", token: true }],
    [{ value: "x".repeat(65_537), token: true }],
    [{ value: "x", at: "x".repeat(1_025) }],
  ])("of something else is refused and costs nothing: %#", (told) => {
    expect(() => lookup.lookUp(told, by)).toThrowError(
      expect.objectContaining({ code: "REQUEST_INVALID" }),
    )
    expect(recorded).toEqual([])
  })
})
