import { describe, expect, test } from "vitest"
import {
  beat,
  expectGoaway,
  openStreamSession,
  signature,
  signedClose,
} from "./sessions.test.support.ts"

describe("what a writer signs", () => {
  test("a beat is handed on, and frames wait until it is judged", () => {
    const { send, intake, frames, stream, heard } = openStreamSession()
    send(frames.batch(3), beat(3), frames.batch(1))
    expect(intake.beats).toMatchObject([{ stream, signed: { sequence: 3, signature } }])
    expect(intake.offers).toHaveLength(1)
    intake.beats[0]?.done(true)
    expect(intake.offers).toHaveLength(2)
    expect(heard()).toEqual([]) // Beats are not answered.
  })

  test("a beat that does not hold ends the connection", () => {
    const opened = openStreamSession()
    opened.send(beat(0))
    opened.intake.beats[0]?.done(false)
    expectGoaway(opened, "STREAM_SIGNATURE", {
      detail: `a beat of stream ${opened.stream.id} at 0`,
    })
  })

  test("an end that does not hold is none", () => {
    const opened = openStreamSession()
    opened.send(signedClose(7))
    expect(opened.intake.closes).toMatchObject([{ signed: { sequence: 7, signature } }])
    opened.intake.closes[0]?.done(false)
    expectGoaway(opened, "STREAM_SIGNATURE")
  })

  test("a session that ended meanwhile says nothing more", () => {
    const opened = openStreamSession()
    opened.send(beat(0))
    opened.session.dismiss("SHUTTING_DOWN")
    opened.heard()
    opened.intake.beats[0]?.done(false)
    expect(opened.heard()).toEqual([])
    expect(opened.intake.refusals).toEqual([])
  })
})
