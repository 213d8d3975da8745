import { describe, expect, test } from "vitest"
import { checkPattern, type DetectorSettings, openDetectors, patternBounds } from "./index.ts"

const groups: DetectorSettings["groups"] = {
  ...{ secrets: "off", cards: "off", accounts: "off" },
  ...{ contacts: "off", addresses: "off", entropy: "off" },
}
const open = (pattern: string) =>
  openDetectors({ groups, packs: [], patterns: [{ name: "own", pattern, do: "redact" }] })

describe("a pattern", () => {
  test.each(["EMP-\\d{6}", "(?i)project (?:x|y)", "\\bK[0-9]{4}\\b", "\\p{Lu}{3}-\\d+"])(
    "%s is fine",
    (pattern) => {
      checkPattern(pattern)
      open(pattern)
    },
  )

  test.each([
    ["(a", "missing"],
    ["(?<=a)b", "invalid"],
    ["(a)\\1", "invalid escape"],
    ["a{2000}", "repeat"],
    ["[a-z]{300}", "300|instructions"],
    ["(?:a{10}){40}", "instructions"],
    ["x*", "empty text"],
    ["y".repeat(patternBounds.characters + 1), "longer"],
  ])("%s is refused", (pattern, why) => {
    const refusal = expect.objectContaining({ code: "POLICY_INVALID" })
    expect(() => checkPattern(pattern)).toThrowError(refusal)
    expect(() => open(pattern)).toThrowError(new RegExp(why))
  })

  test("finds what is written and what is disguised", () => {
    const detectors = open("EMP-\\d{6}")
    for (const text of ["x EMP-123456", "EMP%2D123456", "ＥＭＰ-123456"]) {
      detectors.begin()
      const hits = detectors.look(text, "a", [], "string")
      expect(hits).toEqual([{ name: "own", from: 0, to: text.length, whole: true, do: "redact" }])
    }
    expect(detectors.look("EMP-12345", "a", [], "string")).toEqual([])
  })

  test("takes what it has no steps left for as a hit, until the next event", () => {
    const detectors = open("(?:[ab]*a[ab]{60}c|EMP-[0-9]{6})")
    const long = "ab".repeat(4_096)
    let count = 0
    for (let i = 0; i < 64; i++) count += detectors.look(long, "a", [], "string").length
    expect(count).toBeGreaterThan(0)
    expect(count).toBeLessThan(64)
    detectors.begin()
    expect(detectors.look(long, "a", [], "string")).toEqual([])
  })

  test("counts steps of short texts as well", () => {
    const detectors = open("EMP-[0-9]{6}")
    let looks = 0
    for (detectors.begin(); detectors.look("x", "a", [], "string").length === 0; ) looks += 1
    // One character costs as much as 17; the program has more than ten instructions.
    expect(looks).toBeGreaterThan(1_000)
    expect(looks).toBeLessThan(30_000)
  })
})
