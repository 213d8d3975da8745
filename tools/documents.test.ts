import { describe, expect, test } from "vitest"
import { claimsOf, holds, invariantsOf, listPages } from "./documents.ts"
import { pendingClaims } from "./pending.ts"
import { readSource } from "./source.ts"

const pages = listPages()
const claims = pages.flatMap((page) => claimsOf(page, readSource(page)))

describe("our pages", () => {
  test("name only files, symbols, tests and scripts that exist, or are pending", () => {
    const wrong = claims.filter(({ what }) => !holds(what) && !pendingClaims.includes(what))
    expect(wrong.map(({ page, line, what }) => `${page}:${line}: ${what}`)).toEqual([])
  })

  test("need every pending claim", () => {
    const missing = new Set(claims.map(({ what }) => what).filter((what) => !holds(what)))
    expect(pendingClaims.filter((what) => !missing.has(what))).toEqual([])
  })

  test("tell the house in at most 200 lines", () => {
    expect(readSource("ARCHITECTURE.md").split("\n").length).toBeLessThanOrEqual(201)
  })
})

describe("docs/invariants.md", () => {
  const invariants = invariantsOf(readSource("docs/invariants.md"))

  test("numbers what must hold and what must not happen without a hole", () => {
    for (const letter of ["I", "C"]) {
      const ids = invariants.map(({ id }) => id).filter((id) => id.startsWith(letter))
      expect(ids).toEqual(ids.map((_, i) => `${letter}${i + 1}`))
      expect(ids.length).toBeGreaterThan(0)
    }
  })

  test("names for each at least one test or programme that would fail", () => {
    const isTest = (what: string): boolean => /\.test\.ts(?:#|$)|^test\//.test(what)
    const bare = invariants.filter(({ enforcement }) => !enforcement.some(isTest))
    expect(bare.map(({ id }) => id)).toEqual([])
  })
})

describe("the reader of pages", () => {
  test("finds links, paths, symbols and scripts", () => {
    const text = [
      "[a](../README.md#why) [b](https://example.org)",
      "`tools/floors.ts#rooms` and `npm run house`",
      "`audit()` `/v1/events` [c](#here)",
    ].join("\n")
    expect(claimsOf("docs/a.md", text)).toEqual([
      { page: "docs/a.md", line: 1, what: "README.md" },
      { page: "docs/a.md", line: 2, what: "tools/floors.ts#rooms" },
      { page: "docs/a.md", line: 2, what: "npm run house" },
    ])
  })

  const cases: [string, boolean][] = [
    ["tools", true],
    ["tools/floors.ts", true],
    ["tools/floors.ts#export const rooms", true],
    ["tools/floors.ts#export const cellars", false],
    ["tools/cellars.ts", false],
    ["npm run house", true],
    ["npm run cellar", false],
  ]
  test.each(cases)("asked whether %s exists says %s", (what, expected) => {
    expect(holds(what)).toBe(expected)
  })

  test("reads an enforcement over several lines", () => {
    const text = "# x\n\n### I1. A\nText `no`.\n\nEnforcement: `a#b c`,\n`d`.\n\n### C1. B\nText.\n"
    expect(invariantsOf(text)).toEqual([
      { id: "I1", enforcement: ["a#b c", "d"] },
      { id: "C1", enforcement: [] },
    ])
  })
})
