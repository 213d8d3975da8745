import { limits, PosternError } from "@postern/log/base"
import type {
  Altered,
  AlteredEvent,
  BatchAck,
  Open,
  Opened,
  Refusal,
  Refused,
  Welcome,
} from "@postern/log/wire"
import type { Profile } from "../profile.ts"
import type { FrameStore } from "./frame-store.ts"
import { disclosureFrameBytes, Handover } from "./handover.ts"
import type { LogKeys, ReceiptKey } from "./log-keys.ts"
import type { OpenedVerdict } from "./session.ts"
import { endOf, type Loss, type SpoolFrame } from "./spool-frame.ts"
import { batchFrameBytes, encodeSpoolFrame, isExpired, judgeOpened } from "./stream-chain.ts"
import type { StreamPoint } from "./stream-signer.ts"
import type { World } from "./world.ts"

/** As long as the port knows a stream without hearing of it, less a margin. */
const streamLifeMs = 6 * 24 * 3600 * 1000

/** A frame that the port has taken, and what it said about it. */
export interface Delivered {
  readonly frame: SpoolFrame
  /** The batch's region; undefined for a gap, and if nobody wanted it. */
  readonly region: Buffer | undefined
  readonly refused: readonly Refusal[]
  /** Events that the port's policy changed, as they are kept. */
  readonly altered: readonly AlteredEvent[]
  /** Undefined if the port said so only at reconnection, or of a later frame. */
  readonly ack: BatchAck | undefined
  /** The slot's receipt; empty if the port no longer has it at hand. */
  readonly note: string
  /** The key of the receipts, and the note that certifies it; undefined if that does not verify. */
  readonly receiptKey: ReceiptKey | undefined
}

export interface DeliveryEvents {
  /** Whether the frame's events are looked at when it is acknowledged. */
  wants(frame: SpoolFrame): boolean
  /** The first position for which somebody waits for a receipt. */
  awaited(): number | undefined
  /** In the order of the stream, just before the frame leaves the spool. */
  delivered(delivered: Delivered): void
  /** Frames have left the spool. */
  settled(): void
  /** Frames could not be read; the port is told of a gap. */
  damaged(loss: Loss): void
}

/** A frame in hand, or a part of a disclosure that its events name, to be sent if the session agrees. */
export interface Outgoing {
  readonly frame: SpoolFrame
  readonly isPart: boolean
  /** Where sending goes on behind it. */
  readonly end: number
  readonly region: Buffer | undefined
  readonly creditBytes: number
}

/** What passes between the spool and one connection after the other: frames out, acknowledgements in. */
export class Delivery {
  readonly #spool: FrameStore
  readonly #world: World
  readonly #keys: LogKeys
  readonly #events: DeliveryEvents
  readonly #refused = new Map<number, readonly Refusal[]>()
  readonly #altered = new Map<number, AlteredEvent[]>()
  #handover = new Handover()
  /** The chain digest of the last OPENED. */
  #openedDigest: Uint8Array | undefined
  /** The highest position that the port can know of this stream: recorded before, or sent by this process. */
  #knownEnd: number
  /** How far the port was when the stream was opened on this connection. */
  #openedEnd = 0
  /** delivered() was called for everything below. */
  #deliveredEnd = 0

  constructor(spool: FrameStore, world: World, keys: LogKeys, events: DeliveryEvents) {
    this.#spool = spool
    this.#world = world
    this.#keys = keys
    this.#events = events
    this.#knownEnd = spool.recoveredEnd
  }

  get hasFrames(): boolean {
    return this.#spool.queue.length > 0
  }

  /** OPEN for the spool's stream. */
  opening(channel: number): Open {
    const { stream, anchor } = this.#spool
    const acked = anchor.position - stream.start
    const { previous } = stream
    return { channel, stream: stream.id, acked, ...(previous === undefined ? {} : { previous }) }
  }

  /**
   * A new connection. Resolves with what is wrong with the port's receipts; the events may be delivered all the same.
   * Errors: NOTE_INVALID if the port keeps another log.
   */
  async welcome(welcome: Welcome, profile: Profile): Promise<PosternError | undefined> {
    const { origin } = profile.log
    this.#refused.clear()
    this.#altered.clear()
    this.#handover = new Handover()
    if (welcome.origin !== origin) {
      throw new PosternError("NOTE_INVALID", `the port keeps ${welcome.origin}, not ${origin}`)
    }
    return this.#keys.begin(profile, welcome)
  }

  /** What an OPENED means. */
  async judge({ next, digest }: Opened): Promise<OpenedVerdict> {
    const spool = this.#spool
    const verdict = await judgeOpened(spool, next, digest, this.#knownEnd)
    this.#openedDigest = digest
    if (verdict.kind === "behind" && isExpired(spool, next, digest)) {
      if (this.#world.nowMs() - spool.ackedAtMs > streamLifeMs) return { kind: "expired" }
    }
    if (verdict.kind !== "resume") return verdict
    const { position, resendable } = verdict
    this.#openedEnd = position
    const awaited = this.#events.awaited() ?? position
    // Where somebody waits for a receipt, frames are sent once more: the port then repeats what it said.
    const again =
      awaited < position && awaited >= resendable ? spool.queue.find(awaited) : undefined
    const from = again?.kind === "batch" ? again.position : position
    return { kind: "resume", position, from }
  }

  /** The spool goes on in a new stream; resolves with the position where it begins. */
  async switchStream(): Promise<number> {
    await this.#spool.switchStream(this.#world)
    const { position } = this.#spool.anchor
    this.#knownEnd = position
    return position
  }

  /** The frame at `position`, its bytes in memory. Undefined if there is none. */
  async next(position: number): Promise<Outgoing | undefined> {
    const spool = this.#spool
    for (;;) {
      const frame = spool.queue.find(position)
      if (frame === undefined) return undefined
      if (frame.kind === "gap") {
        await spool.recorded()
        // It may have grown meanwhile, to either side.
        if (spool.queue.find(position) !== frame || frame.position !== position) continue
        return { frame, isPart: false, end: endOf(frame), region: undefined, creditBytes: 0 }
      }
      const part = this.#handover.next(frame, this.#openedEnd)
      const region =
        part === undefined
          ? (frame.region ?? (await spool.load(frame)))
          : await spool.loadPart(frame, part)
      if (region !== undefined && spool.queue.find(position) === frame) {
        const isPart = part !== undefined
        const creditBytes = isPart ? disclosureFrameBytes(region) : batchFrameBytes(region.length)
        return { frame, isPart, end: isPart ? position : endOf(frame), region, creditBytes }
      }
      // It cannot be read: better a gap than a spool that is stuck. Or it was dropped meanwhile: a gap stands there already.
      if (frame.place !== undefined) this.#events.damaged(spool.abandon(frame))
      if (this.isMidDisclosure) throw new PosternError("SPOOL_DAMAGED", "a disclosure, half sent")
    }
  }

  /** Whether it is still to be sent: what was given up meanwhile has left its bytes to others. */
  holds({ frame }: Outgoing): boolean {
    return this.#spool.queue.find(frame.position) === frame
  }

  /** Behind the frame whose disclosures are being handed over; 0 if there is none. */
  get handoverEnd(): number {
    return this.#handover.end
  }

  /** Part of a disclosure was sent, and nothing else may be before the rest of it. */
  get isMidDisclosure(): boolean {
    return this.#handover.isMidDisclosure
  }

  /** The bytes of a frame that is being sent now, in pieces; they are to be looked at at once. */
  encode({ frame, isPart, region }: Outgoing, channel: number): readonly Uint8Array[] {
    if (isPart && region !== undefined) return [this.#handover.encode(frame, region)]
    this.#knownEnd = Math.max(this.#knownEnd, endOf(frame))
    return encodeSpoolFrame(this.#spool, frame, channel, region)
  }

  /**
   * What can be signed for when everything below `position` was sent. Undefined if that is nothing, if the port knows more than it was
   * sent on this connection, or if the digest there is not known.
   */
  pointAt(position: number): StreamPoint | undefined {
    const { stream, anchor, queue } = this.#spool
    if (position < this.#openedEnd || position <= stream.start) return undefined
    const last = queue.find(position - 1)
    const sent = last !== undefined && endOf(last) === position ? last.digest : undefined
    const digest = position === anchor.position ? anchor.digest : sent
    return digest && { stream: stream.id, next: position - stream.start, digest }
  }

  refuse({ sequence, refused }: Refused): void {
    this.#refused.set(sequence, refused)
  }

  /**
   * A batch's altered events may come in several frames. The bytes are copied: they are views of what was read. What is said of
   * other events than those sent is not kept. Errors: FRAME_SYNTAX for what the batch has not, or has twice, and for an event that
   * no entry could hold.
   */
  alter({ sequence, events }: Altered): void {
    const position = this.#spool.stream.start + sequence
    const frame = this.#spool.queue.find(position)
    const isSent = frame?.position === position && endOf(frame) <= this.#knownEnd
    if (!isSent || frame.kind !== "batch" || endOf(frame) <= this.#deliveredEnd) return
    const known = this.#altered.get(sequence) ?? []
    const before = known.at(-1)?.position ?? -1
    if ((events[0]?.position ?? 0) <= before || (events.at(-1)?.position ?? 0) >= frame.count) {
      throw new PosternError("FRAME_SYNTAX", `ALTERED events that the batch at ${sequence} has not`)
    }
    if (events.some(({ event }) => event.length > limits.entryBytesMax)) {
      throw new PosternError("FRAME_SYNTAX", `ALTERED events of ${sequence} that fit no entry`)
    }
    for (const one of events) known.push({ ...one, event: one.event.slice() })
    this.#altered.set(sequence, known)
  }

  /** The frame that a row of an ACK is about. Errors: FRAME_SYNTAX for what was not sent. */
  sentFrame({ sequence, events }: BatchAck, cursor: number): SpoolFrame {
    const position = this.#spool.stream.start + sequence
    const frame = this.#spool.queue.find(position)
    const isSent = frame !== undefined && endOf(frame) <= cursor
    if (!isSent || frame.position !== position || frame.count !== events) {
      const detail = `ACK of ${events} events from ${sequence}, which were not sent so`
      throw new PosternError("FRAME_SYNTAX", detail)
    }
    return frame
  }

  /** A copy of the frame's region, if somebody wants to look at it: that is later than the frame is settled. */
  async wantedRegion(frame: SpoolFrame): Promise<Buffer | undefined> {
    if (frame.kind === "gap" || !this.#events.wants(frame)) return undefined
    if (frame.region === undefined) await this.#spool.load(frame)
    return frame.region && Buffer.from(frame.region)
  }

  /** The port has taken the frame, and everything before it. */
  deliver(frame: SpoolFrame, region: Buffer | undefined, ack: BatchAck, note: string): void {
    this.#deliverBelow(frame.position)
    this.#deliver(frame, region, ack, note)
  }

  /** Everything below is the port's: frames leave the spool. */
  settle(position: number): void {
    const { anchor, queue } = this.#spool
    if (position <= anchor.position) return
    this.#deliverBelow(position)
    const last = queue.find(position - 1)
    const own = last !== undefined && endOf(last) === position ? last.digest : undefined
    // Inside a gap, only the port's word is there.
    const digest = own ?? this.#openedDigest ?? anchor.digest
    this.#spool.settle(position, digest, this.#world.nowMs())
    this.#events.settled()
  }

  #deliverBelow(position: number): void {
    for (const frame of this.#spool.queue.from(this.#deliveredEnd)) {
      if (endOf(frame) > position) return
      this.#deliver(frame, undefined, undefined, "")
    }
  }

  #deliver(
    frame: SpoolFrame,
    region: Buffer | undefined,
    ack: BatchAck | undefined,
    note: string,
  ): void {
    const sequence = frame.position - this.#spool.stream.start
    const refused = this.#refused.get(sequence) ?? []
    this.#refused.delete(sequence)
    const altered = this.#altered.get(sequence) ?? []
    this.#altered.delete(sequence)
    this.#deliveredEnd = endOf(frame)
    const { receiptKey } = this.#keys
    this.#events.delivered({ frame, region, refused, altered, ack, note, receiptKey })
  }
}
