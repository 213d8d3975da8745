import fc from "fast-check"
import { expect, test } from "vitest"
import { corpus } from "./corpus.test.support.ts"
import { type DetectorSettings, openDetectors } from "./index.ts"

const off: DetectorSettings["groups"] = {
  ...{ secrets: "off", cards: "off", accounts: "off" },
  ...{ contacts: "off", addresses: "off", entropy: "off" },
}
const settings: DetectorSettings = { groups: { ...off, secrets: "hmac" }, packs: [], patterns: [] }
const packed: DetectorSettings = { ...settings, packs: ["kubernetes", "vault", "sql", "http"] }

/** True if the core would tell the sieve to look at an event with this text in it. */
function isMentioned(from: DetectorSettings, json: string): boolean {
  const { needles = [] } = openDetectors(from)
  const lower = json.toLowerCase()
  return needles.some(({ text, anyCase }) => (anyCase ? lower : json).includes(text))
}

function eventOf(
  key: string | undefined,
  text: string,
  path: readonly string[],
  before = "",
): string {
  const around = path.map((name) => JSON.stringify(name)).join(":")
  const value = JSON.stringify(text)
  return `{${around}:[${JSON.stringify(before)},{${JSON.stringify(key ?? "")}:${value}}]}`
}

const isAscii = (json: string): boolean => [...json].every((char) => char.charCodeAt(0) < 128)

test("every secret of the corpus is mentioned, unless it is not written in ASCII", () => {
  const detectors = openDetectors(packed)
  let count = 0
  for (const one of corpus) {
    detectors.begin()
    const [keyBefore, textBefore = "", pathBefore = one.path] = one.before ?? []
    detectors.look(textBefore, keyBefore, pathBefore, "string")
    if (detectors.look(one.text, one.key, one.path, one.kind).length === 0) continue
    const json = eventOf(one.key, one.text, one.path, one.before?.[1])
    if (!isAscii(json)) continue
    expect(isMentioned(packed, json), json).toBe(true)
    count++
  }
  expect(count).toBeGreaterThan(200)
})

const words = [
  ...[
    "pass",
    "word",
    "pin",
    "api",
    "key",
    "Key",
    "token",
    "secret",
    "_",
    "-",
    ".",
    " ",
    "=",
    ":",
    '"',
    "'",
  ],
  ...[
    "<",
    ">",
    "/",
    "\\",
    "--",
    "1234",
    "hunter2",
    "%41",
    "Bearer ",
    "cvv",
    "otp",
    "security",
    "code",
  ],
  ...[
    "ghp_",
    "abcdefghijklmnopqrstuvwxyz0123456789AB",
    "://",
    "a:b@",
    "@",
    "AKIA",
    "ABCDEFGHIJKLMNOP",
  ],
]

test("whatever is hit is mentioned", () => {
  const detectors = openDetectors(settings)
  const part = fc.constantFrom(...words)
  const text = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(""))
  fc.assert(
    fc.property(text, text, (key, value) => {
      detectors.begin()
      if (detectors.look(value, key, ["data"], "string").length === 0) return
      expect(isMentioned(settings, eventOf(key, value, ["data"])), `${key} ${value}`).toBe(true)
    }),
    { numRuns: 20_000 },
  )
})

test("there are few, short and printable ones, or none where every event has to be seen", () => {
  const { needles = [] } = openDetectors(packed)
  expect(needles.length).toBeLessThan(450)
  for (const { text } of needles) expect(text).toMatch(/^[ -~]{2,32}$/)
  expect(openDetectors({ ...settings, groups: off }).needles).toEqual([])
  expect(openDetectors({ ...settings, groups: { ...off, cards: "mark" } }).needles).toBeUndefined()
  const patterns = [{ name: "own", pattern: "x1", do: "mark" }] as const
  expect(openDetectors({ ...settings, patterns }).needles).toBeUndefined()
})

test("userinfo in a URL is mentioned however JSON writes its slashes", () => {
  for (const slashes of ["//", "\\/\\/", "\\//", "/\\/"]) {
    expect(isMentioned(settings, `{"a":"postgres:${slashes}u:pw123456@h/d"}`), slashes).toBe(true)
  }
})
