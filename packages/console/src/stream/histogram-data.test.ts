import { expect, test } from "vitest"
import type { HistogramAnswer } from "../api/index.ts"
import { filled, stack, stackOrder, totals, withLive } from "./histogram-data.ts"
import { rowAt } from "./rows.test.support.ts"

const answer: HistogramAnswer = {
  ...{ since: 1000, until: 6000, interval: 1000, total: 6, complete: true },
  examined: { from: 0, to: 6 },
  buckets: [
    { at: 2000, counts: { success: 3, denied: 1 } },
    { at: 4000, counts: { error: 2 } },
  ],
}

test("buckets that are left out are there with nothing in them", () => {
  expect(filled(answer).map(({ at }) => at)).toEqual([1000, 2000, 3000, 4000, 5000])
  expect(filled({ ...answer, buckets: [] })).toEqual([])
  expect(filled({ ...answer, until: 1e18 }).length).toBe(2)
})

test("outcomes stand on top of each other", () => {
  const { times, tops } = stack(answer.buckets)
  expect(times).toEqual([0.002, 0.004])
  expect(tops[0]).toEqual([3, 0])
  expect(tops[stackOrder.length - 1]).toEqual([4, 2])
  expect(totals(answer.buckets)).toEqual({
    success: 3,
    denied: 1,
    error: 2,
    failure: 0,
    unknown: 0,
  })
})

test("what comes in is counted where it belongs, also behind the last bucket", () => {
  const rows = [4500, 7200, 7300].map((received) => ({
    ...rowAt(1),
    received,
    event: { outcome: received === 4500 ? "denied" : "odd" },
  }))
  const live = withLive(answer, rows)
  expect(live.total).toBe(9)
  expect(live.buckets.map(({ at }) => at)).toEqual([2000, 4000, 7000])
  expect(live.buckets[1]?.counts).toEqual({ error: 2, denied: 1 })
  expect(live.buckets[2]?.counts).toEqual({ unknown: 2 })
  expect(live.until).toBe(8000)
  expect(withLive(answer, [])).toBe(answer)
})
