import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Backlog, countOf, isLoss, type Outgoing, SpoolLevel } from "./index.ts"

const bounds = { bytesMax: 100, stallMs: 5_000, reason: "full" }
const event = (bytes: number): Uint8Array => new Uint8Array(bytes)

describe("a backlog", () => {
  it("holds the producer for so long, and then lets it lose", () => {
    const backlog = new Backlog(bounds)
    expect(backlog.isHolding(0)).toBe(false)
    backlog.add([event(60)], 1_000)
    expect([backlog.isHolding(1_000), backlog.isHolding(5_999)]).toEqual([true, true])
    expect(backlog.isHolding(6_000)).toBe(false)
    backlog.add([event(60), event(60), { lost: 3, reason: "cut" }, event(10)], 6_000)
    expect([backlog.lost, backlog.count]).toEqual([5, 7])
    const put: Outgoing[] = []
    backlog.drain((items) => put.push(...items) && items.length)
    expect(put).toEqual([
      event(60),
      { lost: 2, reason: "full" },
      { lost: 3, reason: "cut" },
      event(10),
    ])
    expect([backlog.isEmpty, backlog.lost, backlog.isHolding(6_001)]).toEqual([true, 0, false])
  })

  it("is bounded, keeps the order, and loses nothing without a loss in its place", () => {
    const step = fc.oneof(
      fc.record({ add: fc.array(fc.integer({ min: 1, max: 80 }), { maxLength: 5 }) }),
      fc.record({ room: fc.nat(4) }),
    )
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const backlog = new Backlog(bounds)
        let added = 0
        const put: Outgoing[] = []
        const drain = (room: number) =>
          backlog.drain((items) => {
            put.push(...items.slice(0, room))
            return Math.min(room, items.length)
          })
        for (const [at, one] of steps.entries()) {
          if ("room" in one) drain(one.room)
          else {
            backlog.add(
              one.add.map((bytes) => event(bytes)),
              at,
            )
            added += one.add.length
          }
          expect(backlog.count + countOf(put)).toBe(added)
        }
        drain(1_000)
        expect(countOf(put)).toBe(added)
        expect(backlog.lost).toBe(0)
        expect(put.filter(isLoss).every(({ reason }) => reason === "full")).toBe(true)
      }),
    )
  })
})

describe("the level of a spool", () => {
  it("is said once when it gets low, and once when it is free again", () => {
    const level = new SpoolLevel()
    const fills = [0, 79, 80, 95, 100, 60, 51, 50, 79, 85]
    const said = fills.map((fill, at) => level.judge(100 - fill, 100, at)?.what)
    expect(said.map((what) => what ?? "")).toEqual([
      ...["", "", "low", "", "", "", "", "freed", "", "low"],
    ])
  })
})
