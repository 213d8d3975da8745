import { assert, limits } from "../base/index.ts"
import { writeU32 } from "./integers.ts"

/** The frames of postern/1 by name (docs/spec/wire.md). */
export const frameTypes = {
  hello: 1,
  welcome: 2,
  open: 3,
  opened: 4,
  batch: 5,
  ack: 6,
  refused: 7,
  credit: 8,
  gap: 9,
  close: 10,
  closed: 11,
  ping: 12,
  pong: 13,
  goaway: 14,
  beat: 15,
  audit: 16,
  checkpoint: 17,
  doubt: 18,
  disclosure: 19,
  renew: 20,
  renewed: 21,
  altered: 22,
} as const

export type FrameName = keyof typeof frameTypes
export type FrameType = (typeof frameTypes)[FrameName]

/** A frame that has arrived whole and whose type is known; its body has not been judged. */
export interface Frame {
  readonly type: FrameType
  readonly body: Uint8Array
}

/** u32 length, u8 type, u8 flags. */
export const frameHeaderBytes = 6
/** What the length field does not count: itself. */
export const lengthFieldBytes = 4
export const jsonBodyBytesMax = 65_536
export const pingBodyBytesMax = 64
export const creditBodyBytes = 8
/** 32 digest, u8 whether more follows. */
export const disclosureHeaderBytes = 33
const disclosurePartBytesMax = 1_048_000
/** A certificate request: PKCS#10, DER. */
export const certificateRequestBytesMax = 4096

const bodyBytesMax: Readonly<Record<FrameName, number>> = {
  hello: jsonBodyBytesMax,
  welcome: jsonBodyBytesMax,
  open: jsonBodyBytesMax,
  opened: jsonBodyBytesMax,
  batch: limits.frameBytesMax - frameHeaderBytes,
  ack: limits.frameBytesMax - frameHeaderBytes,
  refused: jsonBodyBytesMax,
  credit: creditBodyBytes,
  gap: jsonBodyBytesMax,
  close: jsonBodyBytesMax,
  closed: jsonBodyBytesMax,
  ping: pingBodyBytesMax,
  pong: pingBodyBytesMax,
  goaway: jsonBodyBytesMax,
  beat: jsonBodyBytesMax,
  audit: jsonBodyBytesMax,
  checkpoint: jsonBodyBytesMax,
  doubt: jsonBodyBytesMax,
  disclosure: disclosureHeaderBytes + disclosurePartBytesMax,
  renew: certificateRequestBytesMax,
  renewed: jsonBodyBytesMax,
  altered: limits.frameBytesMax - frameHeaderBytes,
}

interface FrameKind {
  readonly type: FrameType
  readonly name: string
  readonly bodyBytesMax: number
}

const kinds: readonly (FrameKind | undefined)[] = Object.entries(frameTypes).reduce(
  (table: (FrameKind | undefined)[], [name, type]) => {
    const kind = { type, name: name.toUpperCase(), bodyBytesMax: bodyBytesMax[name as FrameName] }
    table[type] = kind
    return table
  },
  [undefined],
)

/** What is known of a type byte of a peer; undefined if postern/1 has no such frame. */
export function frameKind(type: number): FrameKind | undefined {
  return kinds[type]
}

/** A frame of our own, ready to send: header and a copy of the body. */
export function encodeFrame(type: FrameType, body: Uint8Array): Uint8Array {
  const frame = createFrame(type, body.length)
  frame.set(body, frameHeaderBytes)
  return frame
}

/** A frame with its header written and room for the body, for encoders that fill it in place. */
export function createFrame(type: FrameType, bodyBytes: number): Uint8Array {
  const kind = frameKind(type)
  assert(kind !== undefined, "a frame has a known type")
  assert(bodyBytes <= kind.bodyBytesMax, `a ${kind.name} body is within its bound`)
  const frame = new Uint8Array(frameHeaderBytes + bodyBytes)
  writeU32(frame, 0, frame.length - lengthFieldBytes)
  frame[4] = type
  return frame
}
