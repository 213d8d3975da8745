import { encodeUtf8 } from "@postern/log/base"
import {
  batchHeaderBytes,
  encodeBatchFrame,
  frameHeaderBytes,
  type Refusal,
} from "@postern/log/wire"
import { expect, it } from "vitest"
import type { Delivered } from "../writer/index.ts"
import { refusalsOf } from "./refused-events.ts"

const texts = ["first", "second", "third", "fourth"]

function delivered(accepted: number, refused: readonly Refusal[]): Delivered {
  const header = { channel: 0, sequence: 0, previous: new Uint8Array(32) }
  const frame = encodeBatchFrame({ ...header, events: texts.map(encodeUtf8) })
  const region = Buffer.from(frame.subarray(frameHeaderBytes + batchHeaderBytes))
  const ack = { accepted, events: texts.length }
  return { frame: { count: texts.length }, region, refused, ack } as unknown as Delivered
}

function named(accepted: number, refused: readonly Refusal[]) {
  const { events, untold } = refusalsOf(delivered(accepted, refused))
  return [events.map(({ code, event }) => `${code} ${Buffer.from(event)}`), untold]
}

it("keeps nothing of a batch that was taken whole", () => {
  expect(named(4, [])).toEqual([[], 0])
})

it("keeps what was refused by name, and nothing that the policy wants less of", () => {
  const refused = [
    { code: "EVENT_SYNTAX", hint: "h", positions: [0, 3] },
    { code: "EVENT_NOT_KEPT", hint: "h", positions: [2] },
  ]
  expect(named(1, refused)).toEqual([["EVENT_SYNTAX first", "EVENT_SYNTAX fourth"], 0])
})

it("keeps all of a batch of which the port no longer says what it refused", () => {
  expect(named(3, [])).toEqual([texts.map((text) => `OUTBOX_UNTOLD ${text}`), 4])
  const partly = [{ code: "EVENT_SYNTAX", hint: "h", positions: [1] }]
  const rest = [
    "OUTBOX_UNTOLD first",
    "EVENT_SYNTAX second",
    "OUTBOX_UNTOLD third",
    "OUTBOX_UNTOLD fourth",
  ]
  expect(named(2, partly)).toEqual([rest, 3])
})

it("leaves a batch alone of which nothing was said", () => {
  const { ack: _, ...unsaid } = delivered(0, [])
  expect(refusalsOf({ ...unsaid, ack: undefined })).toEqual({ events: [], untold: 0 })
})
