import { limits } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { CreditPool } from "./index.ts"
import {
  acks,
  digestOf,
  expectGoaway,
  hello,
  openSession,
  openStreamSession,
  ping,
} from "./sessions.test.support.ts"

describe("a port that has no room", () => {
  test("keeps the frame apart, reads no other, and offers it again", () => {
    const { session, send, heard, intake, frames } = openStreamSession()
    const other = openStreamSession()
    intake.answers.push({ kind: "full", delayMs: 0 })
    const first = frames.batch(2, 30_000)
    // In two chunks, so that it is gathered in the memory that all sessions share.
    send(first.subarray(0, 50_000))
    send(first.subarray(50_000))
    const second = frames.batch(1)
    send(second, ping("last"))
    expect(intake.rooms).toEqual([0])
    expect(intake.offers).toHaveLength(1)
    const disturbing = other.frames.batch(3, 31_000)
    other.send(disturbing.subarray(0, 40_000))
    other.send(disturbing.subarray(40_000))
    session.resume()
    const digest = (frame: Uint8Array) => digestOf(frame.subarray(52))
    expect(intake.offers.slice(1).map(({ bytes }) => bytes)).toEqual([
      digest(first),
      digest(second),
    ])
    expect(heard()).toEqual([{ type: "pong", text: "last" }])
    intake.commit()
    expect(acks(heard())[0]?.batches.map(({ sequence }) => sequence)).toEqual([0, 2])
  })

  test("says how long a writer over its rate has to wait, and counts its bytes once", () => {
    const { session, send, intake, frames, heard } = openStreamSession()
    for (let i = 0; i < 5; i++) intake.answers.push({ kind: "full", delayMs: 70 })
    const frame = frames.batch(1, 20_000)
    send(frame)
    for (let i = 0; i < 5; i++) session.resume()
    expect(intake.rooms).toEqual([70, 70, 70, 70, 70])
    intake.commit()
    expect(acks(heard())[0]?.credit).toBe(limits.creditBytesStart + frame.length)
  })
})

describe("credit", () => {
  test("is not to be exceeded by a frame that begins beyond it", () => {
    const opened = openStreamSession()
    const fitting = opened.frames.batch(1, 65_000)
    opened.send(fitting, opened.frames.batch(1, 600))
    expect(opened.line.ended).toBe(false)
    opened.send(opened.frames.batch(1))
    expectGoaway(opened, "CREDIT_EXCEEDED")
  })

  test("is not to be exceeded by bytes that pile up behind a held frame", () => {
    const opened = openStreamSession()
    opened.intake.answers.push({ kind: "full", delayMs: 0 })
    opened.send(opened.frames.batch(1))
    let sent = 0
    while (!opened.line.ended && sent < 3 * limits.frameBytesMax) {
      const frame = opened.frames.batch(1, 60_000)
      opened.send(frame)
      sent += frame.length
    }
    expect(sent).toBeLessThan(limits.frameBytesMax + limits.creditBytesStart + 70_000)
    expectGoaway(opened, "CREDIT_EXCEEDED")
  })

  test("stops the reading while the pool has no room for the frame that has begun", () => {
    const pool = new CreditPool(limits.creditBytesStart * 2)
    const opened = openStreamSession(pool)
    const { send, line, intake, frames } = opened
    const frame = frames.batch(16, 60_000)
    send(frame.subarray(0, 16_384))
    expect(line.paused).toBe(true)
    expect(opened.session.midFrame).toBe(false) // It is not its writer who is slow.
    pool.give(limits.frameBytesMax)
    expect(line.paused).toBe(false)
    send(frame.subarray(16_384))
    expect(intake.offers).toHaveLength(1)
    intake.commit()
    opened.session.ended()
    expect(pool.left).toBe(limits.creditBytesStart * 2 + limits.frameBytesMax)
  })

  test("stops the reading while bytes pile up behind a held frame and the pool has no room for them", () => {
    const pool = new CreditPool(limits.creditBytesStart * 2)
    const { send, line, intake, frames, session } = openStreamSession(pool)
    intake.answers.push({ kind: "full", delayMs: 0 })
    send(frames.batch(1))
    send(frames.batch(1, 60_000))
    expect(line.paused).toBe(false)
    send(frames.batch(2, 60_000))
    expect(line.paused).toBe(true)
    session.ended()
    expect(pool.left).toBe(limits.creditBytesStart * 2)
  })

  test("of a session that ends is the pool's again, whenever it ends", () => {
    const pool = new CreditPool()
    const sizes = fc.array(fc.constantFrom(10, 5_000, 60_000), { maxLength: 12 })
    fc.assert(
      fc.property(sizes, fc.nat({ max: 12 }), fc.boolean(), (all, commits, isFull) => {
        const { send, intake, frames, session, line } = openStreamSession(pool)
        if (isFull) intake.answers.push({ kind: "full", delayMs: 0 })
        for (const [i, bytes] of all.entries()) {
          if (line.ended) break
          send(frames.batch(1, bytes))
          if (i === commits) intake.commit()
        }
        session.ended()
        expect(pool.left).toBe(limits.creditPoolBytes)
        intake.commit()
        session.resume()
      }),
      { numRuns: 60 },
    )
  })

  test("that is not there turns a connection away", () => {
    const opened = openSession(new CreditPool(100))
    expectGoaway(opened, "OVERLOADED")
    opened.send(hello())
    expect(opened.heard()).toEqual([])
  })
})
