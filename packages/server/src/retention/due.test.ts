import { describe, expect, test } from "vitest"
import type { SegmentAge } from "../disk/index.ts"
import type { RetentionRule } from "../policy/rules/index.ts"
import { dueClassMonths, dueTo, forecast, isOldEnoughToEnd, upcoming } from "./index.ts"

const day = 86_400_000_000
const now = Date.UTC(2026, 10, 23) * 1000
const rule: RetentionRule = {
  ...{ preset: undefined, keep: 100, hot: undefined },
  classes: new Map([["read", 30]]),
}

/** Segments of 10 entries and 1000 bytes, which began so many days ago. */
function agesOf(daysAgo: readonly (number | undefined)[]): SegmentAge[] {
  return daysAgo.map((days, i) => ({
    first: i * 10,
    end: i + 1 < daysAgo.length ? i * 10 + 10 : undefined,
    bytes: 1000,
    began: days === undefined ? undefined : now - days * day,
  }))
}

describe("segments", () => {
  test("are due once the one behind them began longer ago than keep", () => {
    expect(dueTo(agesOf([300, 200, 100, 50]), rule, now)).toBe(20)
    expect(dueTo(agesOf([300, 99.9]), rule, now)).toBe(0)
    expect(dueTo(agesOf([300]), rule, now)).toBe(0)
    expect(dueTo([], rule, now)).toBe(0)
  })

  test("are never due behind one of which it is not known", () => {
    expect(dueTo(agesOf([300, undefined, 200, 10]), rule, now)).toBe(0)
    // Times never go back in a log; if they did, nothing would go that is behind a younger one.
    expect(dueTo(agesOf([300, 10, 200, 10]), rule, now)).toBe(0)
  })

  test("fall due in order, each with its day", () => {
    expect(upcoming(agesOf([150, 120, 20]), rule)).toEqual([
      { first: 0, end: 10, bytes: 1000, due: now - 20 * day },
      { first: 10, end: 20, bytes: 1000, due: now + 80 * day },
    ])
  })

  test("are ended when they have been open for a tenth of keep, or a month", () => {
    expect(isOldEnoughToEnd(agesOf([50, 9.9]), rule, now)).toBe(false)
    expect(isOldEnoughToEnd(agesOf([50, 10]), rule, now)).toBe(true)
    const years = { ...rule, keep: 3000 }
    expect(isOldEnoughToEnd(agesOf([29]), years, now)).toBe(false)
    expect(isOldEnoughToEnd(agesOf([30]), years, now)).toBe(true)
    expect(isOldEnoughToEnd(agesOf([30, undefined]), years, now)).toBe(false)
  })
})

test("bodies of a class are due the class's days after their month is over", () => {
  const since = Date.UTC(2026, 5, 30, 23) * 1000
  const monthsOf = (name: string, at: number): string[] =>
    dueClassMonths(rule, since, at)
      .filter((one) => one.class === name)
      .map(({ month }) => month)
  // 30 days before is 24 October, 100 days before 15 August.
  expect(monthsOf("read", now)).toEqual(["2026-06", "2026-07", "2026-08", "2026-09"])
  expect(monthsOf("change", now)).toEqual(["2026-06", "2026-07"])
  const first = Date.UTC(2026, 10, 1) * 1000 + 30 * day
  expect(monthsOf("read", first).at(-1)).toBe("2026-10")
  expect(monthsOf("read", first - 1).at(-1)).toBe("2026-09")
  expect(monthsOf("read", since)).toEqual([])
})

describe("the forecast", () => {
  test("goes on as in the last month", () => {
    const ages = agesOf([60, 20, 10])
    expect(forecast(ages, rule, { now, freeBytes: 1e9 })).toEqual({
      ...{ bytesPerDay: 100, bytesAtKeep: 10_000, fullInDays: undefined },
    })
    expect(forecast(ages, rule, { now, freeBytes: 5000 })).toMatchObject({ fullInDays: 50 })
    expect(forecast(ages, undefined, { now, freeBytes: 5000 })).toEqual({
      ...{ bytesPerDay: 100, bytesAtKeep: undefined, fullInDays: 50 },
    })
  })

  test("says nothing of a log that has just begun", () => {
    expect(forecast(agesOf([0.01]), rule, { now, freeBytes: 5000 }).bytesPerDay).toBeUndefined()
    expect(forecast([], rule, { now, freeBytes: 5000 }).fullInDays).toBeUndefined()
  })
})
