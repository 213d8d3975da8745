import { formatHex, sha256 } from "@postern/log/base"
import { describe, expect, test } from "vitest"
import { anyDepth, anyOne, keepEverything, parsePolicy, startingPolicy } from "./index.ts"

const one = (rule: string) => `rules:\n  - name: a\n    level: full\n    ${rule}\n`
const transforms = (...items: string[]) =>
  one(`transforms:\n${items.map((item) => `      - { ${item} }\n`).join("")}`)
const rules = (...items: string[]) =>
  `rules:\n${items.map((item, index) => `  - { name: r${index}, ${item} }\n`).join("")}`

describe("policy.yaml", () => {
  test("of a new installation keeps Kubernetes at metadata, all else whole, and hides secrets", () => {
    const policy = parsePolicy(startingPolicy())
    expect(policy.rules).toMatchObject([
      { name: "kubernetes", match: { adapter: ["kubernetes"] }, level: "metadata" },
      { name: "kubernetes-elsewhere", match: { action: ["k8s.*"] }, level: "metadata" },
      { name: "applications", match: {}, level: "full" },
    ])
    const others = { cards: "off", accounts: "off", contacts: "off", addresses: "off" }
    const groups = { secrets: "hmac", entropy: "off", ...others }
    expect(policy.detect).toEqual({ groups, packs: ["kubernetes"], patterns: [], allow: [] })
    expect(policy.digest).toBe(formatHex(sha256(new TextEncoder().encode(startingPolicy()))))
  })

  test("of a new installation has examples that can be switched on", () => {
    const on = startingPolicy().replace(/^( *)# (?=- | {2}|\w+:)/gm, "$1")
    const policy = parsePolicy(on)
    expect(policy.rules.map(({ name }) => name)).toEqual([
      ...["kubernetes", "kubernetes-elsewhere", "heartbeats", "catalogue-reads", "billing"],
      "applications",
    ])
    expect(policy.classes.read).toEqual(["report.rendered", "page.*"])
    expect(policy.detect?.patterns).toEqual([
      { name: "staff-number", pattern: "\\bSN-[0-9]{6}\\b", do: "hmac" },
    ])
  })

  test("has values and lists of them as lists, pointers as steps, and the subject that is not said", () => {
    const text = one(
      `match: { source: app, action: [a.*, b], size: { min: 5 } }
    sample: 0.5
    deduplicate: 60
    transforms:
      - { at: /data/a~1b/~0, do: keep }
      - { at: "/data/*/x", do: truncate, bytes: 16 }
      - { at: /data/**/x, do: personal }
      - { at: /labels/x, do: personal, subject: /targets/0/id }`,
    )
    const [rule] = parsePolicy(text).rules
    expect(rule).toEqual({
      name: "a",
      match: { source: ["app"], action: ["a.*", "b"], size: { min: 5 } },
      level: "full",
      sample: 0.5,
      deduplicateSeconds: 60,
      transforms: [
        { at: ["data", "a/b", "~"], do: "keep" },
        { at: ["data", anyOne, "x"], do: "truncate", bytes: 16 },
        { at: ["data", anyDepth, "x"], do: "personal", subject: ["actor", "id"] },
        { at: ["labels", "x"], do: "personal", subject: ["targets", "0", "id"] },
      ],
    })
  })

  test("that is not there keeps everything, and has the digest of the empty text", () => {
    const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    expect(keepEverything).toMatchObject({ digest: empty, unmatched: "full", rules: [] })
    expect(parsePolicy("")).toBe(keepEverything)
    expect(parsePolicy(one("")).unmatched).toBe("metadata")
  })

  test("with detect alone in its place hides secrets", () => {
    expect(parsePolicy(`${one("")}detect: {}\n`).detect?.groups.secrets).toBe("hmac")
    expect(parsePolicy(one("")).detect).toBeUndefined()
  })
})

describe("a policy that is not understood is refused as a whole, with line and field", () => {
  const detect = (text: string) => `${one("")}detect: { ${text} }\n`
  test.each([
    ["\n", "line 1: the document: must be a mapping"],
    ["detect: {}\n", "line 1: rules: is missing"],
    ["rules: []\n", "line 1: rules: must hold at least one rule"],
    [one("sampel: 0.1"), "line 4: rules[0].sampel: unknown key"],
    [one("match: { actions: x }"), "line 4: rules[0].match.actions: unknown key"],
    ["rules:\n  - name: A\n    level: full\n", "line 2: rules[0].name: must be made of a-z"],
    ["rules:\n  - name: a\n    level: all\n", "line 3: rules[0].level: must be one of full,"],
    ["rules:\n  - name: a\n", "line 2: rules[0].level: is missing"],
    [one("match: { class: [read, king] }"), "rules[0].match.class[1]: must be one of log,"],
    [one("match: { adapter: ftp }"), "rules[0].match.adapter: must be one of postern,"],
    [one("match: { outcome: [] }"), "rules[0].match.outcome: must name 1 to 1000"],
    [
      one("match:\n      action:\n        - ok\n        - 5"),
      "line 7: rules[0].match.action[1]: must be text",
    ],
    [one("match: { action: A.b }"), "rules[0].match.action: must be made of a-z"],
    [one('match: { source: "a*b" }'), "rules[0].match.source: may hold * at its end only"],
    [one('match: { tenant: "" }'), "rules[0].match.tenant: must not be empty"],
    [one("match: { actor: alice }"), "rules[0].match.actor: must be TYPE:ID"],
    [one('match: { actor: "user:" }'), "rules[0].match.actor: needs something on either side"],
    [one('match: { target: ["*:a*b"] }'), "rules[0].match.target[0]: must be TYPE:ID"],
    [one("match: { size: {} }"), "rules[0].match.size: needs min, max or both"],
    [one("match: { size: { min: 2, max: 1 } }"), "rules[0].match.size: min is above max"],
    [one("match: { size: { min: -1 } }"), "rules[0].match.size.min: must not be negative"],
    [one("sample: 0"), "line 4: rules[0].sample: must be above 0"],
    [one("sample: 1"), "line 4: rules[0].sample: must be below 1"],
    [one("sample: .nan"), "line 4: rules[0].sample: must be a number"],
    [one("deduplicate: 3601"), "rules[0].deduplicate: must be at most 3600"],
    [one("deduplicate: 1.5"), "rules[0].deduplicate: "],
    [transforms("at: data/x, do: hmac"), "line 5: rules[0].transforms[0].at: must begin with /"],
    [transforms("at: /id, do: hmac"), "transforms[0].at: must begin with one of /actor"],
    [transforms("at: /time/x, do: hmac"), "transforms[0].at: must begin with one of /actor"],
    [transforms('at: "/*/x", do: hmac'), "transforms[0].at: must begin with one of /actor"],
    [transforms("at: /**/x, do: hmac"), "transforms[0].at: must begin with one of /actor"],
    [transforms("at: /actor, do: hmac"), "transforms[0].at: must name something inside"],
    [transforms("at: /targets, do: redact"), "transforms[0].at: must name something inside"],
    [transforms("at: /data/~2, do: hmac"), "transforms[0].at: has a ~ that is neither ~0"],
    [transforms("at: /data/**, do: hmac"), "transforms[0].at: must not end with **"],
    [transforms('at: "/data/**/*", do: hmac'), "transforms[0].at: must have a name right after **"],
    [transforms("at: /data/**/**/x, do: hmac"), "must have a name right after **"],
    [transforms('at: "/data/*/**/x/*/*/*", do: hmac'), "has more than 2 * behind a **"],
    [transforms('at: "/data/**/x/*/**/y/*/z/*", do: hmac'), "has more than 2 * behind a **"],
    [transforms(`at: ${"/data".repeat(33)}, do: hmac`), "transforms[0].at: is deeper than 32"],
    [transforms("at: /data/x, do: encrypt"), "transforms[0].do: must be one of keep,"],
    [transforms("at: /data/x, do: truncate"), "transforms[0].bytes: is missing"],
    [transforms("at: /data/x, do: truncate, bytes: 15"), "transforms[0].bytes: must be at least"],
    [transforms("at: /data/x, do: hmac, bytes: 16"), "transforms[0].bytes: is for do: truncate"],
    [transforms("at: /data/x, do: hmac, subject: /actor/id"), "subject: is for do: personal only"],
    [
      transforms('at: /data/x, do: personal, subject: "/targets/*/id"'),
      "transforms[0].subject: must name one place",
    ],
    [detect("secrets: truncate"), "detect.secrets: must be one of off, mark, hmac, redact"],
    [detect("addresses: hmac"), "detect.addresses: must be one of off, mark, truncate, redact"],
    [detect("packs: [sql, sql]"), "detect.packs: names one twice"],
    [detect("packs: [oracle]"), "detect.packs[0]: must be one of kubernetes,"],
    [detect("patterns: [{ name: p, pattern: x, do: drop }]"), "detect.patterns[0].do: must be"],
    [detect("patterns: [{ name: p, pattern: (?=x), do: mark }]"), "detect.patterns[0].pattern: "],
    [detect("patterns: [{ name: p, pattern: x*, do: mark }]"), "pattern: matches the empty text"],
    [detect("allow: [/data]"), "detect.allow[0]: must name something inside"],
    [`${one("")}classes: { delete: [a.b] }\n`, "line 5: classes.delete: unknown key"],
    [`${one("")}classes: { read: ["a*b"] }\n`, "classes.read[0]: must be made of a-z"],
  ])("%j", (text, message) => {
    expect(() => parsePolicy(text)).toThrow(message)
    expect(() => parsePolicy(text)).toThrow(expect.objectContaining({ code: "POLICY_INVALID" }))
  })

  test("with too much of anything", () => {
    const many = (count: number, item: (index: number) => string) =>
      Array.from({ length: count }, (_, index) => item(index))
    const manyRules = rules(...many(501, (index) => `match: { tenant: t${index} }, level: full`))
    expect(() => parsePolicy(manyRules)).toThrow("rules: must hold at most 500")
    const manyTransforms = transforms(...many(65, (index) => `at: /data/x${index}, do: hmac`))
    expect(() => parsePolicy(manyTransforms)).toThrow("transforms: must hold at most 64")
    const deep = (count: number) =>
      transforms(...many(count, (index) => `at: "/data/*/*/*/**/x${index}/*/*", do: hmac`))
    expect(parsePolicy(deep(16)).rules[0]?.transforms).toHaveLength(16)
    expect(() => parsePolicy(deep(17))).toThrow(
      "rules[0].transforms: has 17 pointers with **, at most 16",
    )
    const allow = many(17, (index) => `/data/**/x${index}`).join()
    expect(() => parsePolicy(`${one("")}detect: { allow: [${allow}] }\n`)).toThrow(
      "detect.allow: has 17 pointers with **, at most 16",
    )
    const values = many(1001, (index) => `t${index}`).join()
    expect(() => parsePolicy(one(`match: { tenant: [${values}] }`))).toThrow("must name 1 to 1000")
    expect(() => parsePolicy(`# ${"x".repeat(262_144)}`)).toThrow("longer than 262144 characters")
  })
})

describe("hostile YAML is refused", () => {
  test.each([
    ["an alias", "rules:\n  - &a { name: a, level: full }\n  - *a\n", "line 3: aliases"],
    ["a circle", "rules: &a\n  - *a\n", "line 2: aliases"],
    ["a merge key", "rules:\n  - { <<: { name: a }, level: full }\n", "rules[0].<<: unknown key"],
    ["a key that stands twice", "rules: []\nrules: []\n", "line 2: Map keys must be unique"],
    ["two documents", `${one("")}---\n${one("")}`, "line 5: Source contains multiple documents"],
    ["a tag", 'rules: !!js/function "x"\n', "line 1: "],
    ["deep nesting", `rules: ${"[".repeat(20_000)}`, "line 1: "],
    ["a prototype", `${one("")}__proto__: {}\n`, "__proto__: unknown key"],
    ["a prototype in conditions", one("match: { __proto__: {} }"), "__proto__: unknown key"],
  ])("%s", (_, text, message) => {
    expect(() => parsePolicy(text)).toThrow(message)
  })

  test("and does not hold anybody up", () => {
    const list = Array.from({ length: 40 }, (_, index) => `s${index}*`).join()
    const items = Array.from(
      { length: 500 },
      (_, index) => `match: { source: [${list}], tenant: t${index} }, level: full`,
    )
    expect(parsePolicy(rules(...items)).rules).toHaveLength(500)
  })
})
