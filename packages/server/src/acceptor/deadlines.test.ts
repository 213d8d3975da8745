import fc from "fast-check"
import { describe, expect, it, vi } from "vitest"
import { createDeadlines, createWheel } from "./deadlines.ts"

describe("the wheel", () => {
  it("does exactly what a list of due times does", () => {
    const command = fc.oneof(
      fc.record({ kind: fc.constant("set" as const), ticks: fc.integer({ min: 1, max: 700 }) }),
      fc.record({ kind: fc.constant("touch" as const), which: fc.nat(30) }),
      fc.record({ kind: fc.constant("clear" as const), which: fc.nat(30) }),
      fc.record({ kind: fc.constant("advance" as const), ticks: fc.integer({ min: 0, max: 300 }) }),
    )
    const run = fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const wheel = createWheel()
      const expired: string[] = []
      const model: { ticks: number; due: number; live: boolean }[] = []
      const handles: ReturnType<typeof wheel.set>[] = []
      const expected: string[] = []
      let tick = 0
      for (const step of commands) {
        if (step.kind === "set") {
          const name = handles.length
          model.push({ ticks: step.ticks, due: tick + step.ticks, live: true })
          handles.push(wheel.set(name, step.ticks, (owner) => expired.push(`${owner}`)))
        } else if (step.kind === "advance") {
          for (let i = 0; i < step.ticks; i++) {
            tick += 1
            wheel.advance(1)
            const now: string[] = []
            for (const [name, entry] of model.entries()) {
              if (!entry.live || entry.due !== tick) continue
              entry.live = false
              now.push(`${name}`)
            }
            expected.push(...now)
            // Within one tick the order is free.
            expect([...expired.slice(-now.length || expired.length)].sort()).toEqual(now.sort())
          }
        } else {
          const entry = model[step.which]
          const handle = handles[step.which]
          if (entry === undefined || handle === undefined) continue
          if (step.kind === "touch") {
            handle.touch()
            entry.due = tick + entry.ticks
          } else {
            handle.clear()
            entry.live = false
          }
        }
        expect(wheel.count()).toBe(model.filter((entry) => entry.live).length)
        expect(expired.length).toBe(expected.length)
      }
    })
    fc.assert(run, { numRuns: 200 })
  })

  it("lets a callback clear its neighbour, set anew and clear everything", () => {
    const wheel = createWheel()
    const expired: string[] = []
    const second = wheel.set("second", 3, (owner) => expired.push(owner))
    wheel.set("first", 2, (owner) => {
      expired.push(owner)
      second.clear()
      wheel.set("again", 256, (late) => expired.push(late))
    })
    wheel.advance(257)
    expect(expired).toEqual(["first"])
    wheel.advance(1)
    expect(expired).toEqual(["first", "again"])

    wheel.set("a", 1, () => wheel.clear())
    wheel.set("b", 1, () => expired.push("b"))
    wheel.advance(600)
    expect(wheel.count()).toBe(0)
    expect(expired).toEqual(["first", "again"])
  })
})

describe("deadlines", () => {
  /** A clock and an interval under the test's hand. */
  function world(tickMs: number) {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] })
    let time = 1000
    const deadlines = createDeadlines({ tickMs, now: () => time })
    const pass = (ms: number) => {
      time += ms
      vi.advanceTimersByTime(ms)
    }
    const holdUp = (ms: number) => {
      time += ms
      vi.advanceTimersToNextTimer()
    }
    return { deadlines, pass, holdUp, close: () => vi.useRealTimers() }
  }

  it("expire never early and at most three ticks late, whenever they are set", () => {
    for (let offset = 0; offset < 100; offset += 10) {
      for (const ms of [1, 99, 100, 101, 1000]) {
        const { deadlines, pass, close } = world(100)
        deadlines.set("keeps the interval running", 1e6, () => undefined)
        for (let passed = 0; passed < 300 + offset; passed += 10) pass(10)
        let expired = false
        deadlines.set("x", ms, () => {
          expired = true
        })
        let passed = 0
        while (!expired && passed < 5000) {
          pass(1)
          passed += 1
        }
        expect(passed).toBeGreaterThanOrEqual(ms)
        expect(passed).toBeLessThanOrEqual(ms + 300)
        deadlines.close()
        close()
      }
    }
  })

  it("do not count the time in which the process was held up", () => {
    const { deadlines, pass, holdUp, close } = world(100)
    let expired = 0
    deadlines.set("x", 1000, () => {
      expired += 1
    })
    holdUp(60_000)
    expect(expired).toBe(0)
    for (let i = 0; i < 12; i++) pass(100)
    expect(expired).toBe(1)
    close()
  })

  it("keep no interval when there is nothing to wait for", () => {
    const { deadlines, pass, close } = world(100)
    expect(vi.getTimerCount()).toBe(0)
    const one = deadlines.set("x", 1000, () => undefined)
    expect(vi.getTimerCount()).toBe(1)
    one.clear()
    pass(100)
    expect(vi.getTimerCount()).toBe(0)
    deadlines.set("y", 1000, () => undefined)
    deadlines.close()
    expect(vi.getTimerCount()).toBe(0)
    close()
  })
})
