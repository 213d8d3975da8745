import { isPosternError } from "@postern/log/base"
import type { Audit, Details, WriteEvent } from "../writer/index.ts"
import { tellLoss } from "./hearers.ts"

/** audit(); where it is the application's own function around it, it may lack lose(), and a loss is only told. */
export type LosingAudit = WriteEvent & Partial<Pick<Audit, "lose">>

const reason = "the spool was full, and nobody was there to be told"
const retryMs = 1_000

/** Events that were given up and stand in no gap yet. */
class Untold {
  readonly #audit: LosingAudit
  #events = 0
  #timer: NodeJS.Timeout | undefined

  constructor(audit: LosingAudit) {
    this.#audit = audit
  }

  add(): void {
    if (this.#audit.lose === undefined) return
    this.#events += 1
    this.#timer ??= setInterval(() => this.say(), retryMs).unref()
  }

  /** Writes the gap. False if there is no room for it either. */
  say(): boolean {
    if (this.#events === 0) return true
    try {
      this.#audit.lose?.(this.#events, reason)
    } catch (error) {
      if (isSpoolFull(error)) return false
      // Closed: nothing is written there any more, and onProblem knows.
    }
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#events = 0
    return true
  }
}

const untold = new WeakMap<LosingAudit, Untold>()

/** Writes an event. One for which a spool has no room that says so (`whenFull: "throw"`) becomes a loss. Throws only what an application's own `audit` does. */
export function writeOrLose(audit: LosingAudit, action: string, details: Details): void {
  try {
    if (untold.get(audit)?.say() !== false) {
      audit(action, details)
      return
    }
  } catch (error) {
    if (!isSpoolFull(error)) throw error
  }
  const losses = untold.get(audit) ?? new Untold(audit)
  untold.set(audit, losses)
  losses.add()
  tellLoss(audit)
}

function isSpoolFull(error: unknown): boolean {
  return isPosternError(error) && error.code === "SPOOL_FULL"
}
