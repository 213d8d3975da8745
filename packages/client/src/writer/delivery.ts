import {
  decodeUtf8,
  type ErrorCode,
  errorRegistry,
  isPosternError,
  PosternError,
} from "@postern/log/base"
import { openReceiptCertificate } from "@postern/log/evidence"
import {
  type Ack,
  type BatchAck,
  decodeAck,
  decodeCredit,
  decodeGoaway,
  decodeOpened,
  decodeRefused,
  decodeWelcome,
  encodeFrame,
  encodeHello,
  encodeOpen,
  type Frame,
  FrameReader,
  frameTypes,
} from "@postern/log/wire"
import type { Profile } from "../profile.ts"
import { endOf, type SpoolFrame } from "./frame-queue.ts"
import { type Line, openLine } from "./line.ts"
import type { Spool } from "./spool.ts"
import { batchFrameBytes, encodeSpoolFrame, judgeOpened } from "./stream-chain.ts"
import type { Timer, World } from "./world.ts"

const agent = "@postern/client/0.1.0"
const backoffMsMin = 100
const backoffMsMax = 30_000
const pingMs = 60_000
const writeBytes = 65_536

/** A batch that the port has made durable, and what the writer knows of it. */
export interface Delivered {
  readonly frame: SpoolFrame
  readonly ack: BatchAck
  /** The slot's receipt; empty if the port no longer has it at hand. */
  readonly note: string
  readonly refused: readonly number[]
  readonly receiptVkey: string
  readonly certificate: string
}

export interface DeliveryEvents {
  /** Before the frame leaves the spool; it stays until this resolves. */
  delivered(batch: Delivered): Promise<void>
  refused(code: ErrorCode, events: number): void
  problem(error: PosternError, events?: number): void
  /** Connected and the stream open. */
  ready(): void
  /** Frames left the spool: acknowledged, or told as lost. */
  settled(): void
}

/**
 * Carries the spool's frames to the port and takes them out when they are acknowledged. Reconnects by itself, with
 * growing pauses; whatever was sent and not acknowledged is sent again with its old boundaries.
 */
export class Delivery {
  readonly #spool: Spool
  readonly #profile: Profile
  readonly #world: World
  readonly #events: DeliveryEvents
  #line: Line | undefined
  #reader = new FrameReader()
  #state: "apart" | "greeting" | "opening" | "open" | "ended" = "apart"
  #attempts = 0
  #timer: Timer | undefined
  #credit = 0
  #sentBytes = 0
  /** Position of the next frame to send. */
  #cursor: number
  /** The highest position that was ever sent. */
  #sentEnd: number
  readonly #inFlight: SpoolFrame[] = []
  readonly #refused = new Map<number, number[]>()
  #certificate = ""
  #receiptVkey = ""
  /** Frames of the port are handled one after the other, also where that takes time. */
  #handling: Promise<void> = Promise.resolve()
  #pumping = false
  #blocked = false
  /** The stream cannot go on: the next connection opens a new one. */
  #mustSwitch = false
  /** A channel names one stream for the life of a connection. */
  #channel = 0

  constructor(spool: Spool, profile: Profile, world: World, events: DeliveryEvents) {
    this.#spool = spool
    this.#profile = profile
    this.#world = world
    this.#events = events
    this.#cursor = spool.anchor.position
    this.#sentEnd = spool.recoveredEnd
  }

  get isOpen(): boolean {
    return this.#state === "open"
  }

  /** Everything below may have reached the port. */
  get protectedEnd(): number {
    return Math.max(this.#cursor, this.#state === "open" ? 0 : this.#sentEnd)
  }

  start(): void {
    if (this.#state !== "apart") return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#state = "greeting"
    this.#reader = new FrameReader()
    this.#line = openLine(this.#profile, {
      opened: () => this.#hello(),
      received: (chunk) => this.#received(chunk),
      closed: (problem) => this.#apart(problem),
      drained: () => {
        this.#blocked = false
        this.#wake()
      },
    })
  }

  /** There is something new in the spool. */
  wake(): void {
    if (this.#state === "apart" && this.#timer === undefined) this.start()
    this.#wake()
  }

  /** Ends for good. */
  async end(): Promise<void> {
    this.#state = "ended"
    this.#timer?.cancel()
    this.#line?.close()
    await this.#handling
  }

  #hello(): void {
    const { id } = this.#spool.stream
    const open = {
      channel: this.#channel,
      stream: id,
      acked: Math.max(0, this.#spool.anchor.position - this.#spool.stream.start),
    }
    this.#line?.send(encodeFrame(frameTypes.hello, encodeHello({ agent })))
    if (!this.#mustSwitch) this.#line?.send(encodeFrame(frameTypes.open, encodeOpen(open)))
  }

  #apart(problem: PosternError): void {
    if (this.#state === "ended" || this.#state === "apart") return
    if (this.#attempts === 0 || this.#state !== "open") this.#events.problem(problem)
    this.#state = "apart"
    this.#timer?.cancel()
    this.#line = undefined
    this.#channel = 0
    this.#inFlight.length = 0
    this.#refused.clear()
    this.#credit = 0
    this.#sentBytes = 0
    this.#blocked = false
    const pause = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(this.#attempts, 12))
    this.#attempts += 1
    const delayMs = pause / 2 + (pause / 2) * this.#world.random()
    this.#timer = this.#world.startTimer(() => {
      this.#timer = undefined
      this.start()
    }, delayMs)
    if (this.#spool.queue.length === 0) this.#timer.hold(false)
  }

  #received(chunk: Uint8Array): void {
    this.#reader.push(chunk)
    const line = this.#line
    this.#handling = this.#handling.then(async () => {
      try {
        // A connection that was replaced meanwhile has nothing more to say.
        if (line !== this.#line) return
        for (const frame of this.#reader) await this.#handle(frame)
      } catch (error) {
        if (!isPosternError(error)) throw error
        this.#events.problem(error)
        line?.close()
      }
    })
  }

  async #handle(frame: Frame): Promise<void> {
    switch (frame.type) {
      case frameTypes.welcome:
        return this.#welcome(frame)
      case frameTypes.opened:
        return this.#opened(frame)
      case frameTypes.ack:
        return this.#ack(decodeAck(frame.body))
      case frameTypes.refused: {
        const { sequence, refused } = decodeRefused(frame.body)
        const positions = refused.flatMap((each) => [...each.positions])
        this.#refused.set(sequence, positions)
        for (const { code, positions: some } of refused)
          this.#events.refused(knownCode(code), some.length)
        return
      }
      case frameTypes.credit:
        this.#credit = Math.max(this.#credit, decodeCredit(frame.body))
        return this.#wake()
      case frameTypes.goaway:
        return this.#goaway(frame)
      default:
        return
    }
  }

  async #welcome(frame: Frame): Promise<void> {
    const { certificate, credit, origin } = decodeWelcome(frame.body)
    const { log } = this.#profile
    if (origin !== log.origin)
      throw new PosternError("NOTE_INVALID", `the port keeps ${origin}, not ${log.origin}`)
    // The log key comes from the profile, never from the peer.
    this.#receiptVkey = await openReceiptCertificate(certificate, log.vkey)
    this.#certificate = certificate
    this.#credit = credit
    this.#state = "opening"
    if (this.#mustSwitch) await this.#switchStream()
  }

  async #opened(frame: Frame): Promise<void> {
    const { channel, next, digest } = decodeOpened(frame.body)
    if (channel !== this.#channel) return
    const verdict = await judgeOpened(this.#spool, next, digest, this.#sentEnd)
    if (verdict.kind === "behind") {
      this.#events.problem(
        new PosternError(
          "LOG_ROLLED_BACK",
          "the port knows less of this stream than it has acknowledged",
        ),
      )
      return this.#switchStream()
    }
    if (verdict.kind === "diverged") {
      const detail = `stream ${this.#spool.stream.id} is not what was sent from here; what follows goes into a new stream`
      this.#events.problem(new PosternError("STREAM_EQUIVOCATION", detail))
      if (verdict.settled > this.#spool.anchor.position) {
        this.#spool.settle(verdict.settled, digest, this.#world.nowMs())
        this.#events.settled()
      }
      return this.#switchStream()
    }
    // From `resendable` on frames are sent once more, for their receipts; the port answers with the original ones.
    this.#cursor = verdict.resendable
    if (verdict.resendable > this.#spool.anchor.position) {
      this.#spool.settle(verdict.resendable, digest, this.#world.nowMs())
    }
    this.#state = "open"
    this.#attempts = 0
    this.#events.ready()
    this.#ping()
    if (this.#spool.queue.length === 0) this.#line?.hold(false)
    this.#wake()
  }

  async #switchStream(): Promise<void> {
    this.#mustSwitch = false
    await this.#spool.switchStream(this.#world)
    this.#cursor = this.#spool.anchor.position
    this.#sentEnd = this.#cursor
    this.#channel += 1
    const open = { channel: this.#channel, stream: this.#spool.stream.id, acked: 0 }
    this.#line?.send(encodeFrame(frameTypes.open, encodeOpen(open)))
  }

  async #ack(ack: Ack): Promise<void> {
    this.#credit = Math.max(this.#credit, ack.credit)
    const note = decodeUtf8(ack.note) ?? ""
    for (const batch of ack.batches) await this.#acknowledged(batch, note)
    if (this.#spool.queue.length === 0) this.#line?.hold(false)
    this.#wake()
  }

  async #acknowledged(batch: BatchAck, note: string): Promise<void> {
    const frame = this.#inFlight.shift()
    const position = this.#spool.stream.start + batch.sequence
    if (
      frame === undefined ||
      frame.position > position ||
      endOf(frame) !== position + batch.events
    ) {
      throw new PosternError(
        "RECEIPT_INVALID",
        `an acknowledgement of sequence ${batch.sequence}, which was not sent`,
      )
    }
    const refused = this.#refused.get(batch.sequence) ?? []
    this.#refused.delete(batch.sequence)
    const { digest } = frame
    if (digest === undefined) throw new Error("invariant broken: what was sent has its digest")
    if (frame.kind === "batch") {
      const { certificate, receiptVkey } = {
        certificate: this.#certificate,
        receiptVkey: this.#receiptVkey,
      }
      await this.#events.delivered({ frame, ack: batch, note, refused, receiptVkey, certificate })
    }
    this.#spool.settle(endOf(frame), digest, this.#world.nowMs())
    this.#events.settled()
  }

  #goaway(frame: Frame): void {
    const { code, message, hint, detail } = decodeGoaway(frame.body)
    const known = knownCode(code)
    if (known === "STREAM_HOLE" || known === "STREAM_EQUIVOCATION" || known === "STREAM_FOREIGN")
      this.#mustSwitch = true
    if (known !== "SHUTTING_DOWN") {
      this.#events.problem(new PosternError(known, `${code}: ${detail ?? message} (${hint})`))
    }
    this.#line?.close()
  }

  #ping(): void {
    this.#timer = this.#world.startTimer(() => {
      if (this.#state !== "open") return
      this.#line?.send(encodeFrame(frameTypes.ping, new Uint8Array(0)))
      this.#ping()
    }, pingMs)
    this.#timer.hold(false)
  }

  #wake(): void {
    if (this.#pumping || this.#state !== "open") return
    this.#pumping = true
    this.#pump().then(
      () => {
        this.#pumping = false
      },
      (error) => {
        this.#pumping = false
        this.#events.problem(
          isPosternError(error)
            ? error
            : new PosternError("SPOOL_DAMAGED", String(error), { cause: error }),
        )
        this.#line?.close()
      },
    )
  }

  /** Sends what the credit allows, in writes of at least 16 KiB where there is as much. */
  async #pump(): Promise<void> {
    const line = this.#line
    let gathered: Uint8Array[] = []
    let bytes = 0
    const flush = (): void => {
      if (gathered.length === 0 || line === undefined) return
      this.#line?.hold(true)
      this.#blocked = !line.send(
        gathered.length === 1 ? (gathered[0] as Uint8Array) : Buffer.concat(gathered),
      )
      gathered = []
      bytes = 0
    }
    while (
      line === this.#line &&
      this.#state === "open" &&
      !this.#blocked &&
      this.#sentBytes < this.#credit
    ) {
      const frame = this.#spool.queue.find(this.#cursor)
      if (frame === undefined) break
      const region = frame.kind === "batch" ? await this.#spool.load(frame) : undefined
      if (line !== this.#line || this.#spool.queue.find(this.#cursor) !== frame) continue
      const encoded = encodeSpoolFrame(this.#spool, frame, this.#channel, region)
      if (frame.kind === "batch") this.#sentBytes += batchFrameBytes(frame.regionBytes)
      this.#inFlight.push(frame)
      this.#cursor = endOf(frame)
      this.#sentEnd = Math.max(this.#sentEnd, this.#cursor)
      gathered.push(encoded)
      bytes += encoded.length
      if (bytes >= writeBytes) flush()
    }
    flush()
  }
}

/** A code of a newer port is not in this registry; what it means is in its own words. */
function knownCode(code: string): ErrorCode {
  return code in errorRegistry ? (code as ErrorCode) : "UNREACHABLE"
}
