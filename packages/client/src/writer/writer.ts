import { type ErrorCode, isPosternError, PosternError } from "@postern/log/base"
import { createEventId } from "@postern/log/event"
import { type ProvenBatch, type ReceiptFile, receiptFileOf } from "@postern/log/evidence"
import { parsePolicy } from "@postern/log/tlog"
import type { Details } from "../context/index.ts"
import type { Profile } from "../profile.ts"
import type { ProfileHolder } from "../renewal/index.ts"
import { Auditor, type Confirmed, type WaitLevel } from "./auditor.ts"
import { keepBadReceipt } from "./bad-receipt.ts"
import { answer, Confirmations, prove } from "./confirmations.ts"
import { Connection } from "./connection.ts"
import { Counts } from "./counts.ts"
import { type Delivered, Delivery } from "./delivery.ts"
import { EventBuffer } from "./event-buffer.ts"
import { EventBytes } from "./event-bytes.ts"
import { asProblem, textOf } from "./event-text.ts"
import { LogKeys } from "./log-keys.ts"
import { type ConnectOptions, spoolSettings } from "./options.ts"
import { createStderrReport, type Problem } from "./problem.ts"
import { type SayingWriter, writeSaid } from "./said-event.ts"
import { SideTalks } from "./side-talks.ts"
import { Spool } from "./spool.ts"
import { endOf, type SpoolFrame } from "./spool-frame.ts"
import { type AuditStatus, statusOf } from "./status.ts"
import { systemWorld, type World } from "./world.ts"
import { WriterRenewal } from "./writer-renewal.ts"

interface FlushWaiter {
  readonly position: number
  readonly resolve: () => void
}

/** Receipts that nobody asked for are checked at most so often. */
const sampleMs = 1_000
/** Losses are told at most so often, with their number. */
const lossMs = 1_000
const firstAttemptMs = 15_000
/** Of a GAP (docs/spec/wire.md). */
const lossReasonMax = 256

/** What the writers of this process still have to do when it ends. */
const atExit = new Set<() => void>()

function writeAllNow(): void {
  for (const writeNow of atExit) writeNow()
}

/** One writer of a process: ties event buffer, spool, delivery and connection together, and counts. */
export class Writer {
  readonly #holder: ProfileHolder
  readonly #world: World
  readonly #spool: Spool
  readonly #directory: string
  readonly #buffer: EventBuffer
  readonly #connection: Connection
  readonly #confirmations = new Confirmations()
  readonly #auditor: Auditor
  readonly #renewal: WriterRenewal
  readonly #report: (problem: Problem) => void
  readonly #saying: SayingWriter
  readonly #bytes: EventBytes
  readonly #writeNow = (): void => this.#buffer.writeNow()
  readonly #flushing: FlushWaiter[] = []
  /** Who waits for the outcome of the first attempt to connect. */
  readonly #attempting: ((problem: PosternError | undefined) => void)[] = []
  readonly #counts = new Counts()
  #lastProblem: Problem | undefined
  #sampledMs = Number.NEGATIVE_INFINITY
  #untoldLoss = 0
  #lossToldMs = Number.NEGATIVE_INFINITY
  #isClosed = false

  /** @param holder asked for the profile at each attempt to connect */
  static async open(holder: ProfileHolder, options: ConnectOptions): Promise<Writer> {
    const profile = holder.read()
    const { world = systemWorld } = options
    const settings = spoolSettings(profile, options.spool)
    const spool = await Spool.open(settings, world)
    const writer = new Writer(profile, holder, options, world, spool, settings.directory)
    writer.#start()
    return writer
  }

  private constructor(
    profile: Profile,
    holder: ProfileHolder,
    options: ConnectOptions,
    world: World,
    spool: Spool,
    directory: string,
  ) {
    this.#holder = holder
    this.#world = world
    this.#spool = spool
    this.#directory = directory
    const mayUseSelfActions = options.mayUseSelfActions === true
    this.#saying = {
      source: profile.source ?? "app://unnamed",
      mayUseSelfActions,
      contextFailed: ({ detail }) => this.#tell("CONTEXT_FAILED", detail, 1),
    }
    this.#bytes = new EventBytes(world, mayUseSelfActions)
    this.#report = options.onProblem ?? createStderrReport(() => world.nowMs())
    const keys = new LogKeys(directory, (code, detail) => this.#tell(code, detail, 0))
    const delivery = new Delivery(spool, world, keys, {
      wants: (frame) => this.#wants(frame),
      awaited: () => this.#confirmations.first,
      delivered: (delivered) => this.#delivered(delivered),
      settled: () => this.#settled(),
      damaged: ({ events }) =>
        this.#tell("SPOOL_DAMAGED", "frames could not be read again", events),
    })
    this.#auditor = new Auditor(directory, world, keys, {
      tell: (code, detail) => this.#tell(code, detail, 0),
      awaited: () => this.#hold(),
    })
    const acked = spool.anchor.position
    this.#renewal = new WriterRenewal(holder, world, (code, detail) => this.#tell(code, detail, 0))
    const talks = new SideTalks(this.#auditor, this.#renewal)
    this.#connection = new Connection(delivery, acked, () => holder.read(), world, talks, {
      ready: () => this.#attempted(undefined),
      tell: (code, detail) => {
        this.#tell(code, detail, 0)
        this.#attempted(new PosternError(code, detail))
      },
    })
    const { whenFull = "dropOldest", durable = "process" } = options.spool ?? {}
    this.#buffer = new EventBuffer(spool, { whenFull, durable }, world, {
      added: () => this.#connection.wake(),
      sentEnd: () => this.#connection.sentEnd,
      lost: (events) => this.#lost(events),
      failed: ({ code, detail }) => this.#tell(code, detail, 0),
    })
  }

  #start(): void {
    const { damagedEvents } = this.#spool
    if (damagedEvents > 0) this.#tell("SPOOL_DAMAGED", this.#directory, damagedEvents)
    // A process that ends by itself or by an uncaught error loses nothing; one that is killed loses what was not written.
    if (atExit.size === 0) process.on("exit", writeAllNow)
    atExit.add(this.#writeNow)
    this.#connection.start()
  }

  /** Takes an event; gives its id, "" if it was not taken. Only SPOOL_FULL is thrown, and only where that was asked for. */
  write(action: string, details: Details): string {
    const now = new Date(this.#world.nowMs())
    const id = details?.id ?? createEventId(now, this.#world.randomBytes(16))
    try {
      return this.#take(action, details, now, id) === undefined ? "" : id
    } catch (error) {
      const problem = asProblem(error)
      if (problem.code === "SPOOL_FULL") throw problem
      this.#counts.refused += 1
      this.#tell(problem.code, problem.detail, 1)
      return ""
    }
  }

  /** Takes an event that somebody else wrote; gives its id, "" if it was not taken. Throws as write() does. */
  put(event: Uint8Array): string {
    try {
      if (this.#isClosed) throw new PosternError("SHUTTING_DOWN", "close() was called before")
      const judged = this.#bytes.judge(event)
      return this.#buffer.add(judged) === undefined ? "" : judged.id
    } catch (error) {
      const problem = asProblem(error)
      if (problem.code === "SPOOL_FULL") throw problem
      this.#counts.refused += 1
      this.#tell(problem.code, problem.detail, 1)
      return ""
    }
  }

  /** Writes into the stream that events were lost. Errors: SPOOL_FULL, SHUTTING_DOWN, EVENT_FIELD_VALUE. */
  lose(events: number, reason: string): void {
    if (this.#isClosed) throw new PosternError("SHUTTING_DOWN", "close() was called before")
    const isCount = Number.isInteger(events) && events >= 1 && events < 2 ** 32
    if (!isCount || reason.length < 1 || reason.length > lossReasonMax) {
      throw new PosternError("EVENT_FIELD_VALUE", "a loss is of 1 to 2^32-1 events, with a reason")
    }
    this.#buffer.addLoss(events, reason)
    this.#counts.dropped += events
  }

  /** Takes an event; resolves with its receipt, rejects with the reason why there is none. */
  async confirm(action: string, details: Details, wait: WaitLevel | "durable"): Promise<Confirmed> {
    if (wait === "witnessed") demandQuorum(this.#holder.read())
    const receipt = await this.#confirmDurable(action, details)
    return wait === "durable" ? receipt : this.#auditor.cover(receipt, wait)
  }

  async #confirmDurable(action: string, details: Details): Promise<ReceiptFile> {
    let position: number | undefined
    try {
      const now = new Date(this.#world.nowMs())
      position = this.#take(action, details, now, createEventId(now, this.#world.randomBytes(16)))
    } catch (error) {
      const problem = asProblem(error)
      if (problem.code !== "SPOOL_FULL") this.#counts.refused += 1
      throw problem
    }
    if (position === undefined) throw new PosternError("SPOOL_FULL", "the event was given up")
    const receipt = this.#confirmations.add(position)
    this.#buffer.hurry()
    this.#hold()
    return receipt
  }

  /** The process goes on as long as somebody waits. */
  #hold(): void {
    this.#connection.hold(this.#confirmations.size > 0 || this.#auditor.isAwaited)
  }

  /** @param id for an event that has none */
  #take(action: string, details: Details, now: Date, id: string): number | undefined {
    if (this.#isClosed) throw new PosternError("SHUTTING_DOWN", "close() was called before")
    const written = writeSaid(this.#saying, action, details, now, id)
    return this.#buffer.add(textOf(written, this.#world))
  }

  /** Resolves when everything so far is settled. Errors: UNREACHABLE after timeoutMs. */
  async flush(timeoutMs: number): Promise<void> {
    const { position } = this.#buffer
    if (this.#spool.anchor.position >= position) return
    this.#buffer.hurry()
    await this.#within(timeoutMs, (resolve) => this.#flushing.push({ position, resolve }))
  }

  #within(timeoutMs: number, start: (resolve: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#world.startTimer(() => {
        const count = this.#buffer.position - this.#spool.anchor.position
        const waiting = `${count} events are not acknowledged`
        const reason = this.isOpen ? undefined : this.#lastProblem?.message
        reject(
          new PosternError("UNREACHABLE", reason === undefined ? waiting : `${waiting}; ${reason}`),
        )
      }, timeoutMs)
      start(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  get isOpen(): boolean {
    return this.#connection.isOpen
  }

  /** Resolves when the stream is open. Errors: what the first attempt failed with. */
  async connected(): Promise<void> {
    if (this.isOpen) return
    let failure: PosternError | undefined
    const attempt = (resolve: () => void) =>
      this.#attempting.push((problem) => {
        failure = problem
        resolve()
      })
    await this.#within(firstAttemptMs, attempt)
    if (failure !== undefined) throw failure
  }

  #attempted(problem: PosternError | undefined): void {
    for (const done of this.#attempting.splice(0)) done(problem)
  }

  spooled(): Promise<void> {
    return this.#buffer.spooled()
  }

  status(): AuditStatus {
    return statusOf(this.#spool, this.#buffer, this.#counts, {
      connected: this.isOpen,
      lastProblem: this.#lastProblem,
    })
  }

  /** Waits at most `timeoutMs` for what is not acknowledged; the rest stays in the spool. Never rejects. */
  async close(timeoutMs: number): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    try {
      await this.flush(timeoutMs).catch((error) => {
        const { code, detail } = asProblem(error)
        this.#tell(code, detail, 0)
      })
      await this.#buffer.close()
      await this.#renewal.stop(timeoutMs)
      if (this.#spool.anchor.position === this.#buffer.position) await this.#connection.finish()
      else await this.#connection.end()
      this.#tellLoss()
      const late = "close() did not wait for a checkpoint; the event is in the log"
      await this.#auditor.stop(new PosternError("UNREACHABLE", late))
      await this.#spool.close()
    } catch (error) {
      const { code, detail } = asProblem(error)
      this.#tell(code, detail, 0)
    }
    atExit.delete(this.#writeNow)
    if (atExit.size === 0) process.off("exit", writeAllNow)
    const detail = "close() did not wait longer; the event is in the spool"
    this.#confirmations.rejectAll(new PosternError("UNREACHABLE", detail))
  }

  #wants(frame: SpoolFrame): boolean {
    const { first } = this.#confirmations
    if (first !== undefined && first < endOf(frame)) return true
    return this.#world.nowMs() - this.#sampledMs >= sampleMs
  }

  #delivered(delivered: Delivered): void {
    const { frame, region } = delivered
    const waiting = this.#confirmations.take(endOf(frame))
    this.#hold()
    if (frame.kind === "batch") {
      this.#counts.delivered(delivered, (...problem) => this.#tell(...problem))
      this.#auditor.acknowledged()
    }
    if (region === undefined && waiting.length === 0) return
    if (region !== undefined) this.#sampledMs = this.#world.nowMs()
    prove(delivered)
      .then((proof) => {
        if (!isPosternError(proof)) this.#remember(delivered, proof)
        else if (proof.code !== "RECEIPT_GONE") this.#doubt(delivered, proof)
        answer(waiting, delivered, proof)
      })
      .catch((error) => {
        for (const { reject } of waiting) reject(asProblem(error))
      })
  }

  /** One entry of the batch, by chance, is looked for in the log later. */
  #remember({ receiptKey }: Delivered, proof: ProvenBatch): void {
    const at = Math.floor(this.#world.random() * proof.leaves.length)
    const { certificate = "" } = receiptKey ?? {}
    this.#auditor.remember(receiptFileOf(proof, proof.firstIndex + at, certificate))
  }

  /** A receipt does not hold. The events count as delivered, and what the port said is kept. */
  #doubt(delivered: Delivered, { code, detail }: PosternError): void {
    let kept: string | undefined
    try {
      kept = keepBadReceipt(this.#directory, delivered)
    } catch (error) {
      this.#tell("SPOOL_FULL", `a bad receipt could not be kept: ${error}`, 0)
    }
    const known = code === "NOTE_INVALID" ? code : "RECEIPT_INVALID"
    this.#tell(
      known,
      [detail, kept && `see ${kept}`].filter(Boolean).join("; "),
      delivered.frame.count,
    )
  }

  #settled(): void {
    const { position } = this.#spool.anchor
    while ((this.#flushing[0]?.position ?? Number.POSITIVE_INFINITY) <= position) {
      this.#flushing.shift()?.resolve()
    }
  }

  #lost(events: number): void {
    this.#counts.dropped += events
    this.#untoldLoss += events
    if (this.#world.nowMs() - this.#lossToldMs >= lossMs) this.#tellLoss()
  }

  #tellLoss(): void {
    const events = this.#untoldLoss
    if (events === 0) return
    this.#untoldLoss = 0
    this.#lossToldMs = this.#world.nowMs()
    this.#tell("SPOOL_FULL", "events were given up; the log will say how many", events)
  }

  #tell(code: ErrorCode, detail: string | undefined, events: number): void {
    const { message, hint } = new PosternError(code, detail)
    const problem = { code, message, hint, events }
    this.#lastProblem = problem
    try {
      this.#report(problem)
    } catch {
      // The application's own fault in its own function must not reach the place that wrote an event.
    }
  }
}

function demandQuorum({ policy }: Profile): void {
  if (policy !== undefined && parsePolicy(policy).quorum !== undefined) return
  const detail = "it holds no policy with a quorum, so nothing is ever witnessed"
  throw new PosternError("PROFILE_INVALID", detail)
}
