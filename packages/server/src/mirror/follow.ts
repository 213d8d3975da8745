import {
  type ErrorCode,
  errorRegistry,
  formatHex,
  isPosternError,
  PosternError,
} from "@postern/log/base"
import { keepContradiction } from "./evidence.ts"
import { readSlotFrames, type SlotFrame } from "./frames.ts"
import type { MirrorLog } from "./mirror-log.ts"

/** The log that is mirrored, as its read port gives it. Everything that comes from here is a claim. */
export interface Origin {
  /** Slots from this number on. Errors: NOT_FOUND if the log ends before it; whatever keeps it from being asked. */
  slots(from: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>
  /** Whether the origin has this root at this size. */
  agrees(session: string, size: number, root: string): Promise<boolean>
  /** The origin's newest checkpoint; undefined if it gives none. */
  checkpoint(): Promise<string | undefined>
}

/** What a mirror tells its operator. */
export type MirrorEvent =
  | {
      readonly what: "following"
      readonly slot: number
      readonly size: number
      readonly head: number
    }
  | { readonly what: "confirmed"; readonly size: number; readonly lag: number }
  | { readonly what: "unconfirmed"; readonly size: number; readonly code: string }
  | {
      readonly what: "waiting"
      readonly code: string
      readonly reason: string
      readonly ms: number
    }

export interface Follow {
  readonly log: MirrorLog
  readonly origin: Origin
  /** Ends following; what was begun is finished. */
  readonly signal: AbortSignal
  tell(event: MirrorEvent): void
  /** Resolves after `ms`, or as soon as the signal comes. */
  pause(ms: number): Promise<void>
  now(): Date
  /** Milliseconds of a clock that never goes back. */
  elapsedMs(): number
}

const confirmEveryMs = 1_000
const waitMsMin = 250
const waitMsMax = 5_000

/**
 * Follows until the signal comes; an origin that is away is asked again. Errors: LOG_FORKED once it shows another
 * history (what it showed is kept), LOG_DAMAGED, NOTE_INVALID, DISK_FAILED, and what somebody must mend first.
 */
export async function followOrigin(follow: Follow): Promise<void> {
  let waitMs = waitMsMin
  while (!follow.signal.aborted) {
    const before = follow.log.slot
    try {
      await followOnce(follow)
    } catch (error) {
      if (follow.signal.aborted) return
      if (!isPosternError(error) || error.kind !== "busy") throw error
      waitMs = follow.log.slot > before ? waitMsMin : Math.min(waitMs * 2, waitMsMax)
      const { code, message: reason } = error
      follow.tell({ what: "waiting", code, reason, ms: waitMs })
      await follow.pause(waitMs)
    }
  }
}

/** One answer, from its first frame to its end. */
async function followOnce(follow: Follow): Promise<void> {
  const { log, origin } = follow
  const chunks = await origin.slots(log.slot, follow.signal).catch(async (error) => {
    if (!isPosternError(error) || error.code !== "NOT_FOUND") throw error
    const shorter = new PosternError("LOG_FORKED", `the origin ends before slot ${log.slot}`)
    throw await contradict(follow, shorter, undefined)
  })
  const answer = new Answer(follow)
  try {
    for await (const frame of readSlotFrames(chunks)) await answer.take(frame)
  } finally {
    await answer.settled()
  }
  answer.demandSound()
  if (!follow.signal.aborted) throw new PosternError("UNREACHABLE", "the origin's answer ended")
}

class Answer {
  readonly #follow: Follow
  #session: string | undefined
  /** Entries of the origin, as it says. */
  #head = 0
  #confirming: Promise<void> | undefined
  #confirmedMs = Number.NEGATIVE_INFINITY
  #confirmed = -1
  #failure: unknown
  #ended = false

  constructor(follow: Follow) {
    this.#follow = follow
  }

  async take(frame: SlotFrame): Promise<void> {
    this.demandSound()
    const { log, tell } = this.#follow
    if ((this.#session === undefined) !== (frame.kind === "begin")) {
      throw new PosternError("FRAME_ORDER", "BEGIN comes first and once")
    }
    switch (frame.kind) {
      case "begin":
        this.#begin(frame)
        break
      case "segment":
        await this.#unlessForked(undefined, () => log.begin(frame.first, frame.start))
        break
      case "slot":
        await this.#unlessForked(frame.bytes, () => log.add(frame.bytes))
        this.#head = Math.max(this.#head, log.size)
        break
      case "checkpoint":
        await this.#unlessForked(Buffer.from(frame.note), () => log.keep(frame.note), frame.note)
        break
      case "head":
        this.#head = Math.max(this.#head, frame.size)
        tell({ what: "following", slot: log.slot, size: log.size, head: this.#head })
        break
      case "end":
        throw problemOf(frame.problem)
    }
    this.#confirmSoon()
  }

  #begin({ origin, session, from, size }: SlotFrame & { kind: "begin" }): void {
    const { log } = this.#follow
    if (origin !== log.origin) {
      throw new PosternError("NOTE_INVALID", `it is the log ${origin}, not ${log.origin}`)
    }
    if (from !== log.slot) throw new PosternError("FRAME_SYNTAX", "BEGIN is for another slot")
    this.#session = session
    this.#head = size
  }

  /** Beside the slots: whoever follows must not wait for the answer. One question at a time, one a second. */
  #confirmSoon(): void {
    const { log, elapsedMs, pause } = this.#follow
    if (this.#ended || this.#confirming !== undefined || log.size <= this.#confirmed) return
    if (log.size === 0) return
    const waitMs = Math.max(0, this.#confirmedMs + confirmEveryMs - elapsedMs())
    this.#confirming = (waitMs === 0 ? Promise.resolve() : pause(waitMs))
      .then(() => (this.#ended ? undefined : this.#confirm()))
      .catch((error) => this.#unconfirmed(error))
      .finally(() => {
        this.#confirming = undefined
        this.#confirmSoon()
      })
  }

  /** Another history ends all. Anything else leaves the copy as good as it is: the next question may be answered. */
  #unconfirmed(error: unknown): void {
    this.#ended = !isPosternError(error) || error.code === "LOG_FORKED"
    if (this.#ended) this.#failure ??= error
    const code = isPosternError(error) ? error.code : "READ_FAILED"
    this.#follow.tell({ what: "unconfirmed", size: this.#follow.log.size, code })
  }

  async #confirm(): Promise<void> {
    const { log, origin, tell, elapsedMs } = this.#follow
    const { size, root } = log
    this.#confirmedMs = elapsedMs()
    if (!(await origin.agrees(this.#session ?? "", size, formatHex(root)))) {
      const other = new PosternError("LOG_FORKED", `the origin has another root at ${size} entries`)
      throw await contradict(this.#follow, other, undefined)
    }
    this.#confirmed = size
    tell({ what: "confirmed", size, lag: this.#head - size })
  }

  async #unlessForked(
    shown: Uint8Array | undefined,
    take: () => Promise<void>,
    note?: string,
  ): Promise<void> {
    try {
      await take()
    } catch (error) {
      if (!isPosternError(error) || error.code !== "LOG_FORKED") throw error
      throw await contradict(this.#follow, error, shown, note)
    }
  }

  /** Errors that came beside the slots. */
  demandSound(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  async settled(): Promise<void> {
    this.#ended = true
    await this.#confirming
  }
}

/** Keeps what was shown and what is here; gives the error that says where. */
async function contradict(
  { log, origin, now }: Follow,
  error: PosternError,
  shown: Uint8Array | undefined,
  note?: string,
): Promise<PosternError> {
  // The origin's own word, if it still gives one: that it gives none takes nothing from what it showed.
  const theirNote = note ?? (await origin.checkpoint().catch(() => undefined))
  const path = await keepContradiction(log.path, {
    what: error.detail ?? error.message,
    time: now(),
    log: log.log,
    own: { slot: log.slot, size: log.size, root: formatHex(log.root) },
    ownNote: log.checkpoint?.note,
    theirNote,
    shown,
  })
  return new PosternError("LOG_FORKED", `${error.detail ?? ""}; kept in ${path}`, { cause: error })
}

/** Why the origin ended its answer. Text of a peer: only codes of ours are believed, and the rest is bounded. */
function problemOf({ code, detail, title }: Readonly<Record<string, unknown>>): PosternError {
  const text = (value: unknown) => String(value ?? "").slice(0, 500)
  const known = typeof code === "string" && Object.hasOwn(errorRegistry, code)
  if (!known) return new PosternError("UNREACHABLE", `the origin said ${text(title)}`)
  return new PosternError(code as ErrorCode, `the origin said: ${text(detail ?? title)}`)
}
