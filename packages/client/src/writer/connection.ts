import { decodeUtf8, type ErrorCode, isPosternError, PosternError } from "@postern/log/base"
import {
  type Close,
  decodeAck,
  decodeAltered,
  decodeClosed,
  decodeCredit,
  decodeGoaway,
  decodeOpened,
  decodeRefused,
  decodeWelcome,
  encodeBeat,
  encodeClose,
  encodeFrame,
  encodeHello,
  encodeOpen,
  type Frame,
  FrameReader,
  frameTypes,
} from "@postern/log/wire"
import type { Profile } from "../profile.ts"
import type { Delivery } from "./delivery.ts"
import { type Line, openLine } from "./line.ts"
import { Outlet } from "./outlet.ts"
import { knownCode } from "./problem.ts"
import { type Effect, initialState, type SessionInput, type SessionState, step } from "./session.ts"
import type { SideTalks } from "./side-talks.ts"
import { endOf } from "./spool-frame.ts"
import { StreamSigner } from "./stream-signer.ts"
import type { Timer, World } from "./world.ts"

const agent = "@postern/client/0.1.0"
/** A port that says more than this before it is heard is held back. */
const unheardBytesMax = 2 * 1024 * 1024

export interface ConnectionEvents {
  /** The stream is open. */
  ready(): void
  tell(code: ErrorCode, detail: string): void
}

/**
 * The connection to the port, made again whenever it ends: owns line and timer, does what session.ts decides, and takes apart
 * what the port says. The port is hostile until the wire room has decoded it.
 */
export class Connection {
  readonly #delivery: Delivery
  readonly #profile: () => Profile
  readonly #world: World
  readonly #events: ConnectionEvents
  readonly #signer: StreamSigner
  readonly #talks: SideTalks
  #state: SessionState
  #line: Line | undefined
  #outlet: Outlet | undefined // The line's.
  #reader = new FrameReader()
  #timer: { readonly timer: Timer; readonly dueMs: number } | undefined
  #isHandling = false
  #isWoken = false
  #isPumping = false
  #isBlocked = false
  #isHeld = false
  /** The end of the stream, signed for the line that it was signed for. */
  #lastWord: { readonly line: Line | undefined; readonly close: Omit<Close, "channel"> } | undefined
  readonly #done: (() => void)[] = []

  /** @param profile asked for at each attempt, so that a renewed certificate is used */
  constructor(
    delivery: Delivery,
    acked: number,
    profile: () => Profile,
    world: World,
    talks: SideTalks,
    events: ConnectionEvents,
  ) {
    this.#talks = talks
    this.#delivery = delivery
    this.#profile = profile
    this.#world = world
    this.#events = events
    this.#signer = new StreamSigner(world, () => this.wake())
    this.#state = initialState(acked, world.nowMs())
  }

  get isOpen(): boolean {
    return this.#state.phase === "open"
  }

  /** What lies below was sent on this connection: its acknowledgement may be on the way. 0 if there is none. */
  get sentEnd(): number {
    return this.isOpen ? Math.max(this.#state.cursor, this.#delivery.handoverEnd) : 0
  }

  start(): void {
    this.#step({ type: "tick" })
  }

  /** There is something new to send, or room to send it. */
  wake(): void {
    this.#isWoken = true
    if (this.#isPumping) return
    this.#isPumping = true
    this.#pump()
      .catch((error) => this.#fail(error))
      .finally(() => {
        this.#isPumping = false
        if (this.#isWoken) this.wake()
      })
  }

  /** Whether somebody waits for what the port says, so that the process must not end before. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    this.#holdAll()
  }

  /** Everything is acknowledged and nothing more will come: ends the stream, then the connection. */
  async finish(): Promise<void> {
    if (this.isOpen) {
      const signed = this.#signer.sign("close", this.#delivery.pointAt(this.#state.cursor))
      this.#lastWord = { line: this.#line, close: signed === undefined ? {} : { signed } }
      // The next start begins a new stream, whether the port hears of the end of this one or not.
      await this.#delivery.switchStream()
    }
    await this.#end({ type: "finish" })
  }

  /** Ends the connection; the stream goes on another time. */
  end(): Promise<void> {
    return this.#end({ type: "end" })
  }

  #end(input: SessionInput): Promise<void> {
    if (this.#state.phase === "ended") return Promise.resolve()
    return new Promise((resolve) => {
      this.#done.push(resolve)
      this.#step(input)
      this.#holdAll()
    })
  }

  #step(input: SessionInput): readonly Effect[] {
    const moment = { nowMs: this.#world.nowMs(), random: this.#world.random() }
    const { state, effects } = step(this.#state, input, moment)
    this.#state = state
    for (const effect of effects) this.#apply(effect)
    this.#setTimer()
    return effects
  }

  #setTimer(): void {
    const { dueMs } = this.#state
    if (this.#timer?.dueMs === dueMs) return
    this.#timer?.timer.cancel()
    this.#timer = undefined
    if (!Number.isFinite(dueMs)) return
    const delayMs = Math.max(0, Math.ceil(dueMs - this.#world.nowMs()))
    const timer = this.#world.startTimer(() => {
      this.#timer = undefined
      this.#step({ type: "tick" })
    }, delayMs)
    this.#timer = { timer, dueMs }
    this.#holdAll()
  }

  /** An attempt keeps the process alive while there is something to deliver, a pause only while somebody waits. */
  #holdAll(): void {
    const { phase } = this.#state
    const isBusy = phase === "closing" || this.#delivery.hasFrames
    this.#line?.hold(this.#isHeld || isBusy)
    this.#timer?.timer.hold(this.#isHeld || (isBusy && phase !== "apart"))
  }

  #apply(effect: Effect): void {
    switch (effect.type) {
      case "dial":
        return this.#dial()
      case "greet":
        this.#send(encodeFrame(frameTypes.hello, encodeHello({ agent })))
        return this.#open(effect.channel)
      case "open":
        return this.#open(effect.channel)
      case "settle":
        return this.#delivery.settle(effect.position)
      case "ping":
        return this.#send(encodeFrame(frameTypes.ping, new Uint8Array(0)))
      case "close":
        return this.#close(effect.channel)
      case "hangUp":
        this.#line?.close()
        this.#line = undefined
        this.#outlet = undefined
        return this.#talks.end()
      case "tell":
        return this.#events.tell(effect.code, effect.detail)
      case "ready":
        this.#events.ready()
        this.#signer.advanced()
        this.#talks.begin(
          this.#signer.profile ?? this.#profile(),
          (frame) => this.#send(frame),
          () => this.#step({ type: "lost", code: "SHUTTING_DOWN", detail: "another certificate" }),
        )
        return this.wake()
      case "done":
        this.#signer.end()
        for (const done of this.#done.splice(0)) done()
        return
      case "switch":
        this.#delivery.switchStream().then(
          (start) => this.#step({ type: "switched", start }),
          (error) => this.#fail(error),
        )
        return
      case "send":
        return // The pump has the frame in hand.
    }
  }

  #close(channel: number): void {
    const { line, close } = this.#lastWord ?? {}
    const signed = line === this.#line ? close : undefined
    this.#send(encodeFrame(frameTypes.close, encodeClose({ channel, ...signed })))
  }

  #dial(): void {
    this.#reader = new FrameReader()
    this.#isBlocked = false
    const profile = this.#profile()
    this.#signer.begin(profile)
    const line = openLine(profile, {
      opened: () => this.#step({ type: "connected" }),
      received: (chunk) => this.#received(chunk),
      drained: () => {
        this.#isBlocked = false
        this.wake()
      },
      lost: (code, detail) => this.#step({ type: "lost", code, detail }),
    })
    this.#line = line
    this.#outlet = new Outlet(line)
    this.#holdAll()
  }

  #open(channel: number): void {
    this.#send(encodeFrame(frameTypes.open, encodeOpen(this.#delivery.opening(channel))))
  }

  #send(bytes: Uint8Array): void {
    this.#outlet?.send(bytes)
  }

  /** What goes wrong here ends the connection; the spool is as it was. */
  #fail(error: unknown): void {
    const code = isPosternError(error) ? error.code : "SPOOL_DAMAGED"
    const detail = (isPosternError(error) ? error.detail : undefined) ?? String(error)
    this.#step({ type: "lost", code, detail })
  }

  #received(chunk: Uint8Array): void {
    this.#step({ type: "heard" })
    this.#reader.push(chunk)
    if (this.#reader.pendingBytes > unheardBytesMax) this.#line?.listen(false)
    if (this.#isHandling) return
    this.#isHandling = true
    this.#handleAll().catch((error) => this.#fail(error))
  }

  /** Frames are handled one after the other, also where that takes time. */
  async #handleAll(): Promise<void> {
    try {
      while (this.#line !== undefined) {
        const frame = this.#reader.take()
        if (frame === undefined) return this.#line.listen(true)
        await this.#handle(frame, this.#line)
      }
    } finally {
      // In the same turn: the next chunk may come before anything that waits for this.
      this.#isHandling = false
    }
  }

  #handle(frame: Frame, line: Line): Promise<void> | undefined {
    const { channel } = this.#state
    switch (frame.type) {
      case frameTypes.welcome:
        return this.#welcome(frame, line)
      case frameTypes.opened:
        return this.#opened(frame, line)
      case frameTypes.ack:
        return this.#acknowledged(frame, line)
      case frameTypes.refused: {
        const refused = decodeRefused(frame.body)
        if (refused.channel === channel) this.#delivery.refuse(refused)
        return undefined
      }
      case frameTypes.altered: {
        const altered = decodeAltered(frame.body)
        if (altered.channel === channel) this.#delivery.alter(altered)
        return undefined
      }
      case frameTypes.credit:
        this.#step({ type: "credit", credit: decodeCredit(frame.body) })
        this.wake()
        return undefined
      case frameTypes.closed:
        if (decodeClosed(frame.body).channel === channel) this.#step({ type: "closed" })
        return undefined
      case frameTypes.goaway: {
        const { code, message, hint, detail } = decodeGoaway(frame.body)
        if (code === "STREAM_SIGNATURE" || code === "FRAME_TYPE") this.#signer.refuse()
        if (code === "FRAME_TYPE") this.#talks.refuse(detail)
        const said = `the port said ${code}: ${detail ?? message} (${hint})`
        this.#step({ type: "goaway", code: knownCode(code), detail: said })
        return undefined
      }
      case frameTypes.checkpoint:
      case frameTypes.renewed:
        return this.#talks.hear(frame)
      case frameTypes.pong:
        return undefined
      default:
        throw new PosternError("FRAME_TYPE", `type ${frame.type} is the writer's to send`)
    }
  }

  async #welcome(frame: Frame, line: Line): Promise<void> {
    const welcome = decodeWelcome(frame.body)
    const unproven = await this.#delivery.welcome(welcome, this.#profile())
    if (line !== this.#line) return
    if (unproven !== undefined) {
      // A port that cannot prove what it keeps is better than none: events are delivered, receipts are not believed.
      this.#events.tell(unproven.code, `the port's receipts: ${unproven.detail ?? ""}`)
    }
    this.#step({ type: "welcome", credit: welcome.credit })
  }

  async #opened(frame: Frame, line: Line): Promise<void> {
    const opened = decodeOpened(frame.body)
    if (opened.channel !== this.#state.channel || this.#state.phase !== "opening") {
      throw new PosternError("FRAME_ORDER", "OPENED without OPEN")
    }
    const verdict = await this.#delivery.judge(opened)
    if (line === this.#line) this.#step({ type: "opened", verdict })
  }

  async #acknowledged(frame: Frame, line: Line): Promise<void> {
    const ack = decodeAck(frame.body)
    const note = decodeUtf8(ack.note) ?? ""
    this.#step({ type: "credit", credit: ack.credit })
    for (const row of ack.batches) {
      if (row.channel !== this.#state.channel) continue
      const sent = this.#delivery.sentFrame(row, this.#state.cursor)
      const region = await this.#delivery.wantedRegion(sent)
      if (line !== this.#line) return
      this.#delivery.deliver(sent, region, row, note)
      this.#step({ type: "acked", end: endOf(sent) })
    }
    this.#holdAll()
    this.wake()
  }

  /** Sends what the credit allows, in writes of at least 16 KiB where there is as much. */
  async #pump(): Promise<void> {
    this.#isWoken = false
    const outlet = this.#outlet
    while (outlet !== undefined && outlet === this.#outlet && this.isOpen && !this.#isBlocked) {
      const { cursor } = this.#state
      const outgoing = await this.#delivery.next(cursor)
      if (outgoing === undefined) break
      if (outlet !== this.#outlet || this.#state.cursor !== cursor) continue
      if (!this.#delivery.holds(outgoing)) continue
      const { end, isPart, creditBytes } = outgoing
      const effects = this.#step({ type: "offer", end, creditBytes })
      if (!effects.some(({ type }) => type === "send")) break
      const encoded = this.#delivery.encode(outgoing, this.#state.channel)
      outlet.gather(encoded, this.#delivery.isMidDisclosure)
      if (!isPart) this.#signer.sent()
      if (this.#signer.isDue) break
      if (outlet.isFull) this.#isBlocked = !outlet.flush()
    }
    if (outlet !== undefined && outlet === this.#outlet) {
      if (!outlet.flush()) this.#isBlocked = true
      if (this.isOpen) this.#beat()
    }
    this.#holdAll()
  }

  /** Signs for what was sent, if it is time. */
  #beat(): void {
    if (!this.#signer.isDue) return
    const { channel, cursor } = this.#state
    const signed = this.#signer.sign("beat", this.#delivery.pointAt(cursor))
    if (signed !== undefined)
      this.#send(encodeFrame(frameTypes.beat, encodeBeat({ channel, ...signed })))
    // What follows is due another time; there may be more to send now.
    this.#signer.end()
    this.#isWoken = true
  }
}
