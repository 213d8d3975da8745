import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { decide, decideByName, type Named, type Policy, parsePolicy, type Seen } from "./index.ts"
import { type AnEvent, events, policies, rulesText, seenOf } from "./policies.test.support.ts"

const named: Named = {
  ...{ writer: "spiffe://x/w", adapter: "http", source: "app", action: "order.get" },
  outcome: "success",
}
const seen: Seen = seenOf({})

function ruleOf(match: string, event: Partial<Named> & Parameters<typeof seenOf>[0]): string {
  const policy = parsePolicy(`rules: [{ name: yes, match: { ${match} }, level: full }]`)
  return decide(policy, { ...named, ...event }, seenOf(event)).rule?.name ?? "no"
}

describe("a condition", () => {
  test.each([
    ["writer: 'spiffe://x/*'", {}, "yes"],
    ["writer: 'spiffe://y/*'", {}, "no"],
    ["writer: '*'", { writer: "" }, "yes"],
    ["source: [x, app]", {}, "yes"],
    ["source: APP", {}, "no"],
    ["action: order.*", {}, "yes"],
    ["action: order.", {}, "no"],
    ["action: order.get", { action: "order.get.all" }, "no"],
    ["adapter: http", {}, "yes"],
    ["adapter: [postern, kubernetes]", {}, "no"],
    ["outcome: [failure, success]", {}, "yes"],
    ["outcome: failure", {}, "no"],
    ["outcome: unknown", { outcome: "odd" }, "no"],
    ["adapter: http", { outcome: "odd" }, "yes"],
    ["class: read", {}, "yes"],
    ["class: [change, denial]", { outcome: "denied" }, "yes"],
    ["class: read", { outcome: "denied" }, "no"],
    ["source: app, action: order.put", {}, "no"],
    ["category: iam", { category: "iam" }, "yes"],
    ["category: iam", { op: "iam" }, "no"],
    ["category: iam", {}, "no"],
    ["op: '*'", {}, "no"],
    ["op: '*'", { op: "" }, "yes"],
    ["severity: [low, h*]", { severity: "high" }, "yes"],
    ["tenant: a", { tenant: "a*" }, "no"],
    ["tenant: é", { tenant: "e\u0301" }, "no"],
    ["size: { min: 5 }", { size: 5 }, "yes"],
    ["size: { min: 5 }", { size: 4 }, "no"],
    ["size: { max: 5 }", { size: 5 }, "yes"],
    ["size: { max: 5 }", { size: 6 }, "no"],
    ["actor: 'user:alice'", { actor: { type: "user", id: "alice" } }, "yes"],
    ["actor: 'user:*'", { actor: { type: "user", id: "alice" } }, "yes"],
    ["actor: 'us*:al*'", { actor: { type: "user", id: "alice" } }, "yes"],
    ["actor: 'user:alice'", { actor: { type: "service", id: "alice" } }, "no"],
    ["actor: 'user:a:b'", { actor: { type: "user", id: "a:b" } }, "yes"],
    ["actor: '*:*'", { actor: { type: "user", id: undefined } }, "no"],
    ["actor: '*:*'", {}, "no"],
    [
      "target: 'pod:b'",
      {
        targets: [
          { type: "pod", id: "a" },
          { type: "pod", id: "b" },
        ],
      },
      "yes",
    ],
    [
      "target: 'pod:b'",
      {
        targets: [
          { type: "pod", id: "a" },
          { type: "vm", id: "b" },
        ],
      },
      "no",
    ],
    ["target: '*:*'", {}, "no"],
    ["actor: 'user:a', size: { max: 1 }", { actor: { type: "user", id: "a" }, size: 2 }, "no"],
  ] as const)("{ %s } of %j: %s", (match, event, expected) => {
    expect(ruleOf(match, event)).toBe(expected)
  })
})

describe("a decision", () => {
  const policy = parsePolicy(
    rulesText(
      "match: { tenant: t }, level: full",
      "match: { action: [order.*, user.*] }, level: drop",
      "match: { action: [cart.*, login.*] }, level: request, sample: 0.5, deduplicate: 9",
    ),
  )

  test("is that of the first rule that matches, and of none the level metadata", () => {
    expect(decide(policy, named, seenOf({ tenant: "t" })).rule?.name).toBe("r0")
    expect(decide(policy, named, seen)).toMatchObject({ level: "drop", class: "read" })
    const other = decide(policy, { ...named, action: "x.get" }, seen)
    expect(other).toMatchObject({ rule: undefined, level: "metadata", transforms: [] })
  })

  test("never drops, samples or deduplicates a mandatory class", () => {
    const login = decide(policy, { ...named, action: "user.login" }, seen)
    expect(login).toMatchObject({ level: "metadata", class: "authentication", mandatory: true })
    expect(login.rule?.name).toBe("r1")
    const none = { sample: undefined, deduplicateSeconds: undefined }
    expect(decide(policy, { ...named, action: "cart.key" }, seen)).toMatchObject(none)
    const some = { level: "request", sample: 0.5, deduplicateSeconds: 9, mandatory: false }
    expect(decide(policy, { ...named, action: "cart.get" }, seen)).toMatchObject(some)
  })

  test("about the log's own entries is always to keep them whole", () => {
    const all = parsePolicy("rules: [{ name: a, level: drop }]\ndetect: {}\n")
    const whole = { rule: undefined, level: "full", class: "log", transforms: [] }
    expect(decide(all, { ...named, action: "postern.read" }, seen)).toMatchObject(whole)
    expect(decideByName(all, { ...named, action: "postern.read" })).toMatchObject(whole)
  })

  test("is one object for one rule and class", () => {
    const first = decide(policy, { ...named, action: "cart.get" }, seen)
    expect(decide(policy, { ...named, action: "cart.view", writer: "w" }, seen)).toBe(first)
    expect(decide(policy, { ...named, action: "cart.write" }, seen)).not.toBe(first)
  })

  test("is not made by name where a rule that may come first asks for more", () => {
    expect(decideByName(policy, named)).toBeUndefined()
    const later = parsePolicy(
      rulesText("match: { action: order.* }, level: full", "match: { tenant: t }, level: drop"),
    )
    expect(decideByName(later, named)?.rule?.name).toBe("r0")
    expect(decideByName(later, { ...named, action: "cart.get" })).toBeUndefined()
  })

  test("asks the event for nothing that no rule needs", () => {
    const silent: Seen = {
      get size(): number {
        throw new Error("asked for the size")
      },
      text: () => expect.fail("asked for a text"),
      actor: () => expect.fail("asked for the actor"),
      targets: () => expect.fail("asked for the targets"),
    }
    const text = rulesText("match: { source: other, tenant: t }, level: drop", "level: full")
    expect(decide(parsePolicy(text), named, silent).rule?.name).toBe("r1")
  })

  test("is right for the 32nd, 33rd and 500th rule, and after thousands of other names", () => {
    const items = Array.from({ length: 500 }, (_, at) => `match: { source: s${at} }, level: full`)
    const many = parsePolicy(rulesText(...items))
    for (let at = 0; at < 5_000; at++)
      expect(decideByName(many, { ...named, source: `o${at}` })?.rule).toBeUndefined()
    for (const at of [0, 31, 32, 33, 63, 64, 499])
      expect(decideByName(many, { ...named, source: `s${at}` })?.rule?.name).toBe(`r${at}`)
  })
})

describe("whatever the policy and the event", () => {
  const check = (holds: (policy: Policy, event: AnEvent) => void): void =>
    fc.assert(
      fc.property(policies(), events, (policy, event) => holds(policy, event)),
      { numRuns: 500 },
    )

  test("the names alone decide as the whole event does, where they decide", () => {
    let decided = 0
    check((policy, event) => {
      const byName = decideByName(policy, event.named)
      if (byName === undefined) return
      decided += 1
      expect(byName).toBe(decide(policy, event.named, event.seen))
    })
    expect(decided).toBeGreaterThan(50)
  })

  test("the first rule decides whose conditions hold one by one", () => {
    check((policy, event) => {
      const { named, seen } = event
      const alone = policy.rules.filter(
        (rule) => decide({ ...policy, rules: [rule] }, named, seen).rule !== undefined,
      )
      expect(decide(policy, named, seen).rule).toBe(alone[0])
    })
  })

  test("a mandatory class is neither dropped nor sampled nor deduplicated, and no level widens", () => {
    const order = ["drop", "metadata", "request", "full"]
    check((policy, { named, seen }) => {
      const found = decide(policy, named, seen)
      const said = found.rule?.level ?? policy.unmatched
      const isRaised = found.mandatory && said === "drop"
      expect(found.level).toBe(isRaised ? "metadata" : said)
      if (!isRaised) expect(order.indexOf(found.level)).toBeLessThanOrEqual(order.indexOf(said))
      if (!found.mandatory) return
      const { level, sample, deduplicateSeconds } = found
      expect([level === "drop", sample, deduplicateSeconds]).toEqual([false, undefined, undefined])
    })
  })

  test("a rule at the end changes nothing that rules before it decide", () => {
    fc.assert(
      fc.property(policies(), policies(), events, (policy, other, { named, seen }) => {
        const before = decide(policy, named, seen)
        const longer = { ...policy, rules: [...policy.rules, ...other.rules] }
        const after = decide(longer, named, seen)
        if (before.rule !== undefined) expect(after).toEqual(before)
      }),
      { numRuns: 300 },
    )
  })
})
