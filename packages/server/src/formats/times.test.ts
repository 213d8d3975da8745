import { parseTime } from "@postern/log/event"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { readBsdTime, readInstant, readTime, timeOfMs } from "./times.ts"

describe("a time", () => {
  test.each([
    ["2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z", true],
    ["2026-11-23T10:00:00.123456789Z", "2026-11-23T10:00:00.123456789Z", true],
    ["2026-11-23T10:00:00.1234567899Z", "2026-11-23T10:00:00.123456789Z", true],
    ["2026-11-23T10:00:00.1+01:00", "2026-11-23T09:00:00.1Z", true],
    ["2026-01-01T00:30:00.999999999+0100", "2025-12-31T23:30:00.999999999Z", true],
    ["2026-11-23 10:00:00.5-08", "2026-11-23T18:00:00.5Z", true],
    ["2026-11-23 10:00:00 UTC", "2026-11-23T10:00:00Z", true],
    ["2026-11-23 10:00:00,5 GMT", "2026-11-23T10:00:00.5Z", true],
    ["2026-11-23 10:00:00 CEST", "2026-11-23T10:00:00Z", false],
    ["2026-11-23T10:00:00", "2026-11-23T10:00:00Z", false],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z", true],
  ])("%s", (text, time, hasZone) => {
    expect(readTime(text)).toEqual({ time, hasZone })
    expect(readInstant(text)).toBe(hasZone ? time : undefined)
  })

  test.each([
    ...["", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23"],
    ...["2026-11-23T10:00:00+25:00", "2026-11-23T10:00:00 ; rm", "26-11-23T10:00:00Z"],
  ])("%j is none", (text) => {
    expect(readTime(text)).toBeUndefined()
  })

  test("is always one that an event may have, and the same instant", () => {
    const part = fc.constantFrom(
      ..."0123456789-:.TZ +,zt".split(""),
      "2026-11-23T10:00:00",
      "+01:00",
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const said = readTime(parts.join(""))
        if (said === undefined) return
        expect(parseTime(said.time)).toBeDefined()
        if (said.hasZone && parseTime(parts.join("")) !== undefined) {
          expect(parseTime(said.time)).toBe(parseTime(parts.join("")))
        }
      }),
    )
  })

  test("in milliseconds is none outside of what an event may have", () => {
    expect(timeOfMs(1795428000123.9)).toBe("2026-11-23T10:00:00.123Z")
    for (const odd of [-1, Number.NaN, 1e18, "1", undefined]) expect(timeOfMs(odd)).toBeUndefined()
  })
})

describe("a time without a year", () => {
  const at = (now: string) => () => Date.parse(now)

  test.each([
    ["Dec 31 23:59:59", "2026-01-01T00:00:10Z", "2025-12-31T23:59:59Z"],
    ["Jan  1 00:00:01", "2025-12-31T23:59:50Z", "2026-01-01T00:00:01Z"],
    ["Nov 23 10:00:00", "2026-11-23T10:00:05Z", "2026-11-23T10:00:00Z"],
    ["Feb 29 10:00:00", "2025-01-01T00:00:00Z", "2024-02-29T10:00:00Z"],
  ])("%s, received at %s", (text, now, time) => {
    expect(readBsdTime(text, at(now))).toBe(time)
  })

  test.each(["Feb 30 10:00:00", "Foo 10 10:00:00", "Feb 10 25:00:00", "Feb 10 10:00"])(
    "%s is none",
    (text) => expect(readBsdTime(text, at("2026-11-23T00:00:00Z"))).toBeUndefined(),
  )
})
