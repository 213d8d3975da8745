import {
  assertNever,
  type ErrorCode,
  isPosternError,
  limits,
  PosternError,
} from "@postern/log/base"
import {
  decodeBatchHeader,
  decodeBeat,
  decodeClose,
  decodeDisclosurePart,
  decodeDoubt,
  decodeGap,
  decodeHello,
  decodeOpen,
  type Frame,
  frameTypes,
  streamDigestNext,
} from "@postern/log/wire"
import { judgeBatch, type RememberedBatch, type Stream } from "../sequencer/index.ts"
import {
  ackFrames,
  alteredAgain,
  alteredFrames,
  closedFrame,
  goawayFrame,
  openedFrame,
  pongFrame,
  refusedFrame,
  welcomeFrame,
} from "./answers.ts"
import type { CreditPool } from "./credit-pool.ts"
import { DisclosureAssembly } from "./disclosure-assembly.ts"
import { FrameInlet } from "./frame-inlet.ts"
import type {
  BatchOwner,
  DurableBatch,
  DurableSlot,
  Intake,
  Offered,
  SessionLine,
  SessionPeer,
} from "./intake.ts"
import { Questions } from "./questions.ts"

const channelsMax = 64

/**
 * One connection of postern/1 (docs/spec/wire.md) as a state machine: bytes in, frames out, no socket and no clock.
 * Everything it is given by its peer is hostile until a decoder of the wire room has taken it apart.
 */
export class FramedSession implements BatchOwner {
  readonly #intake: Intake
  readonly #peer: SessionPeer
  readonly #line: SessionLine
  readonly #inlet: FrameInlet
  readonly #disclosures: DisclosureAssembly
  readonly #questions: Questions
  readonly #channels = new Map<number, Stream>()
  readonly #channelOf = new Map<number, number>()
  #state: "greeting" | "open" | "closed" = "greeting"
  /** Why frames are left where they are: a batch found no room, or an answer from the disk is awaited. */
  #waiting = false
  #acked: DurableBatch[] = []

  constructor(intake: Intake, pool: CreditPool, peer: SessionPeer, line: SessionLine) {
    this.#intake = intake
    this.#peer = peer
    this.#line = line
    this.#inlet = new FrameInlet(pool, line)
    this.#questions = new Questions(intake, peer, (frame) => this.closed || line.send(frame))
    const go = (): void => this.#placeAppeared()
    this.#disclosures = new DisclosureAssembly(intake, pool.assemblies, peer, go)
    if (!this.#inlet.isOpen) this.#goAway("OVERLOADED", pool.shortage(limits.creditBytesStart))
  }

  get closed(): boolean {
    return this.#state === "closed"
  }

  /** Whether a frame or a disclosure has begun to arrive and is not whole: its deadline runs. */
  get midFrame(): boolean {
    if (this.#waiting || this.#inlet.isPaused) return false
    return this.#inlet.pendingBytes > 0 || this.#disclosures.isUnfinished
  }

  /** How many frames have arrived whole, those that go on with a disclosure left out: if it grew, what is not whole has begun since. */
  get frames(): number {
    return this.#inlet.frames
  }

  get greeted(): boolean {
    return this.#state !== "greeting"
  }

  receive(chunk: Uint8Array): void {
    if (this.#state === "closed") return
    this.#attempt(() => this.#inlet.push(chunk))
    this.#drain()
    this.#inlet.makeRoom()
  }

  resume(): void {
    if (this.#state === "closed") return
    this.#waiting = false
    this.#drain()
  }

  /** The peer has taken what waited for it. */
  goOn(): void {
    this.#drain()
  }

  #drain(): void {
    this.#attempt(() => {
      while (this.#state !== "closed" && !this.#waiting && !this.#line.isUnread) {
        const frame = this.#inlet.take(this.#disclosures.isUnfinished)
        if (frame === undefined) return
        this.#handle(frame)
      }
    })
  }

  #attempt(act: () => void): void {
    try {
      act()
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#goAway(error.code, error.detail)
    }
  }

  #handle(frame: Frame): void {
    if (this.#state === "greeting" && frame.type !== frameTypes.hello)
      throw new PosternError("FRAME_ORDER")
    if (this.#disclosures.isUnfinished && frame.type !== frameTypes.disclosure)
      throw new PosternError("DISCLOSURE_SYNTAX", "a frame of another kind stands within it")
    switch (frame.type) {
      case frameTypes.hello:
        return this.#hello(frame)
      case frameTypes.open:
        return this.#open(frame)
      case frameTypes.batch:
        return this.#batch(frame)
      case frameTypes.disclosure:
        return this.#disclosure(frame)
      case frameTypes.gap:
        return this.#gap(frame)
      case frameTypes.beat:
        return this.#beat(frame)
      case frameTypes.audit:
        return this.#questions.audit(this, frame)
      case frameTypes.renew:
        return this.#questions.renew(frame)
      case frameTypes.doubt:
        return this.#intake.doubt(this.#peer, decodeDoubt(frame.body))
      case frameTypes.close:
        return this.#close(frame)
      case frameTypes.ping:
        return this.#line.send(pongFrame(frame.body))
      case frameTypes.welcome:
      case frameTypes.opened:
      case frameTypes.ack:
      case frameTypes.refused:
      case frameTypes.credit:
      case frameTypes.closed:
      case frameTypes.checkpoint:
      case frameTypes.renewed:
      case frameTypes.altered:
      case frameTypes.pong:
      case frameTypes.goaway:
        throw new PosternError("FRAME_TYPE", `type ${frame.type} is the port's to send`)
      default:
        assertNever(frame.type)
    }
  }

  #hello(frame: Frame): void {
    if (this.#state !== "greeting") throw new PosternError("FRAME_ORDER", "HELLO stands once")
    decodeHello(frame.body)
    this.#state = "open"
    this.#line.send(welcomeFrame(this.#intake, this.#peer, this.#inlet.tellCredit()))
  }

  #open(frame: Frame): void {
    const { channel, stream: id, previous } = decodeOpen(frame.body)
    if (this.#channels.has(channel)) throw new PosternError("FRAME_ORDER", "the channel is in use")
    if (this.#channels.size >= channelsMax) throw new PosternError("STREAM_LIMIT")
    this.#waiting = true
    this.#intake.openStream(this, this.#peer, { id, previous }, (found) => {
      if (this.#state === "closed") return
      if (typeof found === "string") return this.#goAway(found)
      if (this.#channelOf.has(found.open)) {
        return this.#goAway("FRAME_ORDER", "the stream is open on another channel")
      }
      this.#channels.set(channel, found)
      this.#channelOf.set(found.open, channel)
      this.#line.send(openedFrame(channel, found))
      this.resume()
    })
  }

  #batch(frame: Frame): void {
    const header = decodeBatchHeader(frame.body)
    const bytes = this.#inlet.spend(frame)
    const stream = this.#channels.get(header.channel)
    if (stream === undefined) throw new PosternError("STREAM_UNKNOWN", `channel ${header.channel}`)
    const { count, sequence, previous, region } = header
    const digest = streamDigestNext(previous, sequence, count, region)
    const judged = judgeBatch(stream, { sequence, events: count, previous, digest })
    switch (judged.kind) {
      case "next": {
        const batch = { owner: this, peer: this.#peer, stream, sequence, count, region, digest }
        const offered = this.#intake.offer(batch)
        return this.#offered(frame, offered, bytes, { channel: header.channel, sequence })
      }
      case "repeat":
        return this.#repeat(header.channel, stream, judged.batch, bytes)
      case "old":
        return this.#repeatOld(stream, sequence, count, bytes)
      case "hole":
        return this.#goAway("STREAM_HOLE", `got ${sequence}`, judged.expected)
      case "equivocation":
        this.#intake.refused(this.#peer, "STREAM_EQUIVOCATION", { stream, sequence })
        return this.#goAway("STREAM_EQUIVOCATION", `sequence ${sequence}`)
      default:
        assertNever(judged)
    }
  }

  #offered(
    frame: Frame,
    offered: Offered,
    bytes: number,
    place: { channel: number; sequence: number },
  ): void {
    if (offered.kind === "refused") throw new PosternError(offered.code)
    if (offered.kind === "full") {
      this.#inlet.hold(frame)
      this.#waiting = true
      this.#intake.whenRoom(this, offered.delayMs)
      return
    }
    this.#inlet.place(bytes)
    if (offered.refused.length > 0) this.#line.send(refusedFrame(place, offered.refused))
    for (const one of alteredFrames(place, offered.altered)) this.#line.send(one)
  }

  /** Nothing that may name a disclosure is looked at before it is kept. */
  #disclosure(frame: Frame): void {
    const part = decodeDisclosurePart(frame.body)
    const bytes = this.#inlet.spend(frame)
    if (this.#channels.size === 0) throw new PosternError("FRAME_ORDER", "DISCLOSURE before OPENED")
    if (!this.#disclosures.hasRoom(part)) {
      this.#inlet.hold(frame)
      this.#waiting = true
      return this.#line.pause()
    }
    const kept = this.#disclosures.add(part)
    if (kept === undefined) return this.#inlet.free(bytes)
    this.#waiting = true
    kept.then(
      () => {
        if (this.#state === "closed") return
        this.#inlet.free(bytes)
        this.resume()
      },
      (error) => this.#goAway(isPosternError(error) ? error.code : "DISK_FAILED"),
    )
  }

  #placeAppeared(): void {
    this.resume()
    if (!this.#inlet.isPaused) this.#line.resume()
  }

  #repeat(channel: number, stream: Stream, batch: RememberedBatch, bytes: number): void {
    const { sequence, refused = [] } = batch
    const place = { channel, sequence }
    this.#again(batch.first, batch.accepted, bytes, { ...batch, open: stream.open }, (slot) => {
      if (refused.length > 0) this.#line.send(refusedFrame(place, refused))
      for (const one of alteredAgain(place, slot)) this.#line.send(one)
    })
  }

  /** @param before what is said before the acknowledgement */
  #again(
    first: number,
    accepted: number,
    bytes: number,
    batch: DurableBatch,
    before: (slot: DurableSlot) => void = () => undefined,
  ): void {
    this.#waiting = true
    this.#intake.acknowledgeAgain(first, accepted, (slot) => {
      if (this.#state === "closed") return
      this.#inlet.place(bytes)
      before(slot)
      this.durable(batch)
      this.flush(slot)
      this.resume()
    })
  }

  /** What is no longer remembered is acknowledged without receipt; it may be on its way to the disk all the same. */
  #repeatOld(stream: Stream, sequence: number, events: number, bytes: number): void {
    const seed = new Uint8Array(16)
    const unknown = { accepted: 0, first: 0, received: 0, changed: 0, seed }
    this.#again(0, 0, bytes, { open: stream.open, sequence, events, ...unknown })
  }

  #gap(frame: Frame): void {
    const { channel, sequence, count, digest, reason } = decodeGap(frame.body)
    const stream = this.#channels.get(channel)
    if (stream === undefined) throw new PosternError("STREAM_UNKNOWN", `channel ${channel}`)
    if (sequence + count <= stream.next) return this.#repeatOld(stream, sequence, count, 0)
    if (sequence !== stream.next)
      return this.#goAway("STREAM_HOLE", `gap at ${sequence}`, stream.next)
    const gap = { sequence, count, digest, reason }
    const offered = this.#intake.declareGap(this, this.#peer, stream, gap)
    this.#offered(frame, offered, 0, { channel, sequence })
  }

  /** Frames wait meanwhile: what is signed is the stream as it stands now. */
  #beat(frame: Frame): void {
    const { channel, ...signed } = decodeBeat(frame.body)
    const stream = this.#channels.get(channel)
    if (stream === undefined) throw new PosternError("STREAM_UNKNOWN", `channel ${channel}`)
    this.#waiting = true
    this.#intake.beat(this.#peer, stream, signed, (holds) => {
      if (this.#state === "closed") return
      const detail = `a beat of stream ${stream.id} at ${signed.sequence}`
      if (!holds) return this.#goAway("STREAM_SIGNATURE", detail)
      this.resume()
    })
  }

  #close(frame: Frame): void {
    const { channel, signed } = decodeClose(frame.body)
    const stream = this.#channels.get(channel)
    if (stream === undefined) throw new PosternError("STREAM_UNKNOWN", `channel ${channel}`)
    this.#channels.delete(channel)
    this.#waiting = true
    this.#intake.closeStream(this.#peer, stream, signed, (holds) => {
      if (this.#state === "closed") return
      if (!holds) return this.#goAway("STREAM_SIGNATURE", `the end of stream ${stream.id}`)
      this.#channelOf.delete(stream.open)
      this.#line.send(closedFrame(channel))
      this.resume()
    })
  }

  durable(batch: DurableBatch): void {
    if (this.#state === "closed") return
    this.#acked.push(batch)
  }

  flush(slot: DurableSlot): void {
    const acked = this.#acked
    this.#acked = []
    if (this.#state === "closed" || acked.length === 0) return
    this.#inlet.grant(acked.length)
    const credit = this.#inlet.tellCredit()
    for (const frame of ackFrames(acked, slot, credit, this.#channelOf)) this.#line.send(frame)
  }

  superseded(stream: Stream): void {
    if (this.#channelOf.has(stream.open))
      this.#goAway("FRAME_ORDER", "another session opened the stream")
  }

  /** Says why and closes; what was placed stays placed and is acknowledged to nobody. */
  #goAway(code: ErrorCode, detail?: string, expected?: number): void {
    if (this.#state === "closed") return
    const extra = {
      ...(detail !== undefined && { detail }),
      ...(expected !== undefined && { expected }),
    }
    this.#line.send(goawayFrame(code, extra))
    // Draining refuses nobody; an equivocation was recorded with its place.
    const told = code === "SHUTTING_DOWN" || code === "STREAM_EQUIVOCATION"
    if (!told) this.#intake.refused(this.#peer, code, extra)
    this.ended()
    this.#line.end()
  }

  /** The port asks for the end: it drains, the grant is gone, a deadline passed. */
  dismiss(code: ErrorCode): void {
    this.#goAway(code)
  }

  /** The connection is gone. Gives the credit back. */
  ended(): void {
    if (this.#state === "closed") return
    this.#state = "closed"
    this.#inlet.close()
    this.#disclosures.release()
  }
}
