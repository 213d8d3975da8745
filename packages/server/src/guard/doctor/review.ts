import type { Expiry, ReviewState } from "../access/index.ts"
import type { Finding, Result } from "../exposure/index.ts"

const results: Readonly<Record<ReviewState["state"], Result>> = {
  ok: "ok",
  warn: "warn",
  overdue: "fail",
}

/** Whether the access list was reviewed in time. Pure. */
export function judgeReview({ state, due, open }: ReviewState): Finding {
  const result = results[state]
  const next = due === undefined ? "there was none yet" : `the next one is due on ${due}`
  const begun =
    open === undefined ? "" : `; ${open.file} is not signed, its deadline is ${open.deadline}`
  return {
    ...{ id: "access.review", subject: "access list", severity: "high", result },
    evidence: `${next}${begun}`,
    fix: result === "ok" ? "" : "docs/operating/review.md",
  }
}

/**
 * Whether somebody is let in whom nobody spoke for by the deadline of a review. Pure.
 * @param expiry what is still to be ended; undefined if no deadline is over
 */
export function judgeUnanswered(expiry: Pick<Expiry, "expired" | "left"> | undefined): Finding {
  const { expired = [], left = [] } = expiry ?? {}
  const about = { id: "access.unanswered", subject: "access list", severity: "high" } as const
  const fix = "postern access review expire, as somebody who may write access.yaml"
  if (expired.length > 0) {
    const evidence = `nobody answered for them by the deadline, and they are still in force: ${expired.join(", ")}`
    return { ...about, result: "fail", evidence, fix }
  }
  if (left.length > 0) {
    const evidence = `nobody answered for them, and the service needs them: ${left.join(", ")}`
    return { ...about, result: "warn", evidence, fix: "fill the review in, and apply it" }
  }
  const evidence = "nobody is in force whom a review left unanswered"
  return { ...about, result: "ok", evidence, fix: "" }
}
