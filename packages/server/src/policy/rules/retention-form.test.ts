import { describe, expect, test } from "vitest"
import {
  type Retention,
  type RetentionRule,
  retentionChanges,
  retentionForm,
  retentionRule,
  shortLivedClasses,
} from "./retention-form.ts"

function ruleOf(form: object): RetentionRule {
  return retentionRule(retentionForm.parse(form)) as RetentionRule
}

function wrongIn(form: object): string[] {
  const found = retentionForm.safeParse(form).error?.issues ?? []
  return found.map(({ path, message }) => `${path.join(".")}: ${message}`)
}

describe("a retention section", () => {
  test("is its preset, where it says nothing else", () => {
    expect(ruleOf({ preset: "pci" })).toEqual({
      ...{ preset: "pci", keep: 365, hot: 90, classes: new Map() },
    })
    expect(ruleOf({ preset: "gdpr-minimal" }).classes.get("read")).toBe(30)
  })

  test("may lengthen what a preset says, and not shorten it", () => {
    expect(ruleOf({ preset: "hipaa", keep: "3000d" }).keep).toBe(3000)
    expect(wrongIn({ preset: "hipaa", keep: "2191d" })).toEqual([
      "keep: is shorter than the 2192d of hipaa",
    ])
    expect(wrongIn({ preset: "pci", hot: "89d" })).toEqual(["hot: is shorter than the 90d of pci"])
    expect(wrongIn({ preset: "pci", classes: { read: "90d" } })).toEqual([
      "classes.read: goes before the 365d of pci",
    ])
  })

  test("needs a period, and refuses what contradicts it", () => {
    expect(wrongIn({})).toEqual(["keep: is needed where there is no preset"])
    expect(wrongIn({ keep: "30d", hot: "31d" })).toEqual(["hot: is longer than the 30d of keep"])
    expect(wrongIn({ keep: "30d", classes: { read: "30d" } })).toEqual([
      "classes.read: is not below the 30d of keep",
    ])
    for (const keep of ["0d", "30", "d", "-1d", "1.5d", "99999d", "30d ", "١d", 30]) {
      expect(wrongIn({ keep }), String(keep)).toHaveLength(1)
    }
    expect(wrongIn({ keep: "30d", classes: { log: "1d" } })).toHaveLength(1)
    expect(wrongIn({ keep: "30d", forever: "1d" })).toHaveLength(1)
    expect(wrongIn({ preset: "toString" })).toHaveLength(1)
  })

  test("names the classes that the sieve keeps out of the leaf", () => {
    const rule = ruleOf({ keep: "365d", classes: { read: "90d" } })
    expect(shortLivedClasses(rule)).toEqual(new Set(["read"]))
    expect(shortLivedClasses(undefined)).toEqual(new Set())
  })
})

describe("a change of it", () => {
  test("weakens where something goes sooner", () => {
    const year: Retention = { keep: "365d" }
    expect(retentionChanges(undefined, year)).toEqual([
      { text: "keep: for ever -> 365d", weakens: true },
    ])
    expect(retentionChanges(year, undefined)[0]?.weakens).toBe(false)
    const shortReads: Retention = { keep: "365d", classes: { read: "90d" } }
    expect(retentionChanges(year, shortReads)).toEqual([
      { text: "read: 365d -> 90d", weakens: true },
    ])
    expect(retentionChanges(shortReads, year)[0]?.weakens).toBe(false)
    expect(retentionChanges(shortReads, shortReads)).toEqual([])
    expect(retentionChanges(year, { preset: "pci" })).toEqual([
      { text: "hot: 0d -> 90d", weakens: false },
    ])
  })
})
