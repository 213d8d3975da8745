import { expect, test } from "vitest"
import { createClockWatch } from "./clock-watch.ts"

const start = { wallMs: 1_764_000_000_000, elapsedMs: 5_000 }
/** A look a second later, with the system's clock set by so much in between. */
const later = (seconds: number, byMs: number) => ({
  wallMs: start.wallMs + 1000 * seconds + byMs,
  elapsedMs: start.elapsedMs + 1000 * seconds,
})

test.each([
  [0, undefined],
  [499, undefined],
  [-499, undefined],
  [500, 500],
  [-500, -500],
  [-86_400_000, -86_400_000],
])("a clock that was set by %i ms is told as %s", (byMs, told) => {
  const look = createClockWatch(start)
  expect(look(later(1, byMs))).toBe(told)
})

test("a step is told once, and so is the one back", () => {
  const look = createClockWatch(start)
  expect([0, 3_600_000, 3_600_000, 0, 0].map((byMs, i) => look(later(i + 1, byMs)))).toEqual([
    undefined,
    3_600_000,
    undefined,
    -3_600_000,
    undefined,
  ])
})
