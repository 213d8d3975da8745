import { PosternError } from "@postern/log/base"
import { createStderrReport, type Problem, type WriteEvent } from "../writer/index.ts"

type Report = (problem: Problem) => void

const hearers = new WeakMap<WriteEvent, Report>()
/** Of an audit() that the application has put around the writer's. */
const reportByDefault = createStderrReport(() => Date.now())

/** From here on `report` hears what becomes of this writer's events. */
export function hearLosses(audit: WriteEvent, report: Report = reportByDefault): void {
  hearers.set(audit, report)
}

/** Never throws. */
export function tellLoss(audit: WriteEvent): void {
  const { code, message, hint } = new PosternError("SPOOL_FULL", "an event was given up")
  const report = hearers.get(audit) ?? reportByDefault
  try {
    report({ code, message, hint, events: 1 })
  } catch {
    // The application's own fault in its own function must not reach the place that wrote an event.
  }
}
