import { isPosternError, PosternError } from "@postern/log/base"
import {
  type AuditEvent,
  completeEvent,
  createEventId,
  type EventInput,
  encodeEvent,
} from "@postern/log/event"
import {
  checkBatchReceipt,
  type ProvenBatch,
  type ReceiptFile,
  receiptFileOf,
} from "@postern/log/evidence"
import { splitRegion } from "@postern/log/wire"
import { loadProfile, type Profile } from "../profile.ts"
import { type Delivered, Delivery } from "./delivery.ts"
import { EventBuffer } from "./event-buffer.ts"
import { type ConnectOptions, type Problem, spoolDefaults } from "./options.ts"
import { keepBadReceipt, reportToStderr } from "./problem.ts"
import { Spool } from "./spool.ts"
import { systemWorld, type World } from "./world.ts"

/** Everything of an event but its action. */
export type Details = Omit<EventInput, "action">

export interface AuditStatus {
  readonly connected: boolean
  /** Taken and not acknowledged. */
  readonly pendingEvents: number
  readonly acked: number
  readonly refused: number
  /** Given up because the spool was full; the log says so too. */
  readonly dropped: number
  readonly lastProblem: Problem | undefined
}

/**
 * Writes audit events. `audit("invoice.deleted", { actor: "alice", target: "invoice/4711" })` returns the event's id at once,
 * never waits and never throws (but see whenFull): what is wrong with an event goes to onProblem.
 */
export interface Audit {
  (action: string, details: Details): string
  /** Resolves when the event is durable, with its checked receipt. Rejects with the code for which it was refused. */
  confirm(action: string, details: Details): Promise<ReceiptFile>
  /** Resolves when everything so far is acknowledged or refused by name. Errors: UNREACHABLE after timeoutMs. */
  flush(timeoutMs?: number): Promise<void>
  /** Resolves when everything so far is on stable storage in the spool. Errors: SPOOL_FULL; those of the file system. */
  spooled(): Promise<void>
  status(): AuditStatus
  /** Flushes for at most `timeoutMs` (default 5000), then ends; what is not acknowledged stays in the spool for the next start. */
  close(timeoutMs?: number): Promise<void>
}

/** One receipt a second is checked without being asked for. */
const sampleMs = 1000

/**
 * Opens the spool and begins to connect. Resolves without waiting for the port unless `wait` is set. Errors: PROFILE_INVALID,
 * SPOOL_LOCKED, SPOOL_DAMAGED; with `wait`, UNREACHABLE after 10 seconds.
 */
export async function connect(
  profile: Profile | string | undefined = process.env.POSTERN_PROFILE,
  options: ConnectOptions = {},
): Promise<Audit> {
  const known = typeof profile === "object" ? profile : loadProfile(profile)
  if (known.role !== "writer")
    throw new PosternError("PROFILE_INVALID", `it is a ${known.role}'s, not a writer's`)
  const writer = await Writer.open(known, options, systemWorld)
  if (options.wait === true) await writer.connected(10_000)
  const audit = (action: string, details: Details): string => writer.write(action, details)
  return Object.assign(audit, {
    confirm: (action: string, details: Details) => writer.confirm(action, details),
    flush: (timeoutMs?: number) => writer.flush(timeoutMs),
    spooled: () => writer.spooled(),
    status: () => writer.status(),
    close: (timeoutMs?: number) => writer.close(timeoutMs),
  })
}

interface Waiting {
  readonly resolve: (receipt: ReceiptFile) => void
  readonly reject: (error: unknown) => void
}

/** Ties event buffer, spool and delivery together. */
class Writer {
  readonly #profile: Profile
  readonly #options: ConnectOptions
  readonly #world: World
  readonly #spool: Spool
  readonly #buffer: EventBuffer
  readonly #delivery: Delivery
  readonly #source: string
  /** Who waits for a receipt, by the event's position. */
  readonly #confirming = new Map<number, Waiting>()
  readonly #flushing: { readonly position: number; readonly done: () => void }[] = []
  readonly #readying: (() => void)[] = []
  readonly #onExit: () => void
  #acked = 0
  #refused = 0
  #dropped = 0
  #lastProblem: Problem | undefined
  #sampledMs = 0
  #isClosed = false

  static async open(profile: Profile, options: ConnectOptions, world: World): Promise<Writer> {
    const directory = options.spool?.directory ?? profile.spool
    if (directory === undefined)
      throw new PosternError("PROFILE_INVALID", "it names no spool directory")
    const { bytesMax = spoolDefaults.bytesMax, preallocate = spoolDefaults.preallocate } =
      options.spool ?? {}
    const segmentsMax = Math.min(100, Math.max(2, Math.floor(bytesMax / (1024 * 1024 * 4))))
    const segmentBytes = Math.floor(bytesMax / segmentsMax / 4096) * 4096
    const settings = { directory, segmentBytes, segmentsMax, isPreallocated: preallocate }
    return new Writer(profile, options, world, await Spool.open(settings, world))
  }

  private constructor(profile: Profile, options: ConnectOptions, world: World, spool: Spool) {
    this.#profile = profile
    this.#options = options
    this.#world = world
    this.#spool = spool
    this.#source = profile.source ?? "app://unnamed"
    this.#delivery = new Delivery(spool, profile, world, {
      delivered: (batch) => this.#delivered(batch),
      refused: (code, events) => {
        this.#refused += events
        this.#tell(new PosternError(code), events)
      },
      problem: (error, events) => this.#tell(error, events),
      ready: () => {
        for (const done of this.#readying.splice(0)) done()
      },
      settled: () => this.#settled(),
    })
    const { whenFull = spoolDefaults.whenFull, durable = spoolDefaults.durable } =
      options.spool ?? {}
    this.#buffer = new EventBuffer(spool, { whenFull, durable }, world, {
      spooled: () => this.#delivery.wake(),
      protectedEnd: () => this.#delivery.protectedEnd,
      lost: (events) => {
        this.#dropped += events
        this.#tell(
          new PosternError("SPOOL_FULL", "events were given up; the log will say how many"),
          events,
        )
      },
      failed: (error) =>
        this.#tell(new PosternError("SPOOL_FULL", String(error), { cause: error })),
    })
    if (spool.damagedEvents > 0) this.#tell(new PosternError("SPOOL_DAMAGED"), spool.damagedEvents)
    this.#onExit = () => this.#buffer.writeNow()
    process.on("exit", this.#onExit)
    this.#delivery.start()
  }

  write(action: string, details: Details): string {
    try {
      return this.#take(action, details).id
    } catch (error) {
      if (isPosternError(error) && error.code === "SPOOL_FULL") throw error
      this.#refused += 1
      this.#tell(
        isPosternError(error)
          ? error
          : new PosternError("EVENT_SYNTAX", String(error), { cause: error }),
        1,
      )
      return ""
    }
  }

  confirm(action: string, details: Details): Promise<ReceiptFile> {
    return new Promise((resolve, reject) => {
      const { position } = this.#take(action, details)
      this.#confirming.set(position, { resolve, reject })
    })
  }

  #take(action: string, details: Details): { id: string; position: number } {
    if (this.#isClosed) throw new PosternError("SHUTTING_DOWN", "this audit log is closed")
    const now = new Date(this.#world.nowMs())
    const event: AuditEvent = completeEvent(
      { ...details, action },
      {
        now,
        id: () => createEventId(now, this.#world.randomBytes(16)),
        source: this.#source,
        mayUseSelfActions: this.#options.mayUseSelfActions === true,
      },
    )
    return { id: event.id, position: this.#buffer.add(encodeEvent(event)) }
  }

  async #delivered(batch: Delivered): Promise<void> {
    const { frame, ack, refused } = batch
    this.#acked += ack.accepted
    const asked = [...this.#confirming.keys()].filter((position) => {
      return position >= frame.position && position < frame.position + frame.count
    })
    const now = this.#world.nowMs()
    const sample = now - this.#sampledMs >= sampleMs
    if (asked.length === 0 && !sample) return
    this.#sampledMs = now
    const proven = await this.#prove(batch)
    for (const position of asked) this.#answer(position, batch, proven, new Set(refused))
  }

  /** Checks the receipt against our own bytes; undefined if there is nothing to check. */
  async #prove(batch: Delivered): Promise<ProvenBatch | PosternError> {
    const { frame, ack, note, refused, receiptVkey } = batch
    if (note === "" || ack.accepted === 0) {
      return new PosternError(
        "RECEIPT_INVALID",
        "the port no longer has this receipt at hand; the entry is kept",
      )
    }
    try {
      const region = await this.#spool.load(frame)
      if (region === undefined)
        return new PosternError("RECEIPT_INVALID", "the events are no longer at hand")
      const events = splitRegion(region, frame.count)
      return await checkBatchReceipt({ ack, events, refused, note, receiptVkey })
    } catch (error) {
      if (!isPosternError(error)) throw error
      keepBadReceipt(this.#options.spool?.directory ?? this.#profile.spool, batch)
      this.#tell(error, ack.events)
      return error
    }
  }

  #answer(
    position: number,
    batch: Delivered,
    proven: ProvenBatch | PosternError,
    refused: ReadonlySet<number>,
  ): void {
    const waiting = this.#confirming.get(position)
    this.#confirming.delete(position)
    const at = position - batch.frame.position
    if (refused.has(at))
      return waiting?.reject(
        new PosternError("NOT_GRANTED", "the port refused the event, see onProblem"),
      )
    if (isPosternError(proven)) return waiting?.reject(proven)
    let index = batch.ack.firstIndex
    for (let before = 0; before < at; before++) if (!refused.has(before)) index += 1
    waiting?.resolve(receiptFileOf(proven, index, batch.certificate))
  }

  #settled(): void {
    const { position } = this.#spool.anchor
    for (const each of this.#flushing.splice(0)) {
      if (each.position <= position) each.done()
      else this.#flushing.push(each)
    }
  }

  async flush(timeoutMs = 30_000): Promise<void> {
    const { position } = this.#buffer
    await this.#buffer.written(false)
    if (this.#spool.anchor.position >= position) return
    const detail = `${position - this.#spool.anchor.position} events are not acknowledged`
    await this.#within(timeoutMs, detail, (done) => this.#flushing.push({ position, done }))
  }

  async connected(timeoutMs: number): Promise<void> {
    if (this.#delivery.isOpen) return
    const detail = this.#lastProblem?.message ?? this.#profile.address
    await this.#within(timeoutMs, detail, (done) => this.#readying.push(done))
  }

  #within(timeoutMs: number, detail: string, start: (done: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#world.startTimer(() => {
        reject(new PosternError("UNREACHABLE", this.#lastProblem?.message ?? detail))
      }, timeoutMs)
      start(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  spooled(): Promise<void> {
    return this.#buffer.written(true)
  }

  status(): AuditStatus {
    return {
      connected: this.#delivery.isOpen,
      pendingEvents: this.#buffer.position - this.#spool.anchor.position,
      acked: this.#acked,
      refused: this.#refused,
      dropped: this.#dropped,
      lastProblem: this.#lastProblem,
    }
  }

  async close(timeoutMs = 5_000): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.flush(timeoutMs).catch((error) => {
      this.#tell(isPosternError(error) ? error : new PosternError("UNREACHABLE", String(error)))
    })
    await this.#delivery.end()
    process.off("exit", this.#onExit)
    await this.#spool.close()
    for (const { reject } of this.#confirming.values()) reject(new PosternError("SHUTTING_DOWN"))
  }

  #tell(error: PosternError, events = 0): void {
    const problem = { code: error.code, message: error.message, hint: error.hint, events }
    this.#lastProblem = problem
    const told = this.#options.onProblem ?? reportToStderr
    told(problem)
  }
}
