import { assert, limits, PosternError } from "../base/index.ts"
import { createFrame, creditBodyBytes, frameHeaderBytes, frameTypes } from "./frame.ts"
import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from "./integers.ts"
import { digestBytes } from "./stream-frames.ts"

/** The one level there is: on stable storage. */
export const ackLevelDurable = 1

export interface Ack {
  readonly level: typeof ackLevelDurable
  /** As in CREDIT, bytes. */
  readonly credit: number
  /** The slot's receipt, the note's bytes; empty for batches older than the port remembers. */
  readonly note: Uint8Array
  readonly batches: readonly BatchAck[]
}

/**
 * What a writer needs to make its leaves again and to find them in the receipt (docs/spec/log.md).
 */
export interface BatchAck {
  readonly channel: number
  readonly sequence: number
  /** Events in the batch, refused ones included; for a GAP, those lost. */
  readonly events: number
  /** How many of them are in the log, at [firstIndex, firstIndex + accepted). */
  readonly accepted: number
  readonly firstIndex: number
  /** Microseconds since 1970-01-01 UTC. */
  readonly received: number
  readonly open: number
  /** `c` of the stamps. */
  readonly changed: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7
  /** Nonce seed, 16 bytes. */
  readonly seed: Uint8Array
  /** Range path, 32 bytes each. */
  readonly path: readonly Uint8Array[]
}

const seedBytes = 16
/** u8 level, u64 credit, u16 note length, u16 count of batches. */
const ackFixedBytes = 13
/** Everything of a batch's row but the hashes of its path. */
const rowFixedBytes = 2 + 8 + 4 + 4 + 8 + 8 + 8 + 1 + seedBytes + 1
const indexEnd = limits.sequenceMax + 1

/** The body of an ACK. Where the whole frame is wanted, encodeAckFrame saves a copy. */
export function encodeAck(ack: Ack): Uint8Array {
  return encodeAckFrame(ack).subarray(frameHeaderBytes)
}

/** An ACK ready to send, in one allocation. */
export function encodeAckFrame(ack: Ack): Uint8Array {
  const { level, credit, note, batches } = ack
  const frame = createFrame(frameTypes.ack, ackBodyBytes(ack))
  frame[6] = level
  writeU64(frame, 7, credit)
  writeU16(frame, 15, note.length)
  frame.set(note, 17)
  let at = 17 + note.length
  writeU16(frame, at, batches.length)
  at += 2
  for (const batch of batches) at = writeRow(frame, at, batch)
  assert(at === frame.length, "an ACK is as long as was reckoned")
  return frame
}

/**
 * Reads an ACK; FRAME_SYNTAX for anything that no port would send. Nothing in the result is a view
 * of the body.
 */
export function decodeAck(body: Uint8Array): Ack {
  if (body.length < ackFixedBytes) throw refused("it is too short")
  if (body[0] !== ackLevelDurable) throw refused(`level ${body[0]} is unknown`)
  const credit = readU64(body, 1)
  const noteEnd = 11 + readU16(body, 9)
  if (noteEnd + 2 > body.length) throw refused("its note is cut off")
  const note = copyOf(body, 11, noteEnd)
  const count = readU16(body, noteEnd)
  const batches: BatchAck[] = []
  let at = noteEnd + 2
  for (let i = 0; i < count; i++) {
    const batch = readRow(body, at)
    batches.push(batch)
    at += rowFixedBytes + digestBytes * batch.path.length
  }
  if (at !== body.length) throw refused("bytes follow the last batch")
  return { level: ackLevelDurable, credit, note, batches }
}

export function encodeCredit(credit: number): Uint8Array {
  const body = new Uint8Array(creditBodyBytes)
  writeU64(body, 0, credit)
  return body
}

/** Bytes of BATCH frames that the writer may have sent in all on this connection. */
export function decodeCredit(body: Uint8Array): number {
  if (body.length !== creditBodyBytes) throw new PosternError("FRAME_SYNTAX", "CREDIT is one u64")
  return readU64(body, 0)
}

function ackBodyBytes({ note, batches }: Ack): number {
  let bytes = ackFixedBytes + note.length
  for (const { path } of batches) bytes += rowFixedBytes + digestBytes * path.length
  return bytes
}

function writeRow(frame: Uint8Array, at: number, batch: BatchAck): number {
  assert(batch.seed.length === seedBytes, "a nonce seed has 16 bytes")
  assert(batch.path.length <= 0xff, "a range path has at most 255 hashes")
  writeU16(frame, at, batch.channel)
  writeU64(frame, at + 2, batch.sequence)
  writeU32(frame, at + 10, batch.events)
  writeU32(frame, at + 14, batch.accepted)
  writeU64(frame, at + 18, batch.firstIndex)
  writeU64(frame, at + 26, batch.received)
  writeU64(frame, at + 34, batch.open)
  frame[at + 42] = batch.changed
  frame.set(batch.seed, at + 43)
  frame[at + 59] = batch.path.length
  let next = at + rowFixedBytes
  for (const hash of batch.path) {
    assert(hash.length === digestBytes, "a hash has 32 bytes")
    frame.set(hash, next)
    next += digestBytes
  }
  return next
}

function readRow(body: Uint8Array, at: number): BatchAck {
  if (at + rowFixedBytes > body.length) throw refused("a batch is cut off")
  const sequence = readU64(body, at + 2)
  const events = readU32(body, at + 10)
  const accepted = readU32(body, at + 14)
  const firstIndex = readU64(body, at + 18)
  const open = readU64(body, at + 34)
  const changed = body[at + 42] ?? 0
  if (sequence + events > indexEnd) throw refused("a sequence is out of range")
  if (accepted > events || accepted > limits.batchEventsMax) throw refused("too many accepted")
  if (firstIndex + accepted > indexEnd || open >= indexEnd)
    throw refused("an index is out of range")
  if (!isChanged(changed)) throw refused("`changed` is not 0 to 7")
  const path = readPath(body, at + rowFixedBytes, body[at + 59] ?? 0)
  const received = readU64(body, at + 26)
  const seed = copyOf(body, at + 43, at + 59)
  const channel = readU16(body, at)
  return { channel, sequence, events, accepted, firstIndex, received, open, changed, seed, path }
}

function isChanged(value: number): value is BatchAck["changed"] {
  return value <= 7
}

function readPath(body: Uint8Array, at: number, hashes: number): Uint8Array[] {
  if (at + digestBytes * hashes > body.length) throw refused("a path is cut off")
  const path: Uint8Array[] = []
  for (let i = 0; i < hashes; i++) {
    path.push(copyOf(body, at + digestBytes * i, at + digestBytes * (i + 1)))
  }
  return path
}

/**
 * Not slice(): a Buffer from a socket would give a view, and a receipt that is kept would hold the
 * whole chunk.
 */
function copyOf(body: Uint8Array, from: number, end: number): Uint8Array {
  return new Uint8Array(body.subarray(from, end))
}

function refused(reason: string): PosternError {
  return new PosternError("FRAME_SYNTAX", `ACK: ${reason}`)
}
