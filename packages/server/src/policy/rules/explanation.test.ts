import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { decide, explainDecision, type Named, parsePolicy, type Seen } from "./index.ts"

const named: Named = {
  writer: "spiffe://a/writer/app",
  adapter: "http",
  source: "app://billing",
  action: "invoice.view",
  outcome: "success",
}
const seen: Seen = {
  size: 300,
  text: (member) => (member === "tenant" ? "acme" : undefined),
  actor: () => ({ type: "user", id: "alice" }),
  targets: () => [
    { type: "invoice", id: "1" },
    { type: "invoice", id: undefined },
  ],
}

const policyOf = (...matches: string[]) =>
  parsePolicy(
    `rules:\n${matches.map((match, at) => `  - { name: r${at}, match: ${match}, level: full }\n`).join("")}`,
  )

describe("an explanation", () => {
  test.each([
    ["{ writer: spiffe://a/writer/db }", "writer", "spiffe://a/writer/db", named.writer],
    ["{ adapter: [kubernetes, postern] }", "adapter", "kubernetes, postern", "http"],
    ["{ source: app://shop* }", "source", "app://shop*", "app://billing"],
    ["{ action: user.* }", "action", "user.*", "invoice.view"],
    ["{ outcome: denied }", "outcome", "denied", "success"],
    ["{ class: [change, delete] }", "class", "change, delete", "read"],
    ["{ category: x }", "category", "x", undefined],
    ["{ tenant: initech }", "tenant", "initech", "acme"],
    ['{ actor: "service:*" }', "actor", "service:*", "user:alice"],
    ['{ target: "user:*" }', "target", "user:*", "invoice:1, invoice:"],
    ["{ size: { min: 301 } }", "size", "301 bytes or more", "300 bytes"],
    ["{ size: { max: 299 } }", "size", "at most 299 bytes", "300 bytes"],
    ["{ size: { min: 1, max: 299 } }", "size", "1 to 299 bytes", "300 bytes"],
  ])("names the condition that is not met: %s", (match, condition, wanted, is) => {
    const policy = policyOf(match, "{ source: app://* }")
    const { decision, passed } = explainDecision(policy, named, seen)
    expect(decision.rule?.name).toBe("r1")
    expect(passed).toEqual([{ rule: policy.rules[0], misses: [{ condition, wanted, is }] }])
  })

  test("names every condition that is not met, and no other", () => {
    const policy = policyOf("{ source: app://billing, action: x.y, outcome: denied }")
    const { decision, passed } = explainDecision(policy, named, seen)
    expect(decision.rule).toBeUndefined()
    expect(passed[0]?.misses.map(({ condition }) => condition)).toEqual(["outcome", "action"])
  })

  test("asks no rule about the log's own entries", () => {
    const own = { ...named, action: "postern.started" }
    expect(explainDecision(policyOf("{ outcome: denied }"), own, seen)).toMatchObject({
      decision: { class: "log", level: "full" },
      passed: [],
    })
  })

  test("decides as decide() does, and finds something wrong with each rule before", () => {
    const match = fc.constantFrom(
      ...["{ class: read }", "{ outcome: [success, denied] }", "{ tenant: ac* }", "{ tenant: b }"],
      ...["{ size: { max: 300 } }", "{ writer: x, size: { min: 5 } }", '{ actor: "user:*" }'],
      ...["{ adapter: postern }", "{ action: invoice.*, source: app://b }", '{ target: "*:2" }'],
    )
    fc.assert(
      fc.property(fc.uniqueArray(match, { minLength: 1, maxLength: 8 }), (matches) => {
        const policy = policyOf(...matches)
        const { decision, passed } = explainDecision(policy, named, seen)
        expect(decision).toBe(decide(policy, named, seen))
        const taken =
          decision.rule === undefined ? matches.length : policy.rules.indexOf(decision.rule)
        expect(passed.map(({ rule }) => rule)).toEqual(policy.rules.slice(0, taken))
        expect(passed.every(({ misses }) => misses.length > 0)).toBe(true)
      }),
    )
  })
})
