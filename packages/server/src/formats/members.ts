import type { JsonObject } from "@postern/log/event"
import type { ForeignEvent, ForeignMembers, Party } from "./api.ts"
import { actionOf, clipText } from "./texts.ts"

/** Where the source does not say who. */
export const unknownActor: Party = { type: "system", id: "unknown" }

/** Of a record that the format cannot read. */
export function unreadable(format: string): ForeignMembers {
  return {
    action: actionOf(format, "unreadable"),
    outcome: "unknown",
    actor: unknownActor,
    targets: [],
    reason: { code: "RECORD_UNREADABLE" },
  }
}

/** Of a record of which nothing was read since it is too large for that. */
export function tooLargeToRead(format: string): ForeignMembers {
  return { ...unreadable(format), reason: { code: "RECORD_TOO_LARGE_TO_READ" } }
}

/** Whether nothing of the record was read. */
export function isUnreadable({ members }: ForeignEvent): boolean {
  const code = members.reason?.code
  return code === "RECORD_UNREADABLE" || code === "RECORD_TOO_LARGE_TO_READ"
}

/** A text of the source, bounded; undefined where there is none, or something else. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? clipText(value) : undefined
}

/** A text or a number of the source as text, bounded. */
export function wordOf(value: unknown): string | undefined {
  return typeof value === "number" ? String(value) : textOf(value)
}

/** What is said of some members; undefined if nothing is. */
export function said(members: Readonly<Record<string, unknown>>): JsonObject | undefined {
  let there: Record<string, unknown> | undefined
  for (const key of Object.keys(members)) {
    const value = members[key]
    if (value === undefined) continue
    there ??= {}
    there[key] = value
  }
  return there
}
