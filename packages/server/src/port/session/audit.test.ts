import { encodeAudit, encodeFrame, frameTypes } from "@postern/log/wire"
import { expect, test } from "vitest"
import { audit, doubt, expectGoaway, openStreamSession } from "./sessions.test.support.ts"

const answer = {
  ...{ note: "a note", from: 5, sample: 3 },
  ...{ consistency: [new Uint8Array(32).fill(1)], path: [new Uint8Array(32).fill(2)] },
}

test("a question is answered when its turn comes; batches go on meanwhile", () => {
  const { send, intake, frames, heard } = openStreamSession()
  send(audit(5, 3), frames.batch(2))
  expect(intake.audits).toMatchObject([{ question: { seen: 5, sample: 3 } }])
  expect(intake.offers).toHaveLength(1)
  expect(heard()).toEqual([])
  intake.audits[0]?.answer(answer)
  expect(heard()).toEqual([{ type: "checkpoint", ...answer }])
  send(audit(9))
  expect(intake.audits[1]?.question).toEqual({ seen: 9, sample: undefined })
})

test("what it asks for besides reaches the desk, and the key proofs reach the writer", () => {
  const { send, intake, heard } = openStreamSession()
  const question = { seen: 5, sample: 3, witnessed: true, keys: 7 }
  send(encodeFrame(frameTypes.audit, encodeAudit(question)))
  expect(intake.audits[0]?.question).toEqual(question)
  intake.audits[0]?.answer({ ...answer, keys: "a proof\n" })
  expect(heard()).toEqual([{ type: "checkpoint", ...answer, keys: "a proof\n" }])
})

test("a second question before the answer to the first is refused", () => {
  const opened = openStreamSession()
  opened.send(audit(0), audit(0))
  expectGoaway(opened, "FRAME_ORDER", { detail: "the AUDIT before has no answer yet" })
  opened.intake.audits[0]?.answer(answer)
  expect(opened.heard()).toEqual([])
})

test("a doubt is handed on, and is not answered", () => {
  const { send, intake, heard } = openStreamSession()
  const said = { code: "LOG_FORKED", detail: "two roots", note: "a note" }
  send(doubt(said))
  expect(intake.doubts).toEqual([said])
  expect(heard()).toEqual([])
})
