import { encodeUtf8 } from "@postern/log/base"
import { type Problem, problemOf } from "./problem.ts"

/** The frames of `/v1/log/slots` (docs/spec/mirror.md, Slots), as this side makes them. */
export const slotFrameTypes = {
  begin: 1,
  segment: 2,
  slot: 3,
  checkpoint: 4,
  head: 5,
  end: 6,
} as const

const headerBytes = 6

/** Length, type and flags in front of a body; the body's bytes follow it on the wire. */
export function encodeSlotFrame(
  type: (typeof slotFrameTypes)[keyof typeof slotFrameTypes],
  body: Uint8Array,
): Uint8Array {
  const frame = Buffer.allocUnsafe(headerBytes + body.length)
  frame.writeUInt32BE(2 + body.length, 0)
  frame[4] = type
  frame[5] = 0
  frame.set(body, headerBytes)
  return frame
}

export interface SlotsBegin {
  readonly origin: string
  readonly session: string
  readonly from: number
  readonly slots: number
  readonly size: number
}

export function encodeBegin(begin: SlotsBegin): Uint8Array {
  const text = JSON.stringify({ postern: "slots@v1", ...begin })
  return encodeSlotFrame(slotFrameTypes.begin, encodeUtf8(text))
}

export function encodeSegment(first: number, start: Uint8Array): Uint8Array {
  const body = Buffer.allocUnsafe(8 + start.length)
  body.writeBigUInt64BE(BigInt(first), 0)
  body.set(start, 8)
  return encodeSlotFrame(slotFrameTypes.segment, body)
}

export function encodeSlotsHead(slots: number, size: number, time: number): Uint8Array {
  const body = Buffer.alloc(24)
  for (const [i, value] of [slots, size, time].entries())
    body.writeBigUInt64BE(BigInt(value), i * 8)
  return encodeSlotFrame(slotFrameTypes.head, body)
}

export function encodeEnd(problem: Parameters<typeof problemOf>[0]): Uint8Array {
  const text: Problem = problemOf(problem)
  return encodeSlotFrame(slotFrameTypes.end, encodeUtf8(JSON.stringify(text)))
}
