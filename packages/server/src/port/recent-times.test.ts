import { expect, test } from "vitest"
import { RecentTimes } from "./recent-times.ts"

test("says what half and nearly all of the last acts took, and forgets older ones", () => {
  const times = new RecentTimes()
  expect(times.quantiles()).toBeUndefined()
  times.add(7)
  expect(times.quantiles()).toEqual({ p50: 7, p99: 7 })
  for (let i = 100; i > 1; i--) times.add(i)
  expect(times.quantiles()).toEqual({ p50: 50, p99: 99 })
  for (let i = 0; i < 1024; i++) times.add(1)
  expect(times.quantiles()).toEqual({ p50: 1, p99: 1 })
})
