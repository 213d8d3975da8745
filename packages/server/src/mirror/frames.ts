import { decodeUtf8, PosternError } from "@postern/log/base"
import { slotBytesMax } from "../disk/index.ts"

/** A frame of `/v1/log/slots` (docs/spec/mirror.md, Slots). */
export type SlotFrame =
  | {
      readonly kind: "begin"
      readonly origin: string
      readonly session: string
      readonly from: number
      readonly slots: number
      readonly size: number
    }
  | { readonly kind: "segment"; readonly first: number; readonly start: string }
  | { readonly kind: "slot"; readonly bytes: Uint8Array }
  | { readonly kind: "checkpoint"; readonly note: string }
  | { readonly kind: "head"; readonly slots: number; readonly size: number; readonly time: number }
  | { readonly kind: "end"; readonly problem: Readonly<Record<string, unknown>> }

const frameHeaderBytes = 6
const startBytesMax = 16 * 1024 * 1024
/** Longest body by type; what is not listed is no frame. */
const bodyBytesMax: Readonly<Record<number, number>> = {
  1: 65_536,
  2: 8 + startBytesMax,
  3: slotBytesMax,
  4: 1_000_000,
  5: 24,
  6: 65_536,
}

/**
 * Frames of an answer as it arrives, however it is cut. A body is collected only after its length was found acceptable.
 * Ends with the answer; an answer that breaks off in a frame simply ends. Errors: FRAME_SYNTAX, FRAME_TYPE, FRAME_LENGTH.
 */
export async function* readSlotFrames(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<SlotFrame, void, undefined> {
  let held: Uint8Array[] = []
  let bytes = 0
  /** Bytes of the frame that is being collected, once its header is known. */
  let wanted = frameHeaderBytes
  for await (const chunk of chunks) {
    held.push(chunk)
    bytes += chunk.length
    while (bytes >= wanted) {
      const joined = held.length === 1 ? (held[0] as Uint8Array) : Buffer.concat(held, bytes)
      const needed = frameBytes(joined)
      if (joined.length < needed) {
        held = [joined]
        wanted = needed
        break
      }
      yield decodeFrame(joined[4] as number, joined.subarray(frameHeaderBytes, needed))
      const rest = joined.subarray(needed)
      held = rest.length === 0 ? [] : [rest]
      bytes = rest.length
      wanted = frameHeaderBytes
    }
  }
}

/** Length of the whole frame whose header stands at the beginning. */
function frameBytes(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, frameHeaderBytes)
  const [length, type, flags] = [view.getUint32(0), view.getUint8(4), view.getUint8(5)]
  const most = bodyBytesMax[type]
  if (most === undefined || flags !== 0) throw new PosternError("FRAME_TYPE", `slots type ${type}`)
  if (length < 2 || length - 2 > most) {
    throw new PosternError("FRAME_LENGTH", `${length} bytes of slots type ${type}`)
  }
  return 4 + length
}

function decodeFrame(type: number, body: Uint8Array): SlotFrame {
  switch (type) {
    case 1:
      return decodeBegin(body)
    case 2:
      return { kind: "segment", first: uint64(body, 0), start: text(body.subarray(8)) }
    case 3:
      return { kind: "slot", bytes: body }
    case 4:
      return { kind: "checkpoint", note: text(body) }
    case 5:
      return { kind: "head", slots: uint64(body, 0), size: uint64(body, 8), time: uint64(body, 16) }
    default:
      return { kind: "end", problem: json(body) }
  }
}

function decodeBegin(body: Uint8Array): SlotFrame {
  const { postern, origin, session, from, slots, size } = json(body)
  const whole = [from, slots, size].every(isCount)
  if (postern !== "slots@v1" || !whole || typeof origin !== "string") {
    throw new PosternError("FRAME_SYNTAX", "BEGIN is not one of slots@v1")
  }
  if (typeof session !== "string" || !/^[0-9a-f-]{36}$/.test(session)) {
    throw new PosternError("FRAME_SYNTAX", "BEGIN names no session")
  }
  const counts = { from: Number(from), slots: Number(slots), size: Number(size) }
  return { kind: "begin", origin, session, ...counts }
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
}

function uint64(body: Uint8Array, at: number): number {
  if (body.length < at + 8) throw new PosternError("FRAME_SYNTAX", "the frame is too short")
  const value = Number(new DataView(body.buffer, body.byteOffset).getBigUint64(at))
  if (!Number.isSafeInteger(value)) throw new PosternError("FRAME_SYNTAX", "a number above 2^53")
  return value
}

function text(body: Uint8Array): string {
  const value = decodeUtf8(body)
  if (value === undefined) throw new PosternError("FRAME_SYNTAX", "the frame is not UTF-8")
  return value
}

function json(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text(body))
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>
  } catch (cause) {
    throw new PosternError("FRAME_SYNTAX", "the frame is not JSON", { cause })
  }
  throw new PosternError("FRAME_SYNTAX", "the frame is not a JSON object")
}
