import { assert, limits, PosternError } from "../base/index.ts"
import { decodeJsonBody, encodeJsonBody, JsonBody } from "./json-body.ts"
import { errorCodePattern, hintLengthMax } from "./session-frames.ts"

/**
 * The JSON frames about one stream: OPEN, OPENED, REFUSED, GAP, BEAT, CLOSE, CLOSED (docs/spec/wire.md).
 */

export interface Open {
  /** 0 to 65,535, chosen by the writer; names the stream on this connection. */
  readonly channel: number
  /** The stream's id: 32 lower-case hex digits. */
  readonly stream: string
  /** Every sequence below is acknowledged as far as the writer knows. */
  readonly acked: number
  /** The stream that the same spool was in before; undefined if the writer knows of none. */
  readonly previous?: string
}

export interface Opened {
  readonly channel: number
  /** Index of the opening entry, which is durable. */
  readonly open: number
  /** The sequence that the port expects next. */
  readonly next: number
  /** The chain digest before `next`, 32 bytes. */
  readonly digest: Uint8Array
}

export interface Refused {
  readonly channel: number
  /** First sequence of the batch. */
  readonly sequence: number
  readonly refused: readonly Refusal[]
}

export interface Refusal {
  /** A code of the error registry, or one of a newer port. */
  readonly code: string
  readonly hint: string
  /** Positions in the batch, ascending, each in one refusal only. */
  readonly positions: readonly number[]
}

export interface Gap {
  readonly channel: number
  /** Events [sequence, sequence + count) are lost. */
  readonly sequence: number
  /** 1 to 2^32 - 1, so that an ACK can name it. */
  readonly count: number
  /** The writer's chain digest after the lost events, 32 bytes. */
  readonly digest: Uint8Array
  /** Why, in 1 to 256 characters; goes into the log. */
  readonly reason: string
}

/** The writer signs for its stream so far. */
export interface Beat {
  readonly channel: number
  /** After the last event, or the last gap. */
  readonly sequence: number
  /** Base64 of 64 bytes, over the statement of docs/spec/evidence.md. */
  readonly signature: string
}

export interface Close {
  readonly channel: number
  /** As in a beat; undefined if the writer does not sign. */
  readonly signed?: Omit<Beat, "channel">
}

export const digestBytes = 32
const signatureBytes = 64
const channelMax = 0xffff
const reasonLengthMax = 256
const streamPattern = /^[0-9a-f]{32}$/
const streamMeaning = "32 lower-case hex digits"

export function encodeOpen(open: Open): Uint8Array {
  const { channel, stream, acked, previous } = open
  return encodeJsonBody({ channel, stream, acked, previous })
}

export function decodeOpen(body: Uint8Array): Open {
  const json = decodeJsonBody("OPEN", body)
  return {
    channel: json.integer("channel", 0, channelMax),
    stream: json.matching("stream", streamPattern, streamMeaning),
    acked: json.integer("acked", 0, limits.sequenceMax + 1),
    ...(json.has("previous") && {
      previous: json.matching("previous", streamPattern, streamMeaning),
    }),
  }
}

export function encodeOpened({ channel, open, next, digest }: Opened): Uint8Array {
  return encodeJsonBody({ channel, open, next, digest })
}

export function decodeOpened(body: Uint8Array): Opened {
  const json = decodeJsonBody("OPENED", body)
  return {
    channel: json.integer("channel", 0, channelMax),
    open: json.integer("open", 0, limits.sequenceMax),
    next: json.integer("next", 0, limits.sequenceMax + 1),
    digest: json.hex("digest", digestBytes),
  }
}

export function encodeRefused(refused: Refused): Uint8Array {
  const { channel, sequence } = refused
  const rows = refused.refused.map(({ code, hint, positions }) => ({ code, hint, positions }))
  return encodeJsonBody({ channel, sequence, refused: rows })
}

export function decodeRefused(body: Uint8Array): Refused {
  const json = decodeJsonBody("REFUSED", body)
  const seen = new Set<number>()
  return {
    channel: json.integer("channel", 0, channelMax),
    sequence: json.integer("sequence", 0, limits.sequenceMax),
    refused: json
      .array("refused", 1, limits.batchEventsMax)
      .map((row) => readRefusal(new JsonBody("REFUSED.refused", row), seen)),
  }
}

export function encodeGap({ channel, sequence, count, digest, reason }: Gap): Uint8Array {
  assert(reason.length >= 1 && reason.length <= reasonLengthMax, "a gap has a short reason")
  return encodeJsonBody({ channel, sequence, count, digest, reason })
}

export function decodeGap(body: Uint8Array): Gap {
  const json = decodeJsonBody("GAP", body)
  const sequence = json.integer("sequence", 0, limits.sequenceMax)
  const countMax = Math.min(0xffff_ffff, limits.sequenceMax + 1 - sequence)
  return {
    channel: json.integer("channel", 0, channelMax),
    sequence,
    count: json.integer("count", 1, countMax),
    digest: json.hex("digest", digestBytes),
    reason: json.text("reason", 1, reasonLengthMax),
  }
}

export function encodeBeat({ channel, sequence, signature }: Beat): Uint8Array {
  return encodeJsonBody({ channel, sequence, signature })
}

export function decodeBeat(body: Uint8Array): Beat {
  const json = decodeJsonBody("BEAT", body)
  return { channel: json.integer("channel", 0, channelMax), ...readSigned(json) }
}

export function encodeClose({ channel, signed }: Close): Uint8Array {
  return encodeJsonBody({ channel, sequence: signed?.sequence, signature: signed?.signature })
}

/** Sequence and signature stand both or neither. */
export function decodeClose(body: Uint8Array): Close {
  const json = decodeJsonBody("CLOSE", body)
  const channel = json.integer("channel", 0, channelMax)
  if (!json.has("sequence") && !json.has("signature")) return { channel }
  return { channel, signed: readSigned(json) }
}

function readSigned(json: JsonBody): Omit<Beat, "channel"> {
  return {
    sequence: json.integer("sequence", 0, limits.sequenceMax + 1),
    signature: json.base64("signature", signatureBytes),
  }
}

export function encodeClosed(closed: { readonly channel: number }): Uint8Array {
  return encodeJsonBody({ channel: closed.channel })
}

export function decodeClosed(body: Uint8Array): { channel: number } {
  return { channel: decodeJsonBody("CLOSED", body).integer("channel", 0, channelMax) }
}

function readRefusal(json: JsonBody, seen: Set<number>): Refusal {
  const positions = json.array("positions", 1, limits.batchEventsMax).map((position) => {
    if (typeof position !== "number" || !Number.isInteger(position)) throw badPositions()
    if (position < 0 || position >= limits.batchEventsMax) throw badPositions()
    if (seen.has(position)) throw badPositions()
    seen.add(position)
    return position === 0 ? 0 : position
  })
  if (positions.some((position, i) => i > 0 && position < (positions[i - 1] ?? 0))) {
    throw badPositions()
  }
  return {
    code: json.matching("code", errorCodePattern, "an error code"),
    hint: json.prose("hint", hintLengthMax),
    positions,
  }
}

function badPositions(): PosternError {
  const detail = "REFUSED positions are ascending integers from 0 to 9999, each named once"
  return new PosternError("FRAME_SYNTAX", detail)
}
