import { describe, expect, test } from "vitest"
import { addRevocation, endIdentity, parseAccess } from "./index.ts"

const key = "ab".repeat(32)
const operator = "id: spiffe://postern.local/operator/admin"
const id = "spiffe://postern.local/operator/admin"
const none = { serial: "99", key: "00".repeat(32) }

const forms: [string, string][] = [
  [
    "a block list",
    `# head\nidentities:\n  - ${operator}   # spaced\n    role:    operator\n# tail\n`,
  ],
  ["no line feed at the end", `identities:\n  - ${operator}\n    role: operator`],
  ["a flow list", `identities: [{ ${operator}, role: operator }]\n`],
  ["a flow mapping", `{ identities: [{ ${operator}, role: operator }] }\n`],
  ["JSON", `{"identities":[{"id":"${id}","role":"operator"}]}\n`],
  ["CR LF", `identities:\r\n  - ${operator}\r\n    role: operator\r\n`],
  ["no indentation", `identities:\n- role: operator\n  ${operator}\n`],
  ["a document end", `---\nidentities:\n  - ${operator}\n    role: operator\n...\n`],
]

describe("a certificate that is revoked", () => {
  test.each(forms)("is found by serial number and by key, in %s", (_name, text) => {
    const bySerial = addRevocation(text, { serial: "1f03", reason: "lost: #1" })
    const both = parseAccess(addRevocation(bySerial, { key }))
    expect(both.identities).toEqual(parseAccess(text).identities)
    for (const serial of ["1f03", "1F03", "001f03"]) {
      expect(both.revocationOf({ ...none, serial })?.reason).toBe("lost: #1")
    }
    expect(both.revocationOf({ ...none, key })).toEqual({ key })
    expect(both.revocationOf(none)).toBeUndefined()
    for (const comment of text.match(/# \w+/g) ?? []) expect(both.text).toContain(comment)
  })

  test("leaves every byte of a block list as it was", () => {
    const text = forms[0]?.[1] ?? ""
    expect(addRevocation(text, { serial: "1" }).startsWith(text)).toBe(true)
  })

  test.each([
    ['[{ serial: "01" }]', "without leading zeros"],
    ["[{ serial: 12345 }]", "put it in quotes"],
    ['[{ serial: "1F" }]', "lower-case"],
    ['[{ key: "ab" }]', "SHA-256"],
    [`[{ serial: "1", key: "${key}" }]`, "one of"],
    ["[{ reason: x }]", "one of"],
    ['[{ serial: "1", since: x }]', "unknown key"],
    ["{}", "must be a list"],
  ])("is refused as a list with %s", (revoked, message) => {
    expect(() => parseAccess(`identities: []\nrevoked: ${revoked}\n`)).toThrow(message)
  })
})

describe("an identity that is ended", () => {
  const moment = "2026-11-22T10:00:00Z"

  test.each(forms)("holds nothing from that moment on, in %s", (_name, text) => {
    const ended = parseAccess(endIdentity(text, id, moment))
    expect(ended.operator(id, Date.parse(moment) - 1)).toBe(true)
    expect(ended.operator(id, Date.parse(moment))).toBe(false)
    for (const comment of text.match(/# \w+/g) ?? []) expect(ended.text).toContain(comment)
    const earlier = endIdentity(ended.text, id, "2026-01-01")
    expect(parseAccess(earlier).operator(id, Date.parse("2026-01-01"))).toBe(false)
  })

  test("keeps every other line", () => {
    const text = `identities:\n  - ${operator} # boss\n    role: operator\n  - id: spiffe://a/b\n    role: operator\n`
    expect(endIdentity(text, id, moment)).toBe(
      text.replace("# boss\n", `# boss\n    expires: ${moment}\n`),
    )
    expect(() => endIdentity(text, "spiffe://a/c", moment)).toThrow("no spiffe://a/c")
    expect(() => endIdentity(text, id, "soon")).toThrow("must be a day")
  })
})
