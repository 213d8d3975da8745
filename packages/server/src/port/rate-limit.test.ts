import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { makePatterns, type WriterGrant } from "../access/index.ts"
import { RateLimit } from "./rate-limit.ts"

function grantOf(eventsPerSecond?: number, bytesPerSecond?: number, id = "w"): WriterGrant {
  const any = makePatterns(["*"])
  const rest = { adapters: new Set(["postern"] as const), sources: any, actions: any }
  return { id, ...rest, eventsPerSecond, bytesPerSecond, eventBytesMax: 65_535, internal: false }
}

describe("a writer's rate", () => {
  test("without limits asks nobody to wait", () => {
    const rates = new RateLimit()
    rates.spend(grantOf(), 1e9, 1e12, 0)
    expect(rates.waitMs(grantOf(), 0)).toBe(0)
  })

  test("lets a second's worth through at once, and one batch over it", () => {
    const rates = new RateLimit()
    const grant = grantOf(128)
    expect(rates.waitMs(grant, 0)).toBe(0)
    rates.spend(grant, 128, 1, 0)
    expect(rates.waitMs(grant, 0)).toBe(0)
    rates.spend(grant, 64, 1, 0)
    expect(rates.waitMs(grant, 0)).toBe(500)
    expect(rates.waitMs(grant, 375)).toBe(125)
    expect(rates.waitMs(grant, 500)).toBe(0)
  })

  test("counts bytes as well, and the longer wait of both", () => {
    const rates = new RateLimit()
    const grant = grantOf(1000, 1000)
    rates.spend(grant, 1500, 3000, 0)
    expect(rates.waitMs(grant, 0)).toBe(2000)
    const other = grantOf(1000, 1000, "other")
    expect(rates.waitMs(other, 0)).toBe(0)
  })

  test("is not saved up for longer than a second", () => {
    const rates = new RateLimit()
    const grant = grantOf(10)
    rates.spend(grant, 1, 0, 0)
    rates.spend(grant, 20, 0, 3_600_000)
    expect(rates.waitMs(grant, 3_600_000)).toBe(1000)
  })

  test("is kept by a writer that waits as it is told, on any clock that does not go back", () => {
    const batches = fc.array(
      fc.record({ events: fc.integer({ min: 1, max: 50 }), idle: fc.nat({ max: 300 }) }),
    )
    fc.assert(
      fc.property(batches, fc.integer({ min: 1, max: 200 }), (steps, perSecond) => {
        const rates = new RateLimit()
        const grant = grantOf(perSecond)
        let now = 0
        let sent = 0
        for (const { events, idle } of steps) {
          now += idle
          now += rates.waitMs(grant, now)
          expect(rates.waitMs(grant, now)).toBe(0)
          rates.spend(grant, events, 0, now)
          sent += events
          // A second's worth, what has flowed in since, and one batch over it.
          expect(sent).toBeLessThanOrEqual(perSecond + (now / 1000) * perSecond + 50)
        }
      }),
    )
  })

  test("does not grow when the clock goes back, and is not stuck either", () => {
    const rates = new RateLimit()
    const grant = grantOf(10)
    rates.spend(grant, 30, 0, 5_000_000)
    expect(rates.waitMs(grant, 0)).toBe(2000)
    expect(rates.waitMs(grant, 2000)).toBe(0)
  })
})
