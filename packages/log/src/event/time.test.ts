import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { formatInstant, formatTime, parseTime } from "./time.ts"

describe("a time", () => {
  test.each([
    ["1970-01-01T00:00:00Z", 0],
    ["1970-01-01T00:00:00.000001Z", 1],
    ["1970-01-01T00:00:00.0000001Z", 1],
    ["1970-01-01T00:00:00.000000000Z", 0],
    ["1970-01-01T00:00:00.9Z", 900_000],
    ["1969-12-31T23:59:59.999999Z", -1],
    ["1970-01-01T01:30:00+01:30", 0],
    ["1969-12-31T22:30:00-01:30", 0],
    ["1970-01-01T00:00:00-00:00", 0],
    ["1969-12-31T23:59:60Z", 0],
    ["2000-02-29T00:00:00Z", 951_782_400_000_000],
    ["2026-11-22T12:00:00.123Z", Date.UTC(2026, 10, 22, 12, 0, 0, 123) * 1000],
    ["0001-01-01T00:00:00Z", -62_135_596_800_000_000],
  ])("%s is %i microseconds", (text, microseconds) => {
    expect(parseTime(text)).toBe(microseconds)
  })

  test.each([
    "",
    "2026-11-22",
    "2026-11-22T12:00:00",
    "2026-11-22 12:00:00Z",
    "2026-11-22t12:00:00Z",
    "2026-11-22T12:00:00z",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-00-10T00:00:00Z",
    "2026-13-10T00:00:00Z",
    "2026-11-00T00:00:00Z",
    "2026-11-22T24:00:00Z",
    "2026-11-22T12:60:00Z",
    "2026-11-22T12:00:61Z",
    "2026-11-22T12:00:00+24:00",
    "2026-11-22T12:00:00+01:60",
    "2026-11-22T12:00:00+0100",
    "2026-11-22T12:00:00.Z",
    "2026-11-22T12:00:00.1234567890Z",
    "2026-11-22T12:00:00Z\n",
    "+02026-11-22T12:00:00Z",
    "٢٠٢٦-11-22T12:00:00Z",
  ])("%j is none", (text) => {
    expect(parseTime(text)).toBeUndefined()
  })

  test("agrees with Date on every time that Date writes", () => {
    const date = fc.date({
      min: new Date("0000-01-01T00:00:00Z"),
      max: new Date("2255-01-01T00:00:00Z"),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(date, (value) => {
        expect(parseTime(value.toISOString())).toBe(value.getTime() * 1000)
      }),
    )
  })

  test("comes back from microseconds", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (microseconds) => {
        const text = formatTime(microseconds)
        expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
        expect(parseTime(text)).toBe(microseconds)
      }),
    )
    expect(formatTime(1_764_000_000_000_001)).toBe("2025-11-24T16:00:00.000001Z")
  })
})

test("an instant is written as a Date writes it, for every time that a Date can hold", () => {
  const ms = fc.oneof(
    fc.integer({ min: -8.64e15, max: 8.64e15 }),
    fc.integer({ min: 1_764_000_000_000, max: 1_764_000_002_000 }),
    fc.constantFrom(0, -1, 8.64e15, -8.64e15, 253_402_300_799_999, 253_402_300_800_000),
  )
  fc.assert(
    fc.property(ms, (at) => {
      expect(formatInstant(at)).toBe(new Date(at).toISOString())
    }),
    { numRuns: 2000 },
  )
})
