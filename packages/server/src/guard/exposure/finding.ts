/** What came of one check. `unknown`: it could not be made, and is never counted as `ok`. */
export type Result = "ok" | "warn" | "fail" | "unknown"

/** How bad it is if the result is `fail` or `warn`. */
export type Severity = "critical" | "high" | "medium" | "low"

/** One check of one thing: the shape of every check of an installation's health. */
export interface Finding {
  /** Of the check, such as `port.owner`; never changes its meaning. */
  readonly id: string
  /** What was looked at, such as `write 127.0.0.1:17514`. */
  readonly subject: string
  readonly result: Result
  readonly severity: Severity
  /** What was seen. */
  readonly evidence: string
  /** What to do; empty if nothing is. */
  readonly fix: string
}

const order: readonly Result[] = ["ok", "warn", "unknown", "fail"]

/** The worst of them; `unknown` weighs more than a warning. Without any: `ok`. */
export function worstOf(results: Iterable<Result>): Result {
  let worst = 0
  for (const result of results) worst = Math.max(worst, order.indexOf(result))
  return order[worst] as Result
}

/** A fact, or why it is not known. */
export type Known<T> = { readonly known: T } | { readonly unknown: string }
