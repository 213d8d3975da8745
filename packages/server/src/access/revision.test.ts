import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { applyRevision, reviseText, splitText } from "./index.ts"

const text = fc
  .array(fc.constantFrom("a\n", "b\n", "\n", "c", "d\r\n", "é\n"), { maxLength: 8 })
  .map((lines) => lines.join(""))

describe("a revision", () => {
  test("makes the one text out of the other, always", () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const revision = reviseText(before, after)
        expect(applyRevision(before, revision)).toBe(after)
        if (before === after) expect(revision.text).toBe("")
      }),
    )
  })

  test("names no more lines than it must", () => {
    expect(reviseText("a\nb\nc\n", "a\nB\nc\n")).toEqual({ from: 1, to: 2, text: "B\n" })
    expect(reviseText("a\na\n", "a\na\na\n")).toEqual({ from: 2, to: 2, text: "a\n" })
    expect(reviseText("", "a\n")).toEqual({ from: 0, to: 0, text: "a\n" })
    expect(reviseText("a\nb\n", "")).toEqual({ from: 0, to: 2, text: "" })
  })

  test.each([
    { from: -1, to: 0 },
    { from: 1, to: 0 },
    { from: 0, to: 3 },
    { from: 0.5, to: 1 },
    { from: Number.NaN, to: 1 },
  ])("of lines that are not there is none: $from to $to", (lines) => {
    expect(applyRevision("a\nb\n", { ...lines, text: "x" })).toBeUndefined()
  })
})

test("pieces are the text again, and none ends within a character", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.integer({ min: 2, max: 9 }),
      (whole, max) => {
        const pieces = splitText(whole, max)
        expect(pieces.join("")).toBe(whole)
        for (const piece of pieces) {
          expect(piece.length).toBeLessThanOrEqual(max)
          expect(piece).not.toMatch(/\p{Surrogate}/u)
        }
      },
    ),
  )
})
