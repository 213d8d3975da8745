import { describe, expect, test } from "vitest"
import type { RefusedEvents } from "./intake.ts"
import { openStreamSession, slotOf } from "./sessions.test.support.ts"

function sendTwice(refused: readonly RefusedEvents[], count: number) {
  const { send, heard, intake, frames } = openStreamSession()
  intake.answers.push({ kind: "placed", refused, altered: [] })
  const batch = frames.batch(count)
  send(batch)
  intake.commit()
  const first = heard()
  send(batch)
  intake.again[0]?.done(slotOf("note"))
  return { first, second: heard() }
}

describe("a batch of which events were refused, sent again", () => {
  test("is told once more which, before its acknowledgement", () => {
    const { first, second } = sendTwice([{ code: "EVENT_SYNTAX", positions: [1, 3] }], 5)
    expect(first.map(({ type }) => type)).toEqual(["refused", "ack"])
    expect(second[0]).toEqual(first[0])
    expect(second.map(({ type }) => type)).toEqual(["refused", "ack"])
  })

  test("is acknowledged alone if they were many: nobody's refusals fill the port's memory", () => {
    const positions = Array.from({ length: 65 }, (_, i) => i)
    const { first, second } = sendTwice([{ code: "EVENT_SYNTAX", positions }], 70)
    expect(first.map(({ type }) => type)).toEqual(["refused", "ack"])
    expect(second.map(({ type }) => type)).toEqual(["ack"])
  })
})
