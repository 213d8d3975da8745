import fc from "fast-check"
import { expect, test } from "vitest"
import { aheadOf } from "./clock-offset.ts"

const start = 1_700_000_000_000

test("holds the true offset, whatever the delays, the whole second allowed for", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -400_000, max: 400_000 }),
      fc.nat(2000),
      fc.nat(2000),
      fc.nat(999),
      (aheadMs, beforeMs, afterMs, part) => {
        const publishedMs = start + part
        const signedMs = publishedMs + beforeMs
        const time = Math.floor((signedMs - aheadMs) / 1000)
        const ahead = aheadOf(publishedMs, signedMs + afterMs, time)
        if (ahead === undefined) throw new Error("it tells nothing")
        expect(ahead.fromMs).toBeLessThanOrEqual(aheadMs)
        expect(ahead.toMs).toBeGreaterThanOrEqual(aheadMs)
        expect(ahead.toMs - ahead.fromMs).toBe(beforeMs + afterMs + 1000)
      },
    ),
  )
})

test.each([
  ["a cosignature renewed on a quiet log tells nothing", 0, 60_000, 30, undefined],
  ["it tells that the port's clock is behind", 0, 60_000, 70, { fromMs: -71_000, toMs: -10_000 }],
  ["and an old one that it is ahead", 0, 60_000, -9, { fromMs: 8000, toMs: 69_000 }],
  ["a clock that was set back meanwhile tells nothing", 60_000, 0, 60, undefined],
])("%s", (_what, publishedMs, heardMs, second, ahead) => {
  expect(aheadOf(start + publishedMs, start + heardMs, start / 1000 + second)).toEqual(ahead)
})
