import { describe, expect, test } from "vitest"
import { parsePolicy } from "../../policy/rules/index.ts"
import { openTrial, readEventText } from "./index.ts"

const start = { id: "1", time: "2026-01-01T00:00:00Z", source: "app", action: "a.view" }
const actor = { outcome: "success", actor: { type: "user", id: "alice@x" }, targets: [] }

/** What a policy of this one rule leaves over of what it hides. */
function leftOver(rule: string, members: object, more = "") {
  const policy = parsePolicy(`rules: [{ name: r, ${rule} }]\n${more}`)
  const event = readEventText(JSON.stringify({ ...start, ...actor, ...members }))
  return openTrial(policy).try("w", "postern", event).leftOver
}

const hashed = "level: full, transforms: [{ at: /actor/id, do: hmac }]"
const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64")

describe("what a policy hid still stands", () => {
  test.each<[string, object, string]>([
    ["in a text of its own", { data: { "a/b": ["x", "alice@x"] } }, "/data/a~1b/1"],
    ["in a longer text", { data: { line: "login of alice@x" } }, "/data/line"],
    ["in a record that is no text", { data: { bytes: base64("\xffalice@x") } }, "/data/bytes"],
    ["outside of where pointers lead", { tenant: "alice@x" }, "/tenant"],
  ])("%s", (_, members, stands) => {
    expect(leftOver(hashed, members)).toEqual([{ hidden: "/actor/id", stands }])
  })

  test.each([
    ["redact", [{ hidden: "/data/in/a", stands: "/data/b" }]],
    ["tokenise", [{ hidden: "/data/in/a", stands: "/data/b" }]],
    ["personal", [{ hidden: "/data/in/a", stands: "/data/b" }]],
    ["keep", []],
  ])("whatever was done: %s", (what, expected) => {
    const rule = `level: full, transforms: [{ at: /data/in, do: ${what} }]`
    expect(
      leftOver(rule, { data: { in: { a: "secret-1", n: 1234567 }, b: "secret-1", n: 1234567 } }),
    ).toEqual(expected)
  })

  test("where a detector hid it", () => {
    const data = { password: "hunter2", note: "it is hunter2" }
    expect(leftOver("level: full", { data }, "detect: { secrets: hmac }\n")).toEqual([
      { hidden: "/data/password", stands: "/data/note" },
    ])
    expect(leftOver("level: full", { data }, "detect: { secrets: mark }\n")).toEqual([])
  })
})

describe("nothing is said", () => {
  test("of a text of less than six bytes", () => {
    const of = (id: string) => leftOver(hashed, { actor: { type: "user", id }, data: { a: id } })
    expect(of("alice")).toEqual([])
    expect(of("álice")).toHaveLength(1)
  })

  test("of what leaves with its member", () => {
    const data = { mail: "alice@x" }
    expect(leftOver("level: metadata", { data })).toEqual([])
    const labels = { mail: "bob@example" }
    const rule = "level: metadata, transforms: [{ at: /actor/id, do: hmac }]"
    expect(leftOver(rule, { data, labels, tenant: "bob@example" })).toEqual([])
  })

  test("where what was hidden stands nowhere else", () => {
    expect(leftOver(hashed, { data: { line: "login of bob@x" } })).toEqual([])
  })
})
