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
import { endOf, type SpoolFrame } from "./frame-queue.ts"
import type { Spool } from "./spool.ts"

/** What a port's OPENED means for the spool. */
export type Verdict =
  /** Both know the same up to this position. */
  | { readonly kind: "resume"; readonly position: number }
  /** The port knows less than it has acknowledged. */
  | { readonly kind: "behind" }
  /** The port's stream is not this spool's. Frames below `settled` are in both. */
  | { readonly kind: "diverged"; readonly settled: number }

/**
 * Compares what the port knows of the stream with the spool.
 * @param knownEnd end of what the port can know: recorded before this process, or sent by it
 */
export async function judgeOpened(
  spool: Spool,
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
  let own: Uint8Array | undefined = anchor.digest
  let at = anchor.position
  for (const frame of [...spool.queue.from(at)]) {
    if (endOf(frame) > position) {
      // Inside a gap the port may stop anywhere: the events are lost to us, whatever it has of them.
      if (frame.kind === "batch") break
      at = position
      own = undefined
      break
    }
    own = own && (await digestAfter(spool, frame, own))
    at = endOf(frame)
  }
  if (at !== position) return { kind: "diverged", settled: anchor.position }
  // Behind a gap the digest cannot be checked, and need not be: it is taken over.
  if (own !== undefined && !equalBytes(own, digest)) {
    return { kind: "diverged", settled: anchor.position }
  }
  return { kind: "resume", position }
}
