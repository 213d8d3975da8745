import { expect, test } from "vitest"
import {
  counted,
  exactMoment,
  formatAge,
  formatBytes,
  formatMoment,
  formatSpan,
  lineOf,
  visible,
} from "./text.ts"

const moment = 1_764_000_000_123_456

test("a moment in UTC, to the second, millisecond and microsecond", () => {
  expect(formatMoment(moment, "utc", "s")).toBe("2025-11-24 16:00:00")
  expect(formatMoment(moment, "utc")).toBe("2025-11-24 16:00:00.123")
  expect(formatMoment(moment, "utc", "µs")).toBe("2025-11-24 16:00:00.123456")
})

test("a moment in local time is the same moment", () => {
  const local = formatMoment(moment, "local")
  expect(new Date(local.replace(" ", "T")).getTime()).toBe(Math.floor(moment / 1000))
})

test("what no calendar holds is shown as a number", () => {
  expect(formatMoment(9e18, "utc")).toBe("9000000000000000000 µs")
})

test("on hover, both zones and the number", () => {
  expect(exactMoment(moment)).toMatch(/UTC\n.*UTC[+−]\d\d:\d\d\n1764000000123456 µs$/)
})

test.each([
  [0, "just now"],
  [30, "30 seconds ago"],
  [80, "80 seconds ago"],
  [90, "2 minutes ago"],
  [7200, "2 hours ago"],
  [-864_000, "in 10 days"],
])("%d s ago is %s", (seconds, said) => {
  expect(formatAge(moment - seconds * 1e6, moment)).toBe(said)
})

test("spans, counts and bytes", () => {
  expect([1500, 90e6, 300e6, 3600e6 * 6, 86_400e6 * 3].map(formatSpan)).toEqual([
    "1.5 ms",
    "90 s",
    "5 min",
    "6 h",
    "3 d",
  ])
  expect(counted(1, "entry")).toBe("1 entry")
  expect(counted(12_000, "entry")).toBe("12,000 entries")
  expect(counted(2, "witness")).toBe("2 witnesses")
  expect(counted(2, "day")).toBe("2 days")
  expect(formatBytes(999)).toBe("999 B")
  expect(formatBytes(1_234_567)).toBe("1.2 MB")
})

test("text that hides or reorders is shown by its number, and a cell is one line", () => {
  expect(visible("a\u202eb")).toBe("a⟨U+202E⟩b")
  expect(lineOf("a\nb")).toBe("a⏎b")
  expect(lineOf({ a: 1 })).toBe('{"a":1}')
  expect(lineOf(undefined)).toBe("")
})
