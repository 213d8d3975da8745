import { limits } from "@postern/log/base"
import { frameTypes } from "@postern/log/wire"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { CreditPool } from "./index.ts"
import {
  close,
  FakeIntake,
  Frames,
  hello,
  openOn,
  openSession,
  openStreamSession,
  ping,
  raw,
  slotOf,
  streamId,
  streamOf,
} from "./sessions.test.support.ts"

describe("the end of a session", () => {
  test("by the port's own drain refuses nobody", () => {
    const opened = openStreamSession()
    opened.session.dismiss("SHUTTING_DOWN")
    expect(opened.heard()).toMatchObject([{ type: "goaway", code: "SHUTTING_DOWN" }])
    expect(opened.intake.refusals).toEqual([])
  })

  test("is final: what is durable, answered or resumed later changes nothing", () => {
    const { session, send, heard, intake, frames, stream } = openStreamSession()
    send(frames.batch(1))
    session.dismiss("IDLE_TIMEOUT")
    heard()
    intake.commit()
    session.resume()
    session.dismiss("IDLE_TIMEOUT")
    session.superseded(stream)
    send(ping("x"))
    expect(heard()).toEqual([])
    expect(intake.refusals).toHaveLength(1)
  })

  test("comes between a question and its answer without harm", () => {
    const asked = [
      (o: ReturnType<typeof openStreamSession>) => {
        o.send(openOn(1, "55".repeat(16)))
        return () => o.intake.opens[0]?.done(streamOf(80, "55".repeat(16)))
      },
      (o: ReturnType<typeof openStreamSession>) => {
        o.send(close(0))
        return () => o.intake.closes[0]?.done()
      },
      (o: ReturnType<typeof openStreamSession>) => {
        const frame = o.frames.batch(1)
        o.send(frame, frame)
        return () => o.intake.again[0]?.done(slotOf("x"))
      },
    ]
    for (const ask of asked) {
      const opened = openStreamSession()
      const answer = ask(opened)
      opened.session.ended()
      answer()
      expect(opened.heard()).toEqual([])
    }
  })
})

describe("bytes", () => {
  test("in whatever pieces they come mean the same", () => {
    const frames = new Frames()
    const all = Buffer.concat([
      hello(),
      openOn(0),
      frames.batch(2),
      frames.gap(3),
      frames.batch(1),
      ping("p"),
      close(0),
    ])
    const run = (cuts: readonly number[]) => {
      const opened = openSession()
      const places = [...new Set(cuts.map((cut) => cut % all.length))].sort((a, b) => a - b)
      for (const [i, to] of [...places, all.length].entries()) {
        opened.session.receive(Buffer.from(all.subarray(i === 0 ? 0 : places[i - 1], to)))
        opened.intake.opens.shift()?.done(streamOf(50))
      }
      opened.intake.commit()
      const { offers, gaps, closes } = opened.intake
      const asked = offers.map(({ sequence, bytes }) => [sequence, bytes])
      return { said: opened.heard(), asked, gaps: gaps.length, closes: closes.length }
    }
    const wanted = run([])
    expect(wanted).toMatchObject({ gaps: 1, closes: 1 })
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 5000 }), { maxLength: 30 }), (cuts) => {
        expect(run(cuts)).toEqual(wanted)
      }),
    )
    expect(run(Array.from({ length: all.length }, (_, i) => i))).toEqual(wanted)
  })

  test("tell whether a frame is unfinished, and whether it is another one than before", () => {
    const { session, send } = openSession()
    const greeting = hello()
    expect([session.midFrame, session.frames, session.greeted]).toEqual([false, 0, false])
    send(greeting.subarray(0, 3))
    expect([session.midFrame, session.frames]).toEqual([true, 0])
    send(Buffer.concat([greeting.subarray(3), ping("x").subarray(0, 4)]))
    expect([session.midFrame, session.frames, session.greeted]).toEqual([true, 1, true])
    send(ping("x").subarray(4))
    expect([session.midFrame, session.frames]).toEqual([false, 2])
  })

  test("of an enemy end in an answer, never in a failed assertion", () => {
    const types = fc.constantFrom<number>(...Object.values(frameTypes))
    const body = fc.uint8Array({ maxLength: 80 })
    const frame = fc.tuple(types, body).map(([type, of]) => raw(type, of))
    const valid = fc.constantFrom(
      openOn(0),
      openOn(1, "66".repeat(16)),
      ping("x"),
      close(0),
      new Frames().batch(1),
      new Frames().gap(2),
    )
    const mutated = fc.tuple(valid, fc.nat(), fc.nat({ max: 255 })).map(([of, at, byte]) => {
      const spoiled = Uint8Array.from(of)
      spoiled[at % of.length] = byte
      return spoiled
    })
    fc.assert(
      fc.property(fc.array(fc.oneof(frame, valid, mutated), { maxLength: 12 }), (all) => {
        const opened = openSession(new CreditPool(), new FakeIntake())
        opened.send(hello())
        for (const one of all) {
          opened.send(one)
          const id = opened.intake.opens[0]?.id ?? streamId
          opened.intake.opens.shift()?.done(streamOf(opened.intake.next++, id))
          opened.intake.closes.shift()?.done()
          opened.intake.again.shift()?.done(slotOf("n"))
          opened.intake.commit()
        }
        const said = opened.heard().map(({ type }) => type)
        expect(said.filter((type) => type === "goaway").length).toBe(opened.line.ended ? 1 : 0)
        opened.session.ended()
        expect(opened.pool.left).toBe(limits.creditPoolBytes)
      }),
      { numRuns: 400 },
    )
  })
})
