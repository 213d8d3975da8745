import { expect, test } from "vitest"
import { openStreamSession } from "./sessions.test.support.ts"

test("while a writer does not take its answers nothing more of it is placed, however it is resumed", () => {
  const { session, send, heard, intake, line, frames } = openStreamSession()
  // The first one waits for room, and others come behind it.
  intake.answers.push({ kind: "full", delayMs: 0 })
  send(frames.batch(1), frames.batch(1), frames.batch(1))
  expect(intake.offers).toHaveLength(1)
  line.unread = true
  session.resume()
  expect(intake.offers).toHaveLength(1)
  line.unread = false
  session.goOn()
  expect(intake.offers).toHaveLength(4)
  intake.commit()
  expect(heard().map(({ type }) => type)).toEqual(["ack"])
})

test("going on does not wake a session that waits for something else", () => {
  const { session, send, intake, frames } = openStreamSession()
  intake.answers.push({ kind: "full", delayMs: 0 })
  send(frames.batch(1))
  session.goOn()
  expect(intake.offers).toHaveLength(1)
  session.resume()
  expect(intake.offers).toHaveLength(2)
})
