import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { anyDepth, anyOne, formatPointer, type Pointer, parsePointer } from "./index.ts"
import { coversPointer } from "./pointer.ts"

const steps = fc.constantFrom("a", "b", "c", "*", "**")
const pointers = fc
  .array(steps, { minLength: 1, maxLength: 5 })
  .map((list) => parsePointer(`/data/${list.join("/")}`))
  .filter((one): one is Pointer => !("wrong" in one))
const places = fc
  .array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 6 })
  .map((names) => ["data", ...names])

/** By the definition: whether the pointer names this place. */
function names(pointer: Pointer, place: readonly string[]): boolean {
  const [step, ...rest] = pointer
  if (step === undefined) return place.length === 0
  if (step === anyDepth)
    return names(rest, place) || (place.length > 0 && names(pointer, place.slice(1)))
  return place.length > 0 && (step === anyOne || step === place[0]) && names(rest, place.slice(1))
}

const parse = (text: string) => parsePointer(text) as Pointer

describe("a pointer", () => {
  test("is read and written as RFC 6901 escapes names, and a name is never a wildcard", () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 5 }), (list) => {
        const plain = list.filter((name) => name !== "*" && name !== "**")
        fc.pre(plain.length > 0)
        expect(parsePointer(formatPointer(["data", ...plain]))).toEqual(["data", ...plain])
      }),
    )
    expect(parse("/data/~01/*/a*/**/~1")).toEqual(["data", "~1", anyOne, "a*", anyDepth, "/"])
    expect(formatPointer(parse("/data/~01/*/**/~1"))).toBe("/data/~01/*/**/~1")
    expect(parse("/data//x")).toEqual(["data", "", "x"])
  })

  test.each([
    ["/data/a", "/data/a", true],
    ["/data/a", "/data/a/b", true],
    ["/data/a/b", "/data/a", false],
    ["/data/*", "/data/a", true],
    ["/data/*", "/data/**/a", true],
    ["/data/*/b", "/data/**/b", false],
    ["/data/a", "/data/*", false],
    ["/data/**/a", "/data/a", true],
    ["/data/**/a", "/data/b/c/a", true],
    ["/data/**/a", "/data/b/*", false],
    ["/data/**/a", "/data/**/a", true],
    ["/data/**/a", "/data/**/b/**/a", true],
    ["/data/**/a/**/b", "/data/a/c/c/b", true],
    ["/data/**/a/**/b", "/data/b/c/c/a", false],
    ["/data/a", "/labels/a", false],
  ])("%s covers %s: %s", (outer, inner, expected) => {
    expect(coversPointer(parse(outer), parse(inner))).toBe(expected)
  })

  test("that covers another one names whatever that names, or what it stands in", () => {
    let covered = 0
    fc.assert(
      fc.property(pointers, pointers, places, (outer, inner, place) => {
        if (!coversPointer(outer, inner) || !names(inner, place)) return
        covered += 1
        const above = place.map((_, length) => place.slice(0, length + 1))
        expect(above.some((one) => names(outer, one))).toBe(true)
      }),
      { numRuns: 40_000 },
    )
    expect(covered).toBeGreaterThan(100)
  })

  test("without wildcards is covered by each one that names it", () => {
    fc.assert(
      fc.property(pointers, places, (outer, place) => {
        const above = place.map((_, length) => place.slice(0, length + 1))
        expect(coversPointer(outer, place)).toBe(above.some((one) => names(outer, one)))
      }),
      { numRuns: 5_000 },
    )
  })
})
