import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { type Audit, type AuditStatus, connect, loadProfile, type Problem } from "@postern/client"
import { encodeUtf8, isPosternError } from "@postern/log/base"
import { completeEvent, createEventId } from "@postern/log/event"
import type { Tell } from "../lifetime/index.ts"
import { isLoss, type Outgoing, SpoolLevel } from "./pressure/index.ts"
import type { SourceSettings } from "./settings/index.ts"
import type { RoomyWayOut } from "./whole-puts.ts"

/** What went wrong last. */
export interface ToldProblem {
  /** RFC 3339. */
  readonly at: string
  readonly code: string
  readonly message: string
}

const toldMs = 10_000
/** Of a GAP. */
const reasonMax = 256
const lookMs = 1_000

/** The way out of one source: the SDK's writer with its spool, and what is to be said of that spool. */
export class Outbound implements RoomyWayOut {
  /** Events of this source that do not say theirs have it. */
  readonly source: string
  readonly #name: string
  readonly #profile: string
  readonly #tell: Tell
  readonly #audit: Audit
  readonly #level = new SpoolLevel()
  readonly #told = new Map<string, number>()
  #refusal: Problem | undefined
  #lastProblem: ToldProblem | undefined
  #lost = 0
  #isFull = false
  #lookedMs = 0

  /** Errors: those of connect(). */
  static async open(settings: SourceSettings, profile: string, tell: Tell): Promise<Outbound> {
    const { spool, directory, name } = settings
    const early: Problem[] = []
    let outbound: Outbound | undefined
    const audit = await connect(profile, {
      spool: {
        directory: join(directory, "spool"),
        bytesMax: spool.bytesMax,
        whenFull: spool.whenFull === "wait" ? "throw" : "dropOldest",
        durable: "disk",
      },
      onProblem: (problem) => {
        if (outbound === undefined) early.push(problem)
        else outbound.heard(problem)
      },
    })
    const source = settings.source ?? loadProfile(profile).source ?? "app://agent"
    outbound = new Outbound(audit, name, profile, source, tell)
    for (const problem of early) outbound.heard(problem)
    return outbound
  }

  private constructor(audit: Audit, name: string, profile: string, source: string, tell: Tell) {
    this.#audit = audit
    this.#name = name
    this.#profile = profile
    this.source = source
    this.#tell = tell
  }

  /** What goes wrong on the way, told to people at most every ten seconds a kind. */
  heard(problem: Problem): void {
    const { code, message, hint } = problem
    if (code.startsWith("EVENT_")) this.#refusal = problem
    const now = Date.now()
    this.#lastProblem = { at: new Date(now).toISOString(), code, message }
    if (now - (this.#told.get(code) ?? 0) < toldMs) return
    this.#told.set(code, now)
    this.#tell("warn", message, { source: this.#name, code, hint })
  }

  /** Hands on as many as there is room for; gives how many of them, counted from `from`. */
  put(items: readonly Outgoing[], from = 0): number {
    for (let at = from; at < items.length; at++) {
      try {
        this.#put(items[at] as Outgoing)
      } catch (error) {
        if (!isPosternError(error) || error.code !== "SPOOL_FULL") throw error
        this.#isFull = true
        return at - from
      }
    }
    this.#isFull = false
    return items.length - from
  }

  #put(one: Outgoing): void {
    if (isLoss(one)) {
      this.#audit.lose(one.lost, one.reason.slice(0, reasonMax))
      this.#lost += one.lost
      return
    }
    this.#refusal = undefined
    if (this.#audit.put(one) !== "" || this.#refusal === undefined) return
    const { message } = this.#refusal as Problem
    this.#audit.lose(1, `an event could not be taken: ${message}`.slice(0, reasonMax))
    this.#lost += 1
  }

  /** What the agent itself has to say just now: that the spool fills, or has room again. */
  notices(): Uint8Array[] {
    const nowMs = Date.now()
    if (nowMs - this.#lookedMs < lookMs) return []
    this.#lookedMs = nowMs
    const { spoolBytesFree, spoolBytesMax, pendingEvents } = this.#audit.status()
    const found = this.#level.judge(spoolBytesFree, spoolBytesMax, nowMs)
    if (found === undefined) return []
    const { what, sinceMs } = found
    const more = { spoolBytesFree, spoolBytesMax, pendingEvents }
    this.#tell(what === "low" ? "warn" : "info", `the spool of ${this.#name} is ${what}`, more)
    const event = completeEvent(
      {
        action: `agent.spool.${what}`,
        actor: { type: "service", id: loadProfile(this.#profile).id },
        target: { type: "spool", id: this.#name },
        data: { ...more, since: new Date(sinceMs).toISOString() },
      },
      {
        now: new Date(nowMs),
        id: () => createEventId(new Date(nowMs), randomBytes(16)),
        source: this.source,
      },
    )
    return [encodeUtf8(JSON.stringify(event))]
  }

  /** Events that this spool was ever given. */
  get taken(): number {
    return this.#audit.status().taken
  }

  /** Of these, how many it has not written yet. */
  get unwritten(): number {
    const { taken, spooled } = this.#audit.status()
    return taken - spooled
  }

  /** There was no room at the last attempt. */
  get isFull(): boolean {
    return this.#isFull
  }

  get freeBytes(): number {
    return this.#audit.status().spoolBytesFree
  }

  /** Events that became losses: those that can never be taken, and those for which there was room nowhere. */
  get dropped(): number {
    return this.#audit.status().dropped
  }

  /** Everything so far is on stable storage here. Errors: SPOOL_FULL, SPOOL_DAMAGED. */
  spooled(): Promise<void> {
    return this.#audit.spooled()
  }

  get status(): AuditStatus & { readonly lost: number; readonly isLow: boolean } {
    return { ...this.#audit.status(), lost: this.#lost, isLow: this.#level.isLow }
  }

  get lastProblem(): ToldProblem | undefined {
    return this.#lastProblem
  }

  /** Waits for the port for so long; the rest stays in the spool. */
  close(timeoutMs: number): Promise<void> {
    return this.#audit.close(timeoutMs)
  }
}
