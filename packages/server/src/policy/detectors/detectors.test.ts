import { describe, expect, test } from "vitest"
import { type DetectorSettings, openDetectors } from "./index.ts"
import { cardNumber, drawn, jwt } from "./made-up.test.support.ts"

const off: DetectorSettings["groups"] = {
  ...{ secrets: "off", cards: "off", accounts: "off" },
  ...{ contacts: "off", addresses: "off", entropy: "off" },
}
type Groups = Partial<DetectorSettings["groups"]>
type Rest = Partial<Omit<DetectorSettings, "groups">>
const open = (groups: Groups, rest: Rest = {}) =>
  openDetectors({ groups: { ...off, ...groups }, packs: [], patterns: [], ...rest })

/** The text with its hits as the sieve would replace them. */
function left(groups: Groups, text: string, rest: Rest = {}, key = "note"): string {
  const hits = open(groups, rest).look(text, key, ["data"], "string")
  if (hits.some((hit) => hit.whole && hit.do !== "mark")) return `<${hits[0]?.do}>`
  let [out, at] = ["", 0]
  for (const hit of hits.filter((one) => one.do !== "mark")) {
    expect(hit.from).toBeGreaterThanOrEqual(at)
    out += `${text.slice(at, hit.from)}${hit.replacement ?? `<${hit.do}>`}`
    at = hit.to
  }
  return out + text.slice(at)
}

describe("what goes", () => {
  test.each([
    ["postgres://app:hunter2@db/x", "postgres://app:<hmac>@db/x"],
    ["a=1&password=hunter2&b=2", "a=1&password=<hmac>&b=2"],
    ['{"apiKey": "k 1", "n": 1}', '{"apiKey": "<hmac>", "n": 1}'],
    ["Authorization: Bearer abc def", "Authorization: Bearer <hmac>"],
    ["%70assword=hunter2&b=2", "%70assword=<hmac>&b=2"],
    ["ｔｏｋｅｎ＝h\u200b1 end", "ｔｏｋｅｎ＝<hmac> end"],
  ])("of %j is the secret part alone", (text, expected) => {
    expect(left({ secrets: "hmac" }, text)).toBe(expected)
  })

  test("of a token with a header is what stands behind the header", () => {
    const [header, ...rest] = jwt(1).split(".")
    expect(left({ secrets: "hmac" }, `t ${[header, ...rest].join(".")} x`)).toBe(
      `t ${header}.<hmac> x`,
    )
  })

  test("of a text with any other secret is all of it", () => {
    expect(left({ secrets: "hmac" }, `see AKIA${drawn("upper", 16, 1)} here`)).toBe("<hmac>")
    expect(left({ cards: "redact" }, `card ${cardNumber("4", 16, 1)}`)).toBe("<redact>")
    expect(left({ secrets: "redact" }, "hunter2", {}, "password")).toBe("<redact>")
  })

  test.each([
    ["from 203.0.113.77:443", "from 203.0.113.0:443"],
    ["[2001:db8:85a3::8a2e:370:7334]:1", "[2001:db8:85a3::]:1"],
    ["2001:db8::1, 10.0.0.9", "2001:db8::, 10.0.0.0"],
    ["::ffff:192.0.2.128", "::ffff:192.0.2.0"],
    ["fe80::1", "fe80::"],
  ])("of the address in %j is what names the host", (text, expected) => {
    const once = left({ addresses: "truncate" }, text)
    expect(once).toBe(expected)
    expect(left({ addresses: "truncate" }, once)).toBe(expected)
  })

  test.each([
    ["SELECT a FROM t WHERE b = 'it''s' AND c > 5", "SELECT a FROM t WHERE b = ? AND c > ?"],
    ["insert into t1 values (1, 'x', $$y$$)", "insert into t1 values (?, ?, ?)"],
    [
      "update t set a = -1.5e3 -- why 5\nwhere b2 = 0xff",
      "update t set a = ? -- why 5\nwhere b2 = ?",
    ],
    ["select a from t where b = 'open", "select a from t where b = ?"],
  ])("of the statement %j is its literals", (text, expected) => {
    expect(left({}, text, { packs: ["sql"] })).toBe(expected)
  })
})

describe("treatments", () => {
  test("never hash a verification value or a PIN", () => {
    for (const [key, text] of [
      ["cvv", "123"],
      ["pin", "1234"],
    ] as const) {
      const [hit] = open({ secrets: "hmac" }).look(text, key, [], "number")
      expect(hit).toMatchObject({ do: "redact", whole: true })
    }
    expect(left({ secrets: "hmac" }, "pin=1234 x")).toBe("pin=<redact> x")
  })

  test("join hits in one place: the stronger one counts, and both are named", () => {
    const text = `password=${cardNumber("4", 16, 3)}`
    const [hit, ...more] = open({ secrets: "hmac", cards: "redact" }).look(text, "x", [], "string")
    expect(more).toEqual([])
    expect(hit).toMatchObject({
      name: "card-number",
      do: "redact",
      whole: true,
      also: ["key-value"],
    })
  })

  test("a mark hides nothing that is replaced", () => {
    const text = "https://u:p4ss@203.0.113.9/"
    expect(left({ secrets: "mark", addresses: "truncate" }, text)).toBe(
      "https://u:p4ss@203.0.113.0/",
    )
    expect(left({ secrets: "redact", contacts: "mark" }, text)).toBe(
      "https://u:<redact>@203.0.113.9/",
    )
  })

  test("that are off find nothing", () => {
    expect(
      open({}).look(`password=x1 ${cardNumber("4", 16, 3)}`, "password", [], "string"),
    ).toEqual([])
  })
})

describe("what an event said before", () => {
  const detectors = open({ secrets: "hmac" })
  const look = (text: string, key: string | undefined, path: readonly string[]) =>
    detectors.look(text, key, path, "string").length

  test("names a value of the same object, and of no other event", () => {
    detectors.begin()
    expect(look("DB_PASSWORD", "name", ["data", "env", "0"])).toBe(0)
    expect(look("x", "value", ["data", "env", "1"])).toBe(0)
    expect(look("x", "value", ["data", "env", "0"])).toBe(1)
    detectors.begin()
    expect(look("x", "value", ["data", "env", "0"])).toBe(0)
  })

  test("names the next argument, and only that one", () => {
    detectors.begin()
    expect(["--password", "a1", "b2"].map((text) => look(text, undefined, ["args"]))).toEqual([
      0, 1, 0,
    ])
  })

  test("tells a Secret of Kubernetes from another object", () => {
    const kubernetes = open({}, { packs: ["kubernetes"] })
    const at = ["data", "kubernetes"]
    for (const [resource, count] of [
      ["secrets", 1],
      ["configmaps", 0],
    ] as const) {
      kubernetes.begin()
      kubernetes.look(resource, "resource", [...at, "objectRef"], "string")
      const hits = kubernetes.look("cGFzc3dvcmQ=", "x", [...at, "requestObject", "data"], "string")
      expect(hits).toHaveLength(count)
    }
  })
})
