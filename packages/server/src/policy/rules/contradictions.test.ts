import { describe, expect, test } from "vitest"
import { adapters, parsePolicy } from "./index.ts"

const rules = (...items: string[]) =>
  `rules:\n${items.map((item, index) => `  - { name: r${index}, ${item} }\n`).join("")}`
const transforms = (...items: string[]) =>
  `rules:\n  - name: a\n    level: full\n    transforms:\n${items.map((item) => `      - { ${item} }\n`).join("")}`

describe("a rule that can never be reached is refused", () => {
  const behind = "rules[1]: is never reached: r0 stands before it and takes all of its events"
  test.each([
    ["", "action: a"],
    ["source: '*'", "action: a"],
    [`adapter: [${adapters.join(", ")}]`, ""],
    ["outcome: [success, failure, denied, error, unknown]", "tenant: x"],
    ["action: a.*", "action: [a.b, a.c*]"],
    ["action: [a, b]", "action: b, tenant: x"],
    ["class: [read, change]", "class: read"],
    ["actor: 'user:*'", "actor: ['user:alice', 'user:b*']"],
    ["target: '*:*'", "target: 'pod:x'"],
    ["size: { min: 10 }", "size: { min: 20, max: 30 }"],
    ["size: { max: 30 }", "size: { max: 30 }"],
    ["size: { min: 0 }", "tenant: x"],
  ])("{ %s } before { %s }", (first, second) => {
    const text = rules(`match: { ${first} }, level: full`, `match: { ${second} }, level: metadata`)
    expect(() => parsePolicy(text)).toThrow(`line 3: ${behind}`)
  })

  test.each([
    ["tenant: '*'", ""],
    ["op: '*'", "tenant: x"],
    ["action: a.b", "action: a.*"],
    ["action: a.*", "action: a"],
    ["class: read", "class: [read, change]"],
    ["class: read", "action: a.get"],
    ["actor: 'user:alice'", "actor: 'user:*'"],
    ["actor: 'user:*'", "target: 'user:*'"],
    ["size: { min: 10 }", "size: { max: 30 }"],
    ["action: a, tenant: x", "action: a"],
  ])("{ %s } leaves something to { %s }", (first, second) => {
    const text = rules(`match: { ${first} }, level: full`, `match: { ${second} }, level: metadata`)
    expect(parsePolicy(text).rules).toHaveLength(2)
  })
})

describe("a policy that contradicts itself is refused", () => {
  test.each([
    [
      "rules:\n  - { name: a, match: { tenant: x }, level: full }\n  - { name: a, level: full }\n",
      "line 3: rules[1].name: a stands twice",
    ],
    [rules("level: drop, sample: 0.5"), "rules[0].sample: is for what is kept"],
    [rules("level: drop, deduplicate: 5"), "rules[0].deduplicate: is for what is kept"],
    [
      rules("level: drop, transforms: [{ at: /data/x, do: hmac }]"),
      "rules[0].transforms: are for what is kept",
    ],
    [rules("match: { class: key }, level: drop"), "rules[0].level: a mandatory class is never"],
    [rules("match: { outcome: denied }, level: drop"), "rules[0].level: a mandatory class"],
    [
      rules("match: { action: [user.login, 'secret.*'] }, level: full, sample: 0.5"),
      "rules[0].sample: is never done to a mandatory class",
    ],
    [
      rules("match: { class: [delete, unknown] }, level: full, deduplicate: 5"),
      "rules[0].deduplicate: is never done to a mandatory class",
    ],
    [rules("match: { class: log }, level: metadata"), "rules[0].match: takes only the log's own"],
    [rules("match: { action: postern.* }, level: full"), "rules[0].match: takes only the log's"],
    [
      transforms("at: /data/a, do: hmac", "at: /data/a, do: redact"),
      "line 6: rules[0].transforms[1].at: do: hmac of /data/a stands before it and takes the same",
    ],
    [
      transforms("at: /data/**/token, do: redact", "at: /data/session/token/kind, do: keep"),
      "transforms[1].at: do: redact of /data/**/token stands before it and takes the same: put what is to be kept first",
    ],
    [
      transforms("at: '/data/*', do: keep", "at: /data/**/token, do: redact"),
      "transforms[1].at: do: keep of /data/* stands before it",
    ],
    [
      transforms("at: /data/person, do: personal, subject: /data/person/id"),
      "transforms[0].at: takes the subject /data/person/id away with it",
    ],
    [
      transforms("at: '/data/*', do: personal, subject: /data/person/id"),
      "transforms[0].at: takes the subject /data/person/id away with it",
    ],
    [
      `${rules("level: full")}classes: { read: [user.login] }\n`,
      "classes.read[0]: is of the mandatory class authentication",
    ],
    [
      `${rules("level: full")}classes: { system: ["k8s.secrets.*"] }\n`,
      "classes.system[0]: is of the mandatory class key",
    ],
    [
      `${rules("level: full")}classes: { read: ["page.*"], change: [page.turn] }\n`,
      "classes.change[0]: read has page.* already",
    ],
    [
      `${rules("level: full")}detect: { patterns: [{ name: p, pattern: x, do: mark }, { name: p, pattern: y, do: mark }] }\n`,
      "detect.patterns[1].name: p stands twice",
    ],
    [
      `${rules("level: full")}detect: { allow: ["/data/*", /data/x] }\n`,
      "detect.allow[1]: /data/* allows this already",
    ],
  ])("%j", (text, message) => {
    expect(() => parsePolicy(text)).toThrow(message)
    expect(() => parsePolicy(text)).toThrow(expect.objectContaining({ code: "POLICY_INVALID" }))
  })

  test.each([
    transforms("at: /data/session/token, do: keep", "at: /data/**/token, do: redact"),
    transforms("at: /actor/id, do: personal", "at: /actor/name, do: personal"),
    transforms("at: /data/mail, do: personal, subject: /data/mail"),
    transforms("at: /data/person/name, do: personal, subject: /data/person/id"),
    rules("match: { class: [key, read] }, level: drop"),
    rules("match: { action: ['secret*'] }, level: drop"),
    `${rules("level: full")}classes: { read: ["keyboard.*", "delete*"] }\n`,
  ])("but not %j", (text) => {
    expect(parsePolicy(text).rules).toHaveLength(1)
  })
})
