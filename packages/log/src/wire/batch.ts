import { assert, limits, PosternError } from "../base/index.ts"
import { createFrame, frameHeaderBytes, frameTypes } from "./frame.ts"
import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from "./integers.ts"
import { digestBytes } from "./stream-frames.ts"

export interface Batch {
  /** 0 to 65,535. */
  readonly channel: number
  /** Sequence of the first event. */
  readonly sequence: number
  /** The stream's chain digest before this batch, 32 bytes. */
  readonly previous: Uint8Array
  /** 1 to 10,000 events, their bytes as they are to be kept. */
  readonly events: readonly Uint8Array[]
}

export interface BatchHeader {
  readonly channel: number
  /** Events that the header announces; the region has not been looked at. */
  readonly count: number
  readonly sequence: number
  readonly previous: Uint8Array
  /** count x (u32 length, event bytes), a view of the body. What the chain digest commits to. */
  readonly region: Uint8Array
}

/** u16 channel, u32 count, u64 first sequence, 32 previous. */
export const batchHeaderBytes = 46

/** The body of a BATCH. Where the whole frame is wanted, encodeBatchFrame saves a copy. */
export function encodeBatch(batch: Batch): Uint8Array {
  return encodeBatchFrame(batch).subarray(frameHeaderBytes)
}

/** A BATCH ready to send. The caller keeps the events within the limits; see batchBytes. */
export function encodeBatchFrame(batch: Batch): Uint8Array {
  const { channel, sequence, previous, events } = batch
  assert(events.length >= 1 && events.length <= limits.batchEventsMax, "a batch has 1 to 10,000")
  assert(previous.length === digestBytes, "a chain digest has 32 bytes")
  assert(sequence + events.length <= limits.sequenceMax + 1, "a sequence is within its range")
  const frame = createFrame(frameTypes.batch, batchBytes(events) - frameHeaderBytes)
  writeU16(frame, 6, channel)
  writeU32(frame, 8, events.length)
  writeU64(frame, 12, sequence)
  frame.set(previous, 20)
  let at = frameHeaderBytes + batchHeaderBytes
  for (const event of events) {
    writeU32(frame, at, event.length)
    frame.set(event, at + 4)
    at += 4 + event.length
  }
  return frame
}

/**
 * Bytes of the BATCH frame that would hold these events: compare with limits.frameBytesMax and the
 * credit.
 */
export function batchBytes(events: readonly Uint8Array[]): number {
  let bytes = frameHeaderBytes + batchHeaderBytes
  for (const event of events) bytes += 4 + event.length
  return bytes
}

/**
 * Everything of a BATCH but its events. Throws FRAME_SYNTAX, or BATCH_EVENTS for a count outside 1
 * to 10,000. Whether the region is what the count says is for whoever splits it (core's split,
 * splitRegion).
 */
export function decodeBatchHeader(body: Uint8Array): BatchHeader {
  if (body.length < batchHeaderBytes) throw new PosternError("FRAME_SYNTAX", "BATCH is too short")
  const count = readU32(body, 2)
  if (count < 1 || count > limits.batchEventsMax) {
    throw new PosternError("BATCH_EVENTS", `it says ${count}`)
  }
  const sequence = readU64(body, 6)
  if (sequence + count > limits.sequenceMax + 1) {
    throw new PosternError("FRAME_SYNTAX", "BATCH has a sequence of 10^14 or more")
  }
  const previous = body.subarray(14, batchHeaderBytes)
  const region = body.subarray(batchHeaderBytes)
  return { channel: readU16(body, 0), count, sequence, previous, region }
}

/** The events of a region as views. FRAME_SYNTAX unless the region is exactly `count` events. */
export function splitRegion(region: Uint8Array, count: number): Uint8Array[] {
  const events: Uint8Array[] = []
  let at = 0
  while (events.length < count && at + 4 <= region.length) {
    const end = at + 4 + readU32(region, at)
    if (end > region.length) break
    events.push(region.subarray(at + 4, end))
    at = end
  }
  if (events.length !== count || at !== region.length) {
    throw new PosternError("FRAME_SYNTAX", "BATCH does not hold the events that it announces")
  }
  return events
}
