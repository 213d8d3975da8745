import { readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { formatHex, isPosternError, parseHex } from "../base/index.ts"
import { decodeAck, decodeCredit, encodeAck, encodeAckFrame, encodeCredit } from "./ack.ts"
import { decodeAltered, encodeAltered } from "./altered-frame.ts"
import {
  decodeAudit,
  decodeCheckpoint,
  decodeDoubt,
  encodeAudit,
  encodeCheckpoint,
  encodeDoubt,
} from "./audit-frames.ts"
import { decodeBatchHeader, encodeBatch, encodeBatchFrame, splitRegion } from "./batch.ts"
import { decodeDisclosurePart, encodeDisclosurePart } from "./disclosure-frame.ts"
import { encodeFrame, type Frame, type FrameName, frameTypes } from "./frame.ts"
import { FrameReader } from "./frame-reader.ts"
import { decodeRenew, decodeRenewed, encodeRenewed } from "./renewal-frames.ts"
import {
  decodeGoaway,
  decodeHello,
  decodeWelcome,
  encodeGoaway,
  encodeHello,
  encodeWelcome,
} from "./session-frames.ts"
import { streamDigestNext, streamDigestStart } from "./stream-digest.ts"
import {
  decodeBeat,
  decodeClose,
  decodeClosed,
  decodeGap,
  decodeOpen,
  decodeOpened,
  decodeRefused,
  encodeBeat,
  encodeClose,
  encodeClosed,
  encodeGap,
  encodeOpen,
  encodeOpened,
  encodeRefused,
} from "./stream-frames.ts"

interface WireVectors {
  json: { type: FrameName; value: unknown; body: string; frame: string }[]
  lenient: { type: FrameName; value: unknown; body: string }[]
  altered: { channel: number; sequence: number; events: object[]; frame: string }[]
  disclosures: { digest: string; isMore: boolean; part: string; frame: string }[]
  batches: {
    channel: number
    sequence: number
    previous: string
    events: string[]
    frame: string
    after: string
  }[]
  acks: { frame: string; credit: number }[]
  credits: { frame: string; credit: number }[]
  pings: { type: FrameName; body: string; frame: string }[]
  refusedFrames: { why: string; code: string; bytes: string }[]
  refusedBodies: { why: string; type: FrameName; code: string; body: string }[]
  stream: string
  streamDigestStart: string
  chain: { sequence: number; count: number; region: string; digest: string }[]
}

const vectors: WireVectors = JSON.parse(
  readFileSync(new URL("../../../../docs/spec/vectors/wire.json", import.meta.url), "utf8"),
)

/** Bytes as lower-case hex, as they stand in the vectors; everything else as it is. */
const withHex = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, inner) => (inner instanceof Uint8Array ? formatHex(inner) : inner)),
  )
const bytesOf = (hex: string): Uint8Array => {
  const bytes = parseHex(hex)
  if (bytes === undefined) throw new Error(`not hex: ${hex}`)
  return bytes
}
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const decoders: Record<string, (body: Uint8Array) => unknown> = {
  hello: decodeHello,
  welcome: decodeWelcome,
  open: decodeOpen,
  opened: decodeOpened,
  refused: decodeRefused,
  gap: decodeGap,
  beat: decodeBeat,
  audit: decodeAudit,
  checkpoint: decodeCheckpoint,
  doubt: decodeDoubt,
  renew: decodeRenew,
  renewed: decodeRenewed,
  close: decodeClose,
  closed: decodeClosed,
  goaway: decodeGoaway,
  ack: decodeAck,
  credit: decodeCredit,
  altered: decodeAltered,
  disclosure: decodeDisclosurePart,
  batch: (body) => {
    const { region, count } = decodeBatchHeader(body)
    return splitRegion(region, count)
  },
}

// The vectors give digests as hex, the encoders take bytes.
// biome-ignore lint/suspicious/noExplicitAny: a vector's value has the shape that its type names
const encoders: Record<string, (value: any) => Uint8Array> = {
  hello: encodeHello,
  welcome: encodeWelcome,
  open: encodeOpen,
  opened: (value) => encodeOpened({ ...value, digest: bytesOf(value.digest) }),
  refused: encodeRefused,
  gap: (value) => encodeGap({ ...value, digest: bytesOf(value.digest) }),
  beat: encodeBeat,
  audit: encodeAudit,
  checkpoint: (value) => {
    const hashes = (list: readonly string[]) => list.map(bytesOf)
    const { consistency, path } = value
    return encodeCheckpoint({ ...value, consistency: hashes(consistency), path: hashes(path) })
  },
  doubt: encodeDoubt,
  renewed: encodeRenewed,
  close: encodeClose,
  closed: encodeClosed,
  goaway: encodeGoaway,
}

const decode = (type: string, body: Uint8Array): unknown => {
  const decoder = decoders[type]
  if (decoder === undefined) throw new Error(`no decoder for ${type}`)
  return decoder(body)
}

/** All frames of the bytes, fed in chunks of a size, and the code of the error that ended them. */
const readFrames = (bytes: Uint8Array, chunkBytes: number): { frames: Frame[]; code?: string } => {
  const reader = new FrameReader()
  const frames: Frame[] = []
  try {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      reader.push(bytes.slice(at, at + chunkBytes))
      frames.push(...reader)
    }
    return { frames }
  } catch (error) {
    return { frames, code: isPosternError(error) ? error.code : String(error) }
  }
}

/** The one frame in the bytes, the same whole and byte by byte. */
const readOne = (hex: string): Frame => {
  const whole = readFrames(bytesOf(hex), 1 << 20)
  const dripped = readFrames(bytesOf(hex), 1)
  expect(withHex(dripped)).toEqual(withHex(whole))
  expect(whole.frames.length).toBe(1)
  return whole.frames[0] as Frame
}

describe("the vectors of docs/spec/vectors/wire.json", () => {
  test.each(vectors.json)("$type with JSON $body", ({ type, value, body, frame }) => {
    const read = readOne(frame)
    expect(read.type).toBe(frameTypes[type])
    expect(textOf(read.body)).toBe(body)
    expect(withHex(decode(type, read.body))).toEqual(value)
    const encoded = encoders[type]?.(value) ?? new Uint8Array(0)
    expect(formatHex(encodeFrame(read.type, encoded))).toBe(frame)
  })

  test.each(vectors.lenient)("$type ignores members it does not know", ({ type, value, body }) => {
    expect(decode(type, new TextEncoder().encode(body))).toEqual(value)
  })

  test.each(vectors.batches)("BATCH from $sequence on channel $channel", (vector) => {
    const { channel, sequence, frame, after } = vector
    const previous = bytesOf(vector.previous)
    const events = vector.events.map(bytesOf)
    const read = readOne(frame)
    const header = decodeBatchHeader(read.body)
    expect(header).toMatchObject({ channel, sequence, count: events.length })
    expect(formatHex(header.previous)).toBe(vector.previous)
    expect(splitRegion(header.region, header.count).map(formatHex)).toEqual(vector.events)
    expect(formatHex(encodeBatchFrame({ channel, sequence, previous, events }))).toBe(frame)
    expect(encodeBatch({ channel, sequence, previous, events })).toEqual(read.body)
    const digest = streamDigestNext(previous, sequence, events.length, header.region)
    expect(formatHex(digest)).toBe(after)
  })

  test.each(vectors.disclosures)("DISCLOSURE, more follows: $isMore", (vector) => {
    const { digest, isMore, part, frame } = vector
    const read = readOne(frame)
    expect(read.type).toBe(frameTypes.disclosure)
    expect(withHex(decodeDisclosurePart(read.body))).toEqual({ digest, isMore, part })
    const body = encodeDisclosurePart({ digest: bytesOf(digest), isMore, part: bytesOf(part) })
    expect(formatHex(encodeFrame(frameTypes.disclosure, body))).toBe(frame)
  })

  test.each(vectors.altered)("ALTERED from $sequence on", ({ frame, ...value }) => {
    const read = readOne(frame)
    const altered = decodeAltered(read.body)
    expect(withHex(altered)).toEqual(value)
    expect([...encodeAltered(altered)]).toEqual([read.body])
  })

  test.each(vectors.acks)("ACK with credit $credit", ({ frame, ...value }) => {
    const read = readOne(frame)
    const ack = decodeAck(read.body)
    expect(withHex(ack)).toEqual(value)
    expect(formatHex(encodeAckFrame(ack))).toBe(frame)
    expect(encodeAck(ack)).toEqual(read.body)
  })

  test.each(vectors.credits)("CREDIT $credit", ({ credit, frame }) => {
    expect(decodeCredit(readOne(frame).body)).toBe(credit)
    expect(formatHex(encodeFrame(frameTypes.credit, encodeCredit(credit)))).toBe(frame)
  })

  test.each(vectors.pings)("$type of $body", ({ type, body, frame }) => {
    const read = readOne(frame)
    expect(read).toEqual({ type: frameTypes[type], body: bytesOf(body) })
    expect(formatHex(encodeFrame(read.type, read.body))).toBe(frame)
  })

  test("the chain of one stream", () => {
    let digest = streamDigestStart(vectors.stream)
    expect(formatHex(digest)).toBe(vectors.streamDigestStart)
    for (const { sequence, count, region, digest: wanted } of vectors.chain) {
      digest = streamDigestNext(digest, sequence, count, bytesOf(region))
      expect(formatHex(digest)).toBe(wanted)
    }
  })

  test.each(vectors.refusedFrames)("a frame is refused: $why", ({ code, bytes }) => {
    expect(readFrames(bytesOf(bytes), 1 << 20)).toEqual({ frames: [], code })
    expect(readFrames(bytesOf(bytes), 1)).toEqual({ frames: [], code })
  })

  test.each(vectors.refusedBodies)("a body of $type is refused: $why", ({ type, body, code }) => {
    expect(() => decode(type, bytesOf(body))).toThrow(expect.objectContaining({ code }))
  })
})
