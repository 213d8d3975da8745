import { describe, expect, test } from "vitest"
import { FigureCounts } from "./figures.ts"

const less = { rule: "a", digest: "d", did: "cut", position: 0, saved: 10, found: [] }

describe("the figures of a policy", () => {
  test("add up by rule and by what was done", () => {
    const counts = new FigureCounts()
    counts.decided(new Map([["a", 5]]))
    counts.decided(new Map([["a", 2]]))
    counts.kept("w", less)
    counts.kept("w", { ...less, did: "hmac", saved: -3 })
    counts.kept("v", { ...less, did: "detected", saved: 0, found: ["x", "y"] })
    counts.kept("w", { ...less, did: "detected", saved: 0, found: ["x"] })
    counts.kept("w", { ...less, did: "detected", saved: 0, found: ["x"] })
    expect(counts.figures()).toEqual({
      rules: [{ rule: "a", events: 7, bytesSaved: 7, did: { cut: 1, hmac: 1, detected: 3 } }],
      detected: [
        { writer: "w", detector: "x", events: 2 },
        { writer: "v", detector: "x", events: 1 },
        { writer: "v", detector: "y", events: 1 },
      ],
    })
  })

  test("are so many at most, whatever comes; nothing is lost", () => {
    const counts = new FigureCounts()
    for (let n = 0; n < 2_000; n++) {
      counts.kept(`w${n}`, { ...less, rule: `r${n}`, did: "detected", found: ["x"] })
    }
    const { rules, detected } = counts.figures()
    expect([rules.length, detected.length]).toEqual([1_025, 257])
    expect(rules.reduce((sum, { bytesSaved }) => sum + bytesSaved, 0)).toBe(20_000)
    expect(detected[0]).toEqual({ writer: "(others)", detector: "x", events: 2_000 - 256 })
  })
})
