import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { encodeUtf8 } from "../base/index.ts"
import { formatTime } from "../event/index.ts"
import { compareText, isInRange, numberOf, periodOf, spanOf } from "./range.ts"

describe("compareText", () => {
  test("orders as UTF-8 does, also beyond U+FFFF", () => {
    const letter = fc.constantFrom("a", "b", "é", "\ud7ff", "\ue000", "\uffff", "😀", "\u{10ffff}")
    const text = fc.array(letter, { maxLength: 3 }).map((letters) => letters.join(""))
    fc.assert(
      fc.property(text, text, (a, b) => {
        const wanted = Buffer.compare(encodeUtf8(a), encodeUtf8(b))
        expect(Math.sign(compareText(a, b))).toBe(wanted)
      }),
      { numRuns: 2000 },
    )
  })
})

describe("numberOf", () => {
  test.each([
    ["0", 0],
    ["-0", -0],
    ["10.50", 10.5],
    ["2.5e2", 250],
    ["1E+3", 1000],
    ["1e999", Number.POSITIVE_INFINITY],
  ])("reads %s", (text, value) => {
    expect(numberOf(text)).toBe(value)
  })

  test.each(["", " 1", "01", "+1", "1.", ".5", "0x10", "1e", "Infinity", "NaN", "1_000", "١"])(
    "takes %j for a text",
    (text) => {
      expect(numberOf(text)).toBeUndefined()
    },
  )
})

describe("periodOf", () => {
  test.each([
    ["2026", "2026-01-01T00:00:00.000000Z", "2027-01-01T00:00:00.000000Z"],
    ["2024-02", "2024-02-01T00:00:00.000000Z", "2024-03-01T00:00:00.000000Z"],
    ["2026-12", "2026-12-01T00:00:00.000000Z", "2027-01-01T00:00:00.000000Z"],
    ["2024-02-29", "2024-02-29T00:00:00.000000Z", "2024-03-01T00:00:00.000000Z"],
    ["2026-11-22T12:00:00+02:00", "2026-11-22T10:00:00.000000Z", "2026-11-22T10:00:00.000001Z"],
  ])("reads %s", (text, from, until) => {
    const period = periodOf(text)
    expect(period && [period.from, period.until].map(formatTime)).toEqual([from, until])
  })

  test.each(["", "26", "2026-1", "2026-13", "2026-02-30", "2026-11-22T12:00", "20261122", "x"])(
    "refuses %j",
    (text) => {
      expect(periodOf(text)).toBeUndefined()
    },
  )
})

test("a span is what lies between the bounds, whole microseconds", () => {
  const bound = (text: string, isInclusive: boolean) => ({ text, isInclusive })
  const span = (isInclusive: boolean) =>
    spanOf({ kind: "range", from: bound("1970", isInclusive), to: bound("1971", isInclusive) })
  const year = 365 * 86_400_000_000
  expect(span(true)).toEqual({ from: 0, until: 2 * year })
  expect(span(false)).toEqual({ from: year, until: year })
})

test("bounds that are no numbers are not held against numbers", () => {
  const range = { kind: "range", from: { text: "1", isInclusive: true } } as const
  expect(isInRange({ ...range, to: { text: "x", isInclusive: true } }, 5)).toBe(false)
  expect(isInRange({ ...range, to: { text: "x", isInclusive: true } }, "5")).toBe(true)
  expect(isInRange({ ...range, to: undefined }, true)).toBe(false)
})
