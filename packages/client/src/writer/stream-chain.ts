/**
 * The spool's frames as frames of its stream: sequences, chain digests, the bytes that go to the port. Everything follows from the
 * stream's id, the position where it starts and the frames, so a resend has the same bytes as the first time.
 */
import { assert, encodeUtf8, equalBytes } from "@postern/log/base"
import {
  batchHeaderBytes,
  encodeFrame,
  encodeGap,
  frameHeaderBytes,
  frameTypes,
  streamDigestNext,
  streamDigestStart,
} from "@postern/log/wire"
import type { FrameStore } from "./frame-store.ts"
import { endOf, type SpoolFrame } from "./spool-frame.ts"

/** What a port's OPENED means for the spool. */
export type Verdict =
  /** Both know the same up to `position`; from `resendable` on frames can be sent once more for their receipts. */
  | { readonly kind: "resume"; readonly position: number; readonly resendable: number }
  /** The port knows less than it has acknowledged. */
  | { readonly kind: "behind" }
  /** The port's stream is not this spool's. Frames below `settled` are in both. */
  | { readonly kind: "diverged"; readonly settled: number }

/**
 * Compares what the port knows of the stream with the spool.
 * @param knownEnd end of what the port can know: recorded before this process, or sent by it
 */
export async function judgeOpened(
  spool: FrameStore,
  next: number,
  digest: Uint8Array,
  knownEnd: number,
): Promise<Verdict> {
  const position = spool.stream.start + next
  const { anchor } = spool
  if (position < anchor.position) return { kind: "behind" }
  if (position > knownEnd) {
    // What this process never sent can come from this spool only if its tail was lost (power) or was copied together
    // with it. Either way the port has all that was recorded before, and the rest is new.
    const isTailLost = knownEnd === spool.recoveredEnd && knownEnd >= anchor.position
    return { kind: "diverged", settled: isTailLost ? knownEnd : anchor.position }
  }
  return compareUpTo(spool, position, digest)
}

async function compareUpTo(
  spool: FrameStore,
  position: number,
  digest: Uint8Array,
): Promise<Verdict> {
  const { anchor } = spool
  const diverged: Verdict = { kind: "diverged", settled: anchor.position }
  let own: Uint8Array | undefined = anchor.digest
  let at = anchor.position
  let resendable = at
  while (at < position) {
    const frame = spool.queue.find(at)
    if (frame === undefined) break
    const end = endOf(frame)
    if (frame.kind === "gap") {
      // The port may stop anywhere in a gap, and behind one the digest cannot be checked, only taken over: the events are
      // lost to us, whatever the port has of them, and the gap may have been told to it in parts.
      own = undefined
      at = Math.min(end, position)
      resendable = at
    } else {
      if (end > position) return diverged
      own = own && (await digestAfter(spool, frame, own))
      at = end
    }
    if (at === position) frame.digest = digest
  }
  if (at !== position || (own !== undefined && !equalBytes(own, digest))) return diverged
  return { kind: "resume", position, resendable }
}

/** The chain digest before a frame; known for whatever lies between anchor and what was sent or compared. */
export function digestBefore(spool: FrameStore, frame: SpoolFrame): Uint8Array {
  if (frame.position === spool.anchor.position) return spool.anchor.digest
  const digest = spool.queue.find(frame.position - 1)?.digest
  assert(digest !== undefined, "frames are sent one after the other")
  return digest
}

/** The chain digest after a frame, remembered in it; undefined if its bytes are gone. */
async function digestAfter(
  spool: FrameStore,
  frame: SpoolFrame,
  before: Uint8Array,
): Promise<Uint8Array | undefined> {
  if (frame.region === undefined) await spool.load(frame)
  const { region } = frame
  if (region === undefined) return undefined
  frame.digest ??= streamDigestNext(before, sequenceOf(spool, frame), frame.count, region)
  return frame.digest
}

function sequenceOf(spool: FrameStore, frame: SpoolFrame): number {
  return frame.position - spool.stream.start
}

/**
 * The frame as it goes to the port, in pieces, and its chain digest remembered in it.
 * @param region of a batch; not looked at for a gap
 */
export function encodeSpoolFrame(
  spool: FrameStore,
  frame: SpoolFrame,
  channel: number,
  region: Buffer | undefined,
): readonly Uint8Array[] {
  const before = digestBefore(spool, frame)
  const sequence = sequenceOf(spool, frame)
  if (frame.kind === "gap") {
    const { count, reason = "" } = frame
    // Nobody knows the digest that the lost events would have given, so the gap's own words stand for them.
    const digest = streamDigestNext(before, sequence, count, encodeUtf8(reason))
    frame.digest = digest
    return [encodeFrame(frameTypes.gap, encodeGap({ channel, sequence, count, digest, reason }))]
  }
  assert(region !== undefined, "a batch is loaded before it is sent")
  frame.digest = streamDigestNext(before, sequence, frame.count, region)
  const header = { channel, count: frame.count, sequence, previous: before }
  return [encodeBatchHeader(header, region.length), region]
}

/** What stands before the region in a BATCH frame (docs/spec/wire.md). */
function encodeBatchHeader(
  header: { channel: number; count: number; sequence: number; previous: Uint8Array },
  regionBytes: number,
): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + batchHeaderBytes)
  frame.writeUInt32BE(frame.length + regionBytes - 4, 0)
  frame[4] = frameTypes.batch
  frame[5] = 0
  frame.writeUInt16BE(header.channel, 6)
  frame.writeUInt32BE(header.count, 8)
  frame.writeBigUInt64BE(BigInt(header.sequence), 12)
  frame.set(header.previous, 20)
  return frame
}

/** Bytes of the BATCH frame around a region; what credit counts. */
export function batchFrameBytes(regionBytes: number): number {
  return frameHeaderBytes + batchHeaderBytes + regionBytes
}

/** Whether the port knows nothing of the stream: it was never opened there, or has expired. */
export function isExpired(spool: FrameStore, next: number, digest: Uint8Array): boolean {
  return next === 0 && equalBytes(digest, streamDigestStart(spool.stream.id))
}
