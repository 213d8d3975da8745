import { outcomeOfStatus } from "../actions/index.ts"
import { currentContext } from "../context/index.ts"
import { type LosingAudit, writeOrLose } from "../losses/index.ts"
import type { Details } from "../writer/index.ts"

/** A route of which each request is written down. */
export interface AuditedRoute<R> {
  readonly action: string
  /** What the event says besides: targets above all. Asked when the request is over. */
  readonly details: ((request: R) => Partial<Details>) | undefined
}

/** How a request ended. */
export interface EndedRequest {
  readonly method: string
  /** With query string; it is cut off. */
  readonly url: string
  /** The route's own pattern, such as `/invoices/:id`. */
  readonly route: string | undefined
  readonly status: number
  /** The response was written whole; else whoever asked has gone before. */
  readonly isFinished: boolean
}

const pathLettersMax = 2048
const unknownActor = { type: "system", id: "unknown" }

/** Writes the one event of a request to an audited route. Who calls is a listener whose exceptions nobody catches: a full spool makes it a loss. */
export function writeRoute<R>(
  audit: LosingAudit,
  { action, details }: AuditedRoute<R>,
  request: R,
  { method, url, route, status, isFinished }: EndedRequest,
): void {
  const path = (url.split(/[?#]/, 1)[0] ?? "").slice(0, pathLettersMax)
  const plain: Details = {
    outcome: isFinished ? outcomeOfStatus(status) : "unknown",
    request: { method, path, ...(route === undefined ? {} : { route }) },
    response: { status },
    ...(isFinished ? failureOf(status) : { reason: { code: "ABORTED" } }),
    ...actorOf(),
  }
  let said: Partial<Details> = {}
  try {
    said = details?.(request) ?? {}
  } catch (error) {
    // The application's function fails for a request that was answered: it is written down all the same.
    said = { data: { detailsError: error instanceof Error ? error.name : typeof error } }
  }
  writeOrLose(audit, action, { ...plain, ...said })
}

function failureOf(status: number): Partial<Details> {
  return status < 400 ? {} : { reason: { code: `HTTP_${status}` } }
}

/** Where the application says nothing of who asks, the event does not either. */
function actorOf(): Partial<Details> {
  try {
    return currentContext()?.actor === undefined ? { actor: unknownActor } : {}
  } catch {
    return {} // The writer asks again, and tells of it.
  }
}
