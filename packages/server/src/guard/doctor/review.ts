import type { ReviewState } from "../access/index.ts"
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
