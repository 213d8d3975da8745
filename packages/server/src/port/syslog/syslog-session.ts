import { type ErrorCode, isPosternError, limits, type PosternError } from "@postern/log/base"
import type { WriterGrant } from "../../access/index.ts"
import type { PortMemory } from "../sequencer/index.ts"
import type {
  BatchOwner,
  BodyOffered,
  CreditPool,
  OfferedBody,
  SessionPeer,
} from "../session/index.ts"
import { SyslogFraming } from "./framing.ts"
import { type Disclose, type FramedEvents, frameLarge } from "./large-event.ts"
import { MessageEvents, regionBytesMax, regionEventsMax } from "./message-events.ts"

/** What came after it is lost, and nobody knows how much: syslog numbers nothing. */
export interface SyslogLoss {
  /** In the id of the last event of the connection that was taken, `<session>.<number>`; 0: there is none. */
  readonly number: number
  readonly reason: LossReason
  /** Bytes that came of the message in which it ended. */
  readonly unfinishedBytes: number
}

/** How a connection ended: a code says why the port ended it. */
export type LossReason = "ended in a message" | "reset" | "ended by the port" | ErrorCode

export type NoRoom = Exclude<BodyOffered, { kind: "placed" | "stale" }>

/** What a session needs of the rest of the port. */
export interface SyslogIntake {
  readonly memory: PortMemory
  nowMs(): number
  grant(id: string): WriterGrant | undefined
  /** What the events of this writer have for source. */
  source(id: string): string
  /** Why so many events and bytes would not be taken now; undefined if they would. */
  noRoom(peer: SessionPeer, events: number, bytes: number): NoRoom | undefined
  offerBody(body: OfferedBody): BodyOffered
  keepOut(body: OfferedBody): Promise<ReadonlySet<string>>
  disclose: Disclose
  /** Calls `owner.resume()` once there is room again, or when `delayMs` have passed. */
  whenRoom(owner: BatchOwner, delayMs: number): void
  refused(peer: SessionPeer, code: ErrorCode, detail: { detail?: string }): void
  lost(peer: SessionPeer, loss: SyslogLoss): void
}

/** What a session does to its connection. */
export interface SyslogLine {
  pause(): void
  resume(): void
  /** Ends the connection at once. */
  cut(): void
  /** The connection is over, and so is everything that it brought. */
  over(): void
}

/** Before what could not be kept is tried again, and at most before anything is: until then what is over is held in memory. */
const againMs = 1_000
const nothingKept: ReadonlySet<string> = new Set()

/**
 * One connection of syslog as a state machine: bytes in, events offered, no socket and no clock. Where the port has no room
 * nothing more is read; what has come is offered until it is taken, also after the connection has ended.
 */
export class SyslogSession implements BatchOwner {
  readonly #intake: SyslogIntake
  readonly #peer: SessionPeer
  readonly #line: SyslogLine
  readonly #pool: CreditPool
  readonly #framing: SyslogFraming
  readonly #events: MessageEvents
  /** Events that were made and found no room. */
  #held: FramedEvents | undefined
  /** Digests of what was kept out of them and is on stable storage. */
  #kept: ReadonlySet<string> | undefined
  /** Until resume(): for room, or for the disk. */
  #isWaiting = false
  #credit: "none" | "asked" | "there" = "none"
  /** Credit for what was not taken when the connection ended. */
  #restBytes = 0
  /** Number of the last event that was taken. */
  #taken = 0
  #reason: LossReason | undefined
  #state: "open" | "ended" | "over" = "open"
  /** Of what has not been taken nothing will be. */
  #isAbandoned = false
  #hasTakenEnd = false
  #messages = 0
  /** Why the bytes are no messages from here on. */
  #broken: PosternError | undefined
  #unfinishedBytes = 0

  constructor(intake: SyslogIntake, pool: CreditPool, peer: SessionPeer, line: SyslogLine) {
    this.#intake = intake
    this.#pool = pool
    this.#peer = peer
    this.#line = line
    const { eventBytesMax } = intake.grant(peer.id) ?? { eventBytesMax: 0 }
    this.#framing = new SyslogFraming(Math.min(eventBytesMax, limits.syslogMessageBytesMax))
    this.#events = new MessageEvents({
      ...{ session: peer.session, nowMs: () => intake.nowMs() },
      source: () => intake.source(peer.id),
    })
  }

  get heldBytes(): number {
    return this.#framing.heldBytes
  }

  /** Whether a message has begun and is not whole, and it is its sender who is waited for. */
  get midMessage(): boolean {
    return this.#framing.isMidMessage && !this.isPaused && this.#state === "open"
  }

  /** How many messages were whole, or too large: if there are more, what is not whole has begun since. */
  get messages(): number {
    return this.#messages
  }

  /** Whether nothing is read, for want of room. */
  get isPaused(): boolean {
    return this.#isWaiting || this.#credit === "asked"
  }

  /** Bytes that came; work() looks at them. */
  receive(chunk: Uint8Array): void {
    if (this.#state === "open" && !this.#isAbandoned) this.#framing.push(chunk)
  }

  /** Takes what is whole, as far as there is room. */
  work(): void {
    if (this.#isWaiting || this.#isAbandoned || this.#state === "over") return
    while (this.#placeNext());
    if (!this.#isWaiting && !this.#isAbandoned) this.#settle()
  }

  /** Nothing has come for a while. */
  quiet(): void {
    this.#events.end()
    this.work()
  }

  resume(): void {
    this.#isWaiting = false
    this.work()
    if (!this.isPaused && this.#state === "open") this.#line.resume()
  }

  /** The port ends the connection; what it has brought is taken all the same. */
  dismiss(code: ErrorCode): void {
    this.#tellRefused(code)
    this.#reason ??= code
    this.#line.cut()
  }

  /** The port ends the connection, and gives up what it has not taken. */
  abandon(code: ErrorCode, detail?: string): void {
    if (this.#state === "over") return
    this.#tellRefused(code, detail)
    this.#reason ??= code
    this.#isAbandoned = true
    this.#line.cut()
    if (this.#state === "ended") this.#finish()
  }

  /** The connection is gone. */
  ended(reason: LossReason | undefined): void {
    if (this.#state !== "open") return
    this.#state = "ended"
    this.#reason ??= reason
    if (this.#isAbandoned) return this.#finish()
    this.work()
    this.#keepRest()
  }

  durable(): void {
    // Syslog has no word for it.
  }

  flush(): void {
    // Nor for a receipt.
  }

  superseded(): void {
    // Server-made streams belong to no session.
  }

  #tellRefused(code: ErrorCode, detail?: string): void {
    if (code === "SHUTTING_DOWN") return // Draining refuses nobody.
    this.#intake.refused(this.#peer, code, detail === undefined ? {} : { detail })
  }

  /** Connections that are gone are in nobody's count any more: what they leave is kept while there is plenty of room. */
  #keepRest(): void {
    if (this.#state === "over") return
    const bytes = this.#framing.heldBytes + (this.#held?.region.length ?? 0)
    if (this.#pool.takeSpare(bytes)) this.#restBytes = bytes
    else this.abandon("OVERLOADED", this.#pool.shortage(bytes))
  }

  /** False if there is nothing to place, or no room. */
  #placeNext(): boolean {
    if (this.#held === undefined) {
      if (!this.#hasRoom()) return false
      const made = this.#events.make(() => this.#next())
      if (made === undefined) return this.#broken === undefined ? this.#takeEnd() : this.#break()
      if ("region" in made) {
        const framed = { ...made, changed: 2, tooLarge: [], keptOut: [] } as const
        if (this.#offer(framed)) return true
        this.#held = { ...framed, region: made.region.slice() }
        return false
      }
      const { memory, disclose } = this.#intake
      this.#held = frameLarge(memory, made.large, this.#peer.id, disclose)
    }
    if (!this.#offer(this.#held)) return false
    this.#held = undefined
    this.#kept = undefined
    return true
  }

  /** Asked before events are made, so that they need not be held: how much will become of these bytes is a guess. */
  #hasRoom(): boolean {
    const bytes = this.#framing.heldBytes
    if (bytes === 0 && !this.#events.isWaiting) return true
    const events = Math.min(regionEventsMax, 1 + bytes / 32)
    const none = this.#intake.noRoom(this.#peer, events, Math.min(regionBytesMax, 4096 + 4 * bytes))
    if (none === undefined) return true
    this.#turnAway(none)
    return false
  }

  #next(): Uint8Array | undefined {
    const { tooLarge } = this.#framing
    if (this.#broken !== undefined) return undefined
    const message = this.#nextWhole()
    if (message !== undefined) this.#messages += 1
    this.#messages += this.#framing.tooLarge - tooLarge
    for (let count = tooLarge; count < this.#framing.tooLarge; count++) {
      const detail = `a message after ${this.#peer.session}.${this.#events.made}`
      this.#intake.refused(this.#peer, "EVENT_TOO_LARGE", { detail })
    }
    return message
  }

  /** What stands before bytes that are no messages is taken. */
  #nextWhole(): Uint8Array | undefined {
    try {
      return this.#framing.next()
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#broken = error
      return undefined
    }
  }

  #break(): false {
    if (this.#broken !== undefined) this.abandon(this.#broken.code, this.#broken.detail)
    return false
  }

  #offer(framed: FramedEvents): boolean {
    const from = { owner: this, peer: this.#peer, adapter: "syslog", isNumbered: true } as const
    for (;;) {
      if (framed.keptOut.length > 0 && this.#kept === undefined) {
        this.#keepOut({ ...from, ...framed, kept: nothingKept })
        return false
      }
      const kept = this.#kept ?? nothingKept
      const offered = this.#intake.offerBody({ ...from, ...framed, kept })
      if (offered.kind === "stale") {
        this.#kept = undefined
        continue
      }
      if (offered.kind !== "placed") {
        this.#turnAway(offered)
        return false
      }
      this.#taken = this.#events.handedOver
      return true
    }
  }

  #turnAway(none: NoRoom): void {
    if (none.kind === "refused") this.abandon(none.code)
    else this.#wait(none.delayMs)
  }

  #wait(delayMs: number): void {
    this.#pause()
    this.#intake.whenRoom(this, Math.min(delayMs, againMs))
  }

  #pause(): void {
    this.#isWaiting = true
    if (this.#state === "open") this.#line.pause()
  }

  /** First the values, then the entry that names them. */
  #keepOut(body: OfferedBody): void {
    this.#pause()
    const failed = (error: unknown): void => {
      if (!isPosternError(error)) throw error
      this.#tellRefused(error.code)
      if (error.kind === "busy") this.#intake.whenRoom(this, againMs)
      else this.abandon(error.code)
    }
    this.#intake.keepOut(body).then((kept) => {
      this.#kept = kept
      this.resume()
    }, failed)
  }

  /** All that was whole is taken. If nothing follows, what had begun is taken as it is; true if that made events. */
  #takeEnd(): boolean {
    if (this.#state !== "ended" || this.#hasTakenEnd) return false
    this.#hasTakenEnd = true
    if (this.#framing.isMidMessage) {
      const { bytes } = this.#framing.takeUnfinished() ?? { bytes: new Uint8Array(0) }
      this.#unfinishedBytes = bytes.length
      this.#reason ??= "ended in a message"
      if (bytes.length > 0) this.#events.takeCut(bytes)
    }
    this.#events.end()
    return true
  }

  /** Between two chunks: a message that has begun has its room whole, or nothing more of it is read. */
  #settle(): void {
    if (this.#state === "ended") return this.#finish()
    if (!this.#framing.isMidMessage) return this.#giveCredit()
    if (this.#credit !== "none") return
    const bytes = limits.syslogMessageBytesMax
    if (this.#pool.take(bytes)) {
      this.#credit = "there"
      return
    }
    this.#credit = "asked"
    this.#line.pause()
    this.#pool.takeWhenThere(bytes, () => this.#gotCredit())
  }

  #gotCredit(): void {
    if (this.#state === "over") return this.#pool.give(limits.syslogMessageBytesMax)
    this.#credit = "there"
    if (!this.isPaused && this.#state === "open") this.#line.resume()
  }

  #giveCredit(): void {
    if (this.#credit === "there") this.#pool.give(limits.syslogMessageBytesMax)
    if (this.#credit === "there") this.#credit = "none"
  }

  #finish(): void {
    this.#giveCredit()
    this.#pool.give(this.#restBytes)
    this.#state = "over"
    this.#framing.forget()
    this.#held = undefined
    const reason = this.#reason
    const unfinishedBytes = this.#unfinishedBytes
    if (reason !== undefined)
      this.#intake.lost(this.#peer, { number: this.#taken, reason, unfinishedBytes })
    this.#line.over()
  }
}
