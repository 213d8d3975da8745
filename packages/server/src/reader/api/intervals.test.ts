import fc from "fast-check"
import { expect, it } from "vitest"
import { intervalFor } from "./intervals.ts"

const day = 86_400e6

it.each([
  [0, 60e6, 120, 1e6],
  [0, 3600e6, 60, 60e6],
  [0, day, 24, 3600e6],
  [0, day, 23, 3 * 3600e6],
  [1, day + 1, 24, 3 * 3600e6],
  [0, 90 * day, 90, day],
  [0, 90 * day, 1, 91 * day],
])("covers [%d, %d) with %d buckets of %d", (since, until, buckets, width) => {
  expect(intervalFor(since, until, buckets)).toBe(width)
})

it("never takes more buckets than asked for, and never far fewer than needed", () => {
  const time = fc.integer({ min: 0, max: 4e15 })
  fc.assert(
    fc.property(time, time, fc.integer({ min: 2, max: 500 }), (a, b, buckets) => {
      const [since, until] = a < b ? [a, b] : [b, a + 1]
      const width = intervalFor(since, until, buckets)
      expect(Math.ceil(until / width) - Math.floor(since / width)).toBeLessThanOrEqual(buckets)
    }),
  )
})
