import { expect, test } from "vitest"
import type { SegmentAge } from "../../disk/index.ts"
import type { RetentionRule } from "../../policy/rules/index.ts"
import { judgeRetention } from "./retention.ts"

const day = 86_400_000_000
const now = Date.UTC(2026, 10, 23) * 1000
const rule: RetentionRule = { preset: "pci", keep: 365, hot: 90, classes: new Map() }

function agesOf(first: number, daysAgo: readonly number[]): SegmentAge[] {
  return daysAgo.map((days, i) => ({
    ...{ first: first + i * 10, end: i + 1 < daysAgo.length ? first + i * 10 + 10 : undefined },
    ...{ bytes: 1000, began: now - days * day },
  }))
}

const said = (ages: readonly SegmentAge[]) =>
  judgeRetention(rule, ages, now).map(({ id, result }) => `${id} ${result}`)

test("what is due for over a week is noticed", () => {
  expect(said(agesOf(0, [700, 371, 10]))).toEqual(["retention.overdue ok", "retention.hot ok"])
  expect(said(agesOf(0, [700, 373, 10]))[0]).toBe("retention.overdue warn")
  expect(judgeRetention(rule, agesOf(0, [900, 700, 373, 10]), now)[0]?.evidence).toContain(
    "entries 0 to 20",
  )
})

test("a log that begins too late for its rule fails, a young one does not", () => {
  expect(said(agesOf(10, [89, 10]))[1]).toBe("retention.hot fail")
  expect(said(agesOf(10, [90, 10]))[1]).toBe("retention.hot ok")
  expect(said(agesOf(0, [5]))[1]).toBe("retention.hot ok")
})
