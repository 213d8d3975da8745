import { encodeNeedles } from "@postern/log/core"
import { expect, test } from "vitest"
import { keepEverything, type Policy, parsePolicy, type Transform } from "../rules/index.ts"
import { openSieve } from "./index.ts"
import { needleOf } from "./needles.ts"
import { world } from "./oracle.test.support.ts"
import { makeDecision, off, pointer } from "./policies.test.support.ts"

const none = { shortLived: new Set<string>() }

test.each([
  ["/data/password", '"password"'],
  ["/data/*/a", '"a"'],
  ["/data/user/mail", '"user"'],
  ["/data/0/id", '"id"'],
  ["/data/0", '"data"'],
  ["/data/*", '"data"'],
  ["/data/", '""'],
  ["/data/application~1json", 'json"'.length > '"application'.length ? 'json"' : '"application'],
  ["/data/~1", '"data"'],
  ["/data/é", '"data"'],
  ["/data/straße", '"stra'],
  [`/data/${"x".repeat(50)}`, `"${"x".repeat(31)}`],
])("of %s an event must hold %s", (at, needle) => {
  expect(needleOf(pointer(at))).toBe(needle)
})

test("a policy that keeps everything needs to look at nothing", () => {
  const sieve = openSieve(keepEverything, world, none)
  const { decision } = makeDecision("full", [{ at: pointer("/data/a"), do: "keep" }])
  expect(sieve.need(decision, "http")).toBe(0)
  expect(sieve.mentionBytesMax).toBe(Number.POSITIVE_INFINITY)
  expect(sieve.beyondAscii).toBe(false)
})

function needOf(level: "full" | "metadata", transforms: Transform[], detect?: Policy["detect"]) {
  const { policy, decision } = makeDecision(level, transforms)
  const sieve = openSieve({ ...policy, detect }, world, none)
  return { sieve, decision, need: sieve.need(decision, "http") }
}

const secrets = { ...off, groups: { ...off.groups, secrets: "hmac" as const } }
const cards = { ...off, groups: { ...off.groups, cards: "hmac" as const } }

test("the core takes what is to be looked for, whatever the policy", () => {
  const packs = ["kubernetes", "vault", "sql", "http"] as const
  const { policy, decision } = makeDecision("metadata", [
    { at: pointer("/data/password"), do: "hmac" },
  ])
  const sieve = openSieve({ ...policy, detect: { ...secrets, packs } }, world, none)
  expect(() => encodeNeedles(sieve.needles)).not.toThrow()
  expect(sieve.needles.length).toBeLessThan(500)
  expect(sieve.need(decision, "http")).not.toBe("always")
  const keys = sieve.needles.map(({ text, anyCase, group }) => `${group} ${anyCase} ${text}`)
  expect(new Set(keys).size).toBe(keys.length)
})

test("what is looked for depends on the decision", () => {
  const hmac: Transform = { at: pointer("/data/password"), do: "hmac" }
  expect(needOf("full", []).need).toBe(0)
  const { need, sieve } = needOf("full", [hmac])
  const groups = sieve.needles
    .filter(({ text }) => ['"password"', "\\u"].includes(text))
    .map(({ group }) => 1 << group)
  expect(need).toBe(groups.reduce((mask, bit) => mask | bit, 0))
  expect(needOf("full", [], secrets).need).toBe((1 << 7) | (1 << 6))
  expect(needOf("full", [], cards).need).toBe("always")
  expect(needOf("full", [], secrets).sieve.mentionBytesMax).toBe(8_192)
  expect(needOf("full", [], secrets).sieve.beyondAscii).toBe(true)
})

test("of what a level takes only what can stand in such an event counts", () => {
  const { sieve, decision, need } = needOf("metadata", [])
  const bitsOf = (...texts: string[]) =>
    sieve.needles
      .filter(({ text }) => texts.includes(text))
      .reduce((mask, { group }) => mask | (1 << group), 0)
  expect(need).toBe(bitsOf('"response"', '"request"', '"changes"', '"labels"', '"data"'))
  expect(sieve.need(decision, "kubernetes")).toBe(
    bitsOf('"requestObject"', '"responseObject"', "\\u"),
  )
})

test("a class that goes sooner is always looked at, the log's own never", () => {
  const { policy, decision } = makeDecision("full", [])
  const sieve = openSieve({ ...policy, detect: cards }, world, { shortLived: new Set(["read"]) })
  expect(sieve.need(decision, "http")).toBe("always")
  expect(sieve.need({ ...decision, class: "log" }, "http")).toBe(0)
  expect(sieve.need({ ...decision, level: "drop" }, "http")).toBe(0)
})

test("a policy with more names than can be looked for has the rest looked at always", () => {
  const rules = Array.from({ length: 60 }, (_, rule) => {
    const transforms = Array.from(
      { length: 10 },
      (_, at) => `{at: /data/name-${rule}-${at}, do: redact}`,
    )
    return `- {name: r${rule}, level: full, match: {action: a${rule}}, transforms: [${transforms}]}`
  })
  const policy = parsePolicy(`rules:\n${rules.join("\n")}\n`)
  const sieve = openSieve(policy, world, none)
  expect(sieve.needles.length).toBeLessThanOrEqual(512)
  expect(() => encodeNeedles(sieve.needles)).not.toThrow()
  const { decision } = makeDecision("full", [])
  const needs = policy.rules.map(({ transforms }) =>
    sieve.need({ ...decision, transforms }, "http"),
  )
  expect(needs.filter((need) => need === "always").length).toBeGreaterThan(5)
  expect(needs.filter((need) => need !== "always").length).toBeGreaterThan(40)
})
