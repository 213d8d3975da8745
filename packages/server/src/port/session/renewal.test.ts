import { expect, test } from "vitest"
import { expectGoaway, openSession, openStreamSession, renew } from "./sessions.test.support.ts"

const request = Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x00)
const given = { certificate: "-----BEGIN CERTIFICATE-----\n" }
const refused = { code: "RENEWAL_EARLY", message: "too young", hint: "wait", detail: "until then" }

test("a request is handed on and answered when there is an answer; batches go on meanwhile", () => {
  const { send, intake, frames, heard } = openStreamSession()
  send(renew(request), frames.batch(2))
  expect(intake.renewals.map((one) => [...one.request])).toEqual([[...request]])
  expect(intake.offers).toHaveLength(1)
  expect(heard()).toEqual([])
  intake.renewals[0]?.answer(given)
  send(renew(request))
  intake.renewals[1]?.answer(refused)
  expect(heard()).toEqual([
    { type: "renewed", ...given },
    { type: "renewed", ...refused },
  ])
})

test("what is handed on is a copy: the connection's bytes are written over", () => {
  const { session, intake } = openStreamSession()
  const bytes = Buffer.from(renew(request))
  session.receive(bytes)
  bytes.fill(0xff)
  expect([...(intake.renewals[0]?.request ?? [])]).toEqual([...request])
})

test("a second request before the answer to the first is refused, and the answer is not said", () => {
  const opened = openStreamSession()
  opened.send(renew(request), renew(request))
  expectGoaway(opened, "FRAME_ORDER", { detail: "the RENEW before has no answer yet" })
  opened.intake.renewals[0]?.answer(given)
  expect(opened.heard()).toEqual([])
})

test("nothing is renewed before HELLO, nor for an empty request", () => {
  const early = openSession()
  early.send(renew(request))
  expectGoaway(early, "FRAME_ORDER")
  const empty = openStreamSession()
  empty.send(renew(new Uint8Array(0)))
  expectGoaway(empty, "FRAME_SYNTAX")
  expect([early.intake.renewals, empty.intake.renewals]).toEqual([[], []])
})
