import { assert, limits, PosternError } from "../base/index.ts"
import { decodeJsonBody, encodeJsonBody, JsonBody } from "./json-body.ts"
import { errorCodePattern, hintLengthMax } from "./session-frames.ts"

/**
 * The JSON frames about one stream: OPEN, OPENED, REFUSED, GAP, CLOSE, CLOSED (docs/spec/wire.md).
 */

export interface Open {
  /** 0 to 65,535, chosen by the writer; names the stream on this connection. */
  readonly channel: number
  /** The stream's id: 32 lower-case hex digits. */
  readonly stream: string
  /** Every sequence below is acknowledged as far as the writer knows. */
  readonly acked: number
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

export const digestBytes = 32
const channelMax = 0xffff
const reasonLengthMax = 256
const streamPattern = /^[0-9a-f]{32}$/

export function encodeOpen(open: Open): Uint8Array {
  return encodeJsonBody({ channel: open.channel, stream: open.stream, acked: open.acked })
}

export function decodeOpen(body: Uint8Array): Open {
  const json = decodeJsonBody("OPEN", body)
  return {
    channel: json.integer("channel", 0, channelMax),
    stream: json.matching("stream", streamPattern, "32 lower-case hex digits"),
    acked: json.integer("acked", 0, limits.sequenceMax + 1),
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

/** CLOSE and CLOSED carry the channel alone. */
export function encodeClose(close: { readonly channel: number }): Uint8Array {
  return encodeJsonBody({ channel: close.channel })
}

export function decodeClose(body: Uint8Array): { channel: number } {
  return { channel: decodeJsonBody("CLOSE", body).integer("channel", 0, channelMax) }
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
