import { createHash } from "node:crypto"
import { equalBytes, sha256 } from "@postern/log/base"
import {
  type BatchAck,
  batchHeaderBytes,
  encodeBatchFrame,
  encodeFrame,
  encodeGap,
  frameHeaderBytes,
  frameTypes,
  streamDigestNext,
  streamDigestStart,
} from "@postern/log/wire"
import { eventBytes } from "./event.ts"

/** A frame that is not acknowledged yet. It is sent again exactly as it was. */
export interface SpooledFrame {
  readonly kind: "batch" | "gap"
  readonly sequence: number
  readonly count: number
  readonly bytes: Uint8Array
  /** Chain digest after it. */
  readonly digest: Uint8Array
}

/** Events `[sequence, sequence + count)`, and where the port said they are; no index = it no longer knew. */
export interface Acknowledged {
  readonly sequence: number
  readonly count: number
  readonly first: number | undefined
}

/** An acknowledgement with what it takes to check its receipt. */
export interface Sample {
  readonly ack: BatchAck
  readonly note: string
  readonly frame: Uint8Array
}

const frameBytesWanted = 900_000

/**
 * One stream as its writer remembers it: what was made, what is unacknowledged, what the port answered. Collects faults
 * instead of throwing: the writer goes on.
 */
export class StreamRecord {
  readonly name: string
  readonly id: string
  readonly channel: number
  readonly faults: string[] = []
  readonly acknowledged: Acknowledged[] = []
  readonly gaps: { sequence: number; count: number }[] = []
  readonly spool: SpooledFrame[] = []
  spoolBytes = 0
  /** Index of the opening entry. */
  open: number | undefined
  /** Everything below is known to be kept. */
  kept = 0
  /** Sequence of the next event to be made. */
  next = 0
  closed = false
  sample: Sample | undefined
  /** Chain digest after what was made, and after what is kept. */
  #digest: Uint8Array
  #keptDigest: Uint8Array

  constructor(name: string, channel: number) {
    this.name = name
    this.channel = channel
    this.id = createHash("sha256").update(name).digest("hex").slice(0, 32)
    this.#digest = streamDigestStart(this.id)
    this.#keptDigest = this.#digest
  }

  /** Makes the next frame, of about that many events, and keeps it until it is acknowledged. */
  make(events: number): SpooledFrame {
    const made: Buffer[] = []
    let bytes = 0
    for (let i = 0; i < events && bytes < frameBytesWanted; i++) {
      const event = eventBytes(this.name, this.next + i)
      bytes += event.length
      made.push(event)
    }
    const { channel } = this
    const batch = { channel, sequence: this.next, previous: this.#digest, events: made }
    const frame = encodeBatchFrame(batch)
    const region = frame.subarray(frameHeaderBytes + batchHeaderBytes)
    const digest = streamDigestNext(this.#digest, this.next, made.length, region)
    return this.#spool({
      kind: "batch",
      sequence: this.next,
      count: made.length,
      bytes: frame,
      digest,
    })
  }

  /** Declares the next `count` events to be lost, as an application does whose own buffer ran over. */
  makeGap(count: number): SpooledFrame {
    const digest = sha256(this.#digest)
    const { channel } = this
    const gap = { channel, sequence: this.next, count, digest, reason: "made up for the test" }
    this.gaps.push({ sequence: this.next, count })
    const bytes = encodeFrame(frameTypes.gap, encodeGap(gap))
    return this.#spool({ kind: "gap", sequence: this.next, count, bytes, digest })
  }

  #spool(frame: SpooledFrame): SpooledFrame {
    this.#digest = frame.digest
    this.next += frame.count
    this.spool.push(frame)
    this.spoolBytes += frame.bytes.length
    return frame
  }

  /** What the port says it has: it must hold all that it acknowledged, and nothing that was never sent. */
  opened(open: number, next: number, digest: Uint8Array): void {
    this.open ??= open
    if (this.open !== open) this.#fault(`its opening entry moved from ${this.open} to ${open}`)
    if (next < this.kept) this.#fault(`the port is at ${next}, ${this.kept} were acknowledged`)
    const before = this.spool.findLast((frame) => frame.sequence + frame.count <= next)
    const end = before === undefined ? this.kept : before.sequence + before.count
    if (end !== next) this.#fault(`the port stopped at ${next}, between frames`)
    const known = before?.digest ?? this.#keptDigest
    if (!equalBytes(known, digest)) this.#fault(`another chain digest at ${next}`)
  }

  /** Takes the port's word that everything below `next` is kept, and does not ask for the receipts. */
  drop(next: number): void {
    for (let first = this.spool[0]; first !== undefined; first = this.spool[0]) {
      if (first.sequence + first.count > next) break
      this.#leave(first)
    }
  }

  acknowledge(ack: BatchAck, note: string): void {
    const [frame] = this.spool
    if (frame === undefined || ack.sequence !== frame.sequence || ack.events !== frame.count) {
      const expected = frame === undefined ? "nothing" : `${frame.sequence}+${frame.count}`
      return this.#fault(`an ack for ${ack.sequence}+${ack.events}, expected ${expected}`)
    }
    this.#leave(frame)
    if (frame.kind === "gap") {
      if (ack.accepted !== 0) this.#fault(`a gap at ${ack.sequence} has ${ack.accepted} entries`)
      return
    }
    const known = note !== ""
    if (known && ack.accepted !== ack.events) this.#fault(`${ack.sequence}: not all were accepted`)
    if (known && ack.open !== this.open) this.#fault(`${ack.sequence}: of stream ${ack.open}`)
    const { sequence, count } = frame
    this.acknowledged.push({ sequence, count, first: known ? ack.firstIndex : undefined })
    if (known) this.sample = { ack, note, frame: frame.bytes }
  }

  #leave(frame: SpooledFrame): void {
    this.spool.shift()
    this.spoolBytes -= frame.bytes.length
    this.kept = frame.sequence + frame.count
    this.#keptDigest = frame.digest
  }

  #fault(what: string): void {
    this.faults.push(`${this.name}: ${what}`)
  }
}
