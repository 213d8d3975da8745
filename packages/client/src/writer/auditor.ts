import { type ErrorCode, isPosternError, PosternError } from "@postern/log/base"
import { formatReceiptFile, type ReceiptFile } from "@postern/log/evidence"
import { formatProofFile, leafHash } from "@postern/log/tlog"
import {
  type AuditAnswer,
  decodeCheckpoint,
  encodeAudit,
  encodeDoubt,
  encodeFrame,
  frameTypes,
} from "@postern/log/wire"
import type { Profile } from "../profile.ts"
import { type KeysTold, keepContradiction } from "./doubt-file.ts"
import { KeptFile } from "./kept-file.ts"
import type { LogKeys } from "./log-keys.ts"
import { type Believed, judgeAnswer, type Sample } from "./log-trust.ts"
import type { Timer, World } from "./world.ts"

/** How far an entry must have come. */
export type WaitLevel = "published" | "witnessed"

/** A receipt whose entry is under a checkpoint that was verified. */
export interface Confirmed extends ReceiptFile {
  /** The entry's proof under a signed checkpoint (C2SP tlog-proof), with `wait: "published"` or more. */
  readonly proof?: string
}

export interface AuditorEvents {
  tell(code: ErrorCode, detail: string): void
  /** Somebody waits for an answer, or nobody any more. */
  awaited(isAwaited: boolean): void
}

interface Waiting {
  readonly receipt: ReceiptFile
  readonly level: WaitLevel
  readonly resolve: (confirmed: Confirmed) => void
  readonly reject: (error: PosternError) => void
}

interface Question {
  readonly sample: (Sample & { readonly receipt: ReceiptFile }) | undefined
  /** The waiting one that the sample is for. */
  readonly waiting: Waiting | undefined
  readonly witnessed: boolean
}

/** While something is acknowledged the log is looked after so often, and while somebody waits. */
const everyMs = 10_000
const hurriedMs = 1_000
/** Receipts of entries of which one is asked for. */
const receiptsMax = 64
/** The same contradiction is told and kept again after so long. */
const againMs = 600_000

/**
 * Looks after the log while writing to it, without reading it: each checkpoint must go on from the one believed before, and hold an
 * entry that this writer has a receipt for, drawn by chance. What contradicts stops nothing: it is told, kept in a file, and said to the
 * port, whose log then holds it.
 */
export class Auditor {
  readonly #world: World
  readonly #directory: string
  readonly #keys: LogKeys
  readonly #events: AuditorEvents
  readonly #file: KeptFile
  readonly #waiting: Waiting[] = []
  #receipts: ReceiptFile[] = []
  #known: Believed | undefined
  #isKnownRead = false
  #profile: Profile | undefined
  #send: ((frame: Uint8Array) => void) | undefined
  #timer: Timer | undefined
  #asked: Question | undefined
  #askedMs = 0
  #hasNews = false
  #stopped: PosternError | undefined
  #doubted: { readonly code: ErrorCode; readonly atMs: number } | undefined

  /** @param keys those of the connection: begun when begin() is called */
  constructor(directory: string, world: World, keys: LogKeys, events: AuditorEvents) {
    this.#directory = directory
    this.#world = world
    this.#keys = keys
    this.#events = events
    this.#file = new KeptFile(directory, "checkpoint")
    this.#askedMs = world.nowMs()
  }

  /** The stream is open; frames may be sent until end(). */
  begin(profile: Profile, send: (frame: Uint8Array) => void): void {
    this.#profile = profile
    this.#send = send
    this.#schedule()
    const { problem } = this.#keys
    if (problem !== undefined) void this.#doubt(problem.error, problem, undefined, profile)
  }

  /** The connection is gone; a question without an answer is asked again. */
  end(): void {
    this.#send = undefined
    this.#asked = undefined
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Something was acknowledged: the log has grown by it. */
  acknowledged(): void {
    if (this.#hasNews) return
    this.#hasNews = true
    this.#schedule()
  }

  /** An entry that the log must hold from now on. */
  remember(receipt: ReceiptFile): void {
    this.#receipts.push(receipt)
    if (this.#receipts.length > receiptsMax) this.#receipts.shift()
  }

  /** Resolves when a checkpoint that was verified holds the entry. Errors: those of judgeAnswer(); UNREACHABLE if stop() comes first. */
  cover(receipt: ReceiptFile, level: WaitLevel): Promise<Confirmed> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ receipt, level, resolve, reject })
      this.#events.awaited(true)
      this.#timer?.cancel()
      this.#timer = undefined
      this.#schedule()
    })
  }

  get isAwaited(): boolean {
    return this.#waiting.length > 0
  }

  /** The port knows nothing of audits: none is asked for any more, and who waits is told. */
  refuse(error: PosternError): void {
    this.#stopped = error
    this.end()
    this.#rejectAll(error)
  }

  /** Nothing is asked any more; who waits is told. Resolves when nothing is being written. */
  async stop(error: PosternError): Promise<void> {
    this.refuse(error)
    await Promise.all([this.#file.close(), this.#keys.close()])
  }

  #rejectAll(error: PosternError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
    this.#events.awaited(false)
  }

  #schedule(): void {
    const isIdle = !this.#hasNews && this.#waiting.length === 0
    if (isIdle || this.#send === undefined || this.#stopped !== undefined) return
    if (this.#asked !== undefined || this.#timer !== undefined) return
    const pauseMs = this.#waiting.length > 0 ? hurriedMs : everyMs
    const delayMs = Math.max(0, this.#askedMs + pauseMs - this.#world.nowMs())
    this.#timer = this.#world.startTimer(() => {
      this.#timer = undefined
      this.#ask()
    }, delayMs)
    this.#timer.hold(false)
  }

  /** Who has not been asked for the longest comes first; else one of the receipts, by chance. */
  #ask(): void {
    const [waiting] = this.#waiting
    const drawn = this.#receipts[Math.floor(this.#world.random() * this.#receipts.length)]
    const receipt = waiting?.receipt ?? drawn
    const sample = receipt && {
      index: receipt.index,
      leafHash: leafHash(receipt.leaf),
      receipt,
    }
    this.#readKnown()
      .then((known) => {
        if (this.#send === undefined || this.#asked !== undefined) return
        const witnessed = waiting?.level === "witnessed"
        this.#asked = { sample, waiting, witnessed }
        this.#askedMs = this.#world.nowMs()
        this.#hasNews = false
        const { next: keys } = this.#keys
        const question = { seen: known?.size ?? 0, sample: sample?.index, keys }
        const audit = encodeAudit({ ...question, ...(witnessed && { witnessed }) })
        this.#send(encodeFrame(frameTypes.audit, audit))
      })
      .catch((error) => {
        this.#events.tell("SPOOL_DAMAGED", `the checkpoint that was kept: ${error}`)
        this.#askedMs = this.#world.nowMs()
        this.#schedule()
      })
  }

  /** What an earlier process believed, read once. One that its log key did not sign is told of, and left. */
  async #readKnown(): Promise<Believed | undefined> {
    if (this.#isKnownRead || this.#profile === undefined) return this.#known
    this.#isKnownRead = true
    const note = this.#file.read()
    // One of another log is none of this one's: the log has begun anew under another name.
    if (note?.startsWith(`${this.#profile.log.origin}\n`) !== true) return undefined
    try {
      this.#known = { ...(await this.#keys.openCheckpoint(note)).checkpoint, note }
    } catch (error) {
      if (!isPosternError(error)) throw error
      const detail = `the checkpoint that was kept is not of this log: ${error.detail ?? error.message}`
      this.#events.tell("SPOOL_DAMAGED", detail)
    }
    return this.#known
  }

  /** The body of a CHECKPOINT. Errors: FRAME_SYNTAX; FRAME_ORDER if nothing was asked. */
  async hear(body: Uint8Array): Promise<void> {
    const answer = decodeCheckpoint(body)
    const { asked, profile } = { asked: this.#asked, profile: this.#profile }
    if (asked === undefined || profile === undefined) {
      throw new PosternError("FRAME_ORDER", "CHECKPOINT without AUDIT")
    }
    try {
      await this.#believe(answer, asked)
    } catch (error) {
      if (!isPosternError(error)) throw error
      await this.#doubt(error, answer, asked.sample, profile)
    }
    if (this.#asked === asked) this.#asked = undefined
    this.#schedule()
  }

  async #believe(answer: AuditAnswer, asked: Question): Promise<void> {
    const known = this.#known
    const { note } = answer
    await this.#keys.learn(answer.keys)
    if (this.#keys.problem !== undefined) throw this.#keys.problem.error
    const { checkpoint, quorumMet } = await this.#keys.openCheckpoint(note)
    const believed = { ...checkpoint, note }
    judgeAnswer(answer, believed, known, asked)
    this.#doubted = undefined
    if (known === undefined || believed.size > known.size) {
      this.#known = believed
      // Before anybody is told: what was believed once is remembered.
      await this.#file.write(believed.note).catch((error) => {
        this.#events.tell("SPOOL_FULL", `the checkpoint could not be kept: ${error}`)
      })
    }
    const { waiting } = asked
    if (waiting === undefined) return
    const isCovered = waiting.receipt.index < believed.size
    this.#answer(waiting, answer, isCovered && (quorumMet || waiting.level === "published"))
  }

  /** Who has to go on waiting lets the others go first: the quorum may take long, and they do not need it. */
  #answer(waiting: Waiting, { note, path }: AuditAnswer, isProven: boolean): void {
    const at = this.#waiting.indexOf(waiting)
    if (at < 0) return
    this.#waiting.splice(at, 1)
    if (!isProven) return void this.#waiting.push(waiting)
    this.#events.awaited(this.#waiting.length > 0)
    const { receipt, resolve } = waiting
    resolve({ ...receipt, proof: formatProofFile({ index: receipt.index, proof: path, note }) })
  }

  async #doubt(
    error: PosternError,
    said: AuditAnswer | KeysTold,
    sample: Question["sample"],
    { log: { origin } }: Profile,
  ): Promise<void> {
    const { code, detail = error.message } = error
    const nowMs = this.#world.nowMs()
    this.#rejectAll(error)
    const before = this.#doubted
    if (before?.code === code && nowMs - before.atMs < againMs) return
    this.#doubted = { code, atMs: nowMs }
    const known = this.#known
    const receipt = sample && formatReceiptFile(sample.receipt)
    let kept: string | undefined
    try {
      const contradiction = { error, origin, known, said, sample, receipt }
      kept = await keepContradiction(this.#directory, contradiction, nowMs)
    } catch (cause) {
      this.#events.tell("SPOOL_FULL", `a contradiction could not be kept: ${cause}`)
    }
    this.#events.tell(code, kept === undefined ? detail : `${detail}; see ${kept}`)
    const note = "note" in said ? said.note : ""
    this.#send?.(encodeFrame(frameTypes.doubt, encodeDoubt({ code, detail, note })))
  }
}
