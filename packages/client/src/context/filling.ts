import type { ActorInput, EventInput } from "@postern/log/event"
import { type AuditContext, currentContext } from "./context.ts"

/** An event as far as it is said: all but its action, and its actor may be left to the context. */
export interface Details extends Omit<EventInput, "action" | "actor"> {
  /** May be left out inside runInContext() or a request that an integration of the SDK knows. */
  readonly actor?: ActorInput | undefined
}

const mergedKeys = ["origin", "trace", "labels"] as const

/** The details with what they leave open, from the context of now. Throws what a function that was given to runInContext() throws. */
export function fillInFromContext(details: Details): Details {
  const context = currentContext()
  return context === undefined ? details : fillIn(details, context)
}

/** The details with what they leave open: absent or undefined members; of objects their absent keys. */
export function fillIn(details: Details, context: AuditContext): Details {
  const filled: Record<string, unknown> = { ...details }
  if (filled.actor === undefined && context.actor !== undefined) {
    filled.actor = context.actor
    const { onBehalfOf = [] } = context
    if (filled.onBehalfOf === undefined && onBehalfOf.length > 0) {
      filled.onBehalfOf = onBehalfOf.map(partyOf)
    }
  }
  filled.tenant ??= context.tenant
  for (const key of mergedKeys) {
    const around = context[key]
    const own = filled[key]
    if (around === undefined) continue
    if (own === undefined) filled[key] = around
    else if (isRecord(own)) filled[key] = { ...around, ...own }
  }
  return filled as Details
}

function partyOf(actor: ActorInput): ActorInput {
  return typeof actor === "string" ? { type: "user", id: actor } : actor
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
