import { describe, expect, test } from "vitest"
import { breakGlassMs, diffAccess, explainAccess, parseAccess } from "./index.ts"

const id = "spiffe://postern.local/break-glass/night"
const end = Date.parse("2026-11-23T13:00:00Z")
const listOf = (more: string) =>
  parseAccess(`identities:\n  - { id: "${id}", role: reader, grant: { see: auditor }${more} }\n`)
const sealed = listOf(", breakGlass: true")
const opened = listOf(', breakGlass: true, expires: "2026-11-23T13:00:00Z"')

describe("break-glass access", () => {
  test("is good for nobody as long as it is sealed", () => {
    for (const nowMs of [0, end, Date.parse("2999-01-01T00:00:00Z")]) {
      expect(sealed.reader(id, nowMs)).toBeUndefined()
    }
    expect(explainAccess(sealed, id, { verb: "read" }, end)).toMatchObject({ allowed: false })
  })

  test.each([
    ["before its hour", -breakGlassMs - 1, false],
    ["from its first moment", -breakGlassMs, true],
    ["to its last", -1, true],
    ["and not after it", 0, false],
  ])("%s", (_name, ms, lives) => {
    expect(opened.reader(id, end + ms)).toEqual(lives ? { id, see: "auditor" } : undefined)
    const explained = explainAccess(opened, id, { verb: "read" }, end + ms)
    expect(explained.allowed).toBe(lives)
  })

  test("is weaker without its mark, not with it; and an opening is no weaker list by itself", () => {
    const plain = listOf("")
    expect(diffAccess(sealed, plain).map(({ weakens }) => weakens)).toEqual([true])
    expect(diffAccess(plain, sealed).map(({ weakens }) => weakens)).toEqual([false])
    expect(diffAccess(sealed, opened).map(({ weakens }) => weakens)).toEqual([false])
    expect(diffAccess(opened, sealed).map(({ weakens }) => weakens)).toEqual([true])
    expect(diffAccess(parseAccess("identities: []"), sealed)).toMatchObject([{ weakens: true }])
  })

  test("is a reader's", () => {
    const text = `identities: [{ id: "${id}", role: operator, breakGlass: true }]`
    expect(() => parseAccess(text)).toThrow("breakGlass")
    expect(() => listOf(", breakGlass: false")).toThrow("breakGlass")
  })
})
