import { randomUUID } from "node:crypto"
import type { Outcome } from "@postern/log/event"
import type { Details, WriteEvent } from "../writer/index.ts"
import { outcomeOfError, reasonOf } from "./outcome-of.ts"

/** Adds to the entry of the result what was known only on the way, such as the id of what was created. */
export type Say = (details: Partial<Details>) => void

export interface AuditedOptions {
  /** No entry for the attempt: one entry, `trace.phase` `single`, when it is over. Default false. */
  readonly resultOnly?: boolean
  /**
   * Whether somebody was turned away, asked with what the function returned or threw. Besides it an error's own code counts: outcomeOfError().
   */
  readonly isDenied?: (ended: unknown) => boolean
}

/** What a function gives back: of a promise, or of what is like one, a promise. */
export type Ended<T> = T extends PromiseLike<infer V> ? Promise<V> : T

interface Attempt {
  readonly audit: WriteEvent
  readonly action: string
  readonly details: Details
  readonly pairId: string
  readonly options: AuditedOptions
  more: Partial<Details>
}

/**
 * Calls `fn` with an entry before it and one when it is over: the same action, joined by `trace.pairId`, with `trace.phase` `attempt` (outcome
 * unknown) and `result`. An attempt without a result says that the process ended in between. What `fn` returns or throws comes back as it was; of an
 * error its code stands in `reason`. An outcome in the details, or said on the way, counts for the result if `fn` returns.
 *
 * Throws besides only SPOOL_FULL, where the writer's `whenFull` is `throw`: before `fn` was called, or after it returned.
 */
export function withAudit<T>(
  audit: WriteEvent,
  action: string,
  details: Details,
  fn: (say: Say) => T,
  options: AuditedOptions = {},
): Ended<T> {
  const attempt: Attempt = { audit, action, details, pairId: randomUUID(), options, more: {} }
  if (options.resultOnly !== true) {
    audit(action, { ...details, outcome: "unknown", trace: traceOf(attempt, "attempt") })
  }
  let returned: T
  try {
    returned = fn((more) => {
      attempt.more = { ...attempt.more, ...more }
    })
  } catch (error) {
    writeThrown(attempt, error)
    throw error
  }
  if (!isThenable(returned)) {
    writeReturned(attempt, returned)
    return returned as Ended<T>
  }
  const settled = Promise.resolve(returned).then(
    (value) => {
      writeReturned(attempt, value)
      return value
    },
    (error: unknown) => {
      writeThrown(attempt, error)
      throw error
    },
  )
  return settled as Ended<T>
}

function writeReturned(attempt: Attempt, value: unknown): void {
  const { outcome = attempt.details.outcome ?? "success" } = attempt.more
  writeResult(attempt, judged(attempt, value) ?? outcome, {})
}

function writeThrown(attempt: Attempt, error: unknown): void {
  const outcome = judged(attempt, error) ?? outcomeOfError(error)
  try {
    writeResult(attempt, outcome, { reason: reasonOf(error) })
  } catch {
    // Only SPOOL_FULL comes here. What `fn` has thrown says more to its caller, and the attempt stands alone in the log.
  }
}

/** Denied, unknown if the application's own function fails, undefined if it has nothing against it. */
function judged({ options }: Attempt, ended: unknown): Outcome | undefined {
  try {
    return options.isDenied?.(ended) === true ? "denied" : undefined
  } catch {
    return "unknown" // Its fault must not reach who waits for the result, and nothing is guessed.
  }
}

function writeResult(attempt: Attempt, outcome: Outcome, reason: Partial<Details>): void {
  const { audit, action, details, more, options } = attempt
  // `target` is short for `targets`: what is said later replaces what was said before, whichever way.
  const { target, targets, ...rest } = details
  const before = "target" in more || "targets" in more ? {} : { target, targets }
  const phase = options.resultOnly === true ? "single" : "result"
  const { id: _, time: __, ...later } = rest
  const said = options.resultOnly === true ? rest : later
  audit(action, {
    ...{ ...said, ...before, ...reason, ...more },
    ...{ outcome, trace: { ...more.trace, ...traceOf(attempt, phase) } },
  })
}

function traceOf({ details, pairId }: Attempt, phase: "attempt" | "result" | "single") {
  return { ...details.trace, pairId, phase }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false
  return typeof (value as { readonly then?: unknown }).then === "function"
}
