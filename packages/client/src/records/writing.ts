import { inspect } from "node:util"
import { completeEvent, type EventInput } from "@postern/log/event"
import { currentContext } from "../context/index.ts"
import { type LosingAudit, writeOrLose } from "../losses/index.ts"
import type { Details } from "../writer/index.ts"
import type { RecordEvent } from "./record-event.ts"

const unknownActor = { type: "system", id: "unknown" }
/** Stands for what the writer fills in: only whether the rest is an event is of interest. */
const world = { now: new Date(0), id: () => "0", source: "log" }

/**
 * Writes the event of a record, in the context of now; an actor that nobody names is unknown. A record that is no event after all becomes
 * `log.unreadable`, with the record itself as text. A full spool makes it a loss: a logger throws nothing.
 * @param format the logger's name
 */
export function writeRecord(
  audit: LosingAudit,
  format: string,
  { action, details }: RecordEvent,
  record: unknown,
): void {
  const { actor = actorOfContext(), data } = details
  const whole: Details = { ...details, actor, data: { format, ...data } }
  if (isEvent(action, whole)) {
    writeOrLose(audit, action, whole)
    return
  }
  writeOrLose(audit, "log.unreadable", {
    actor: unknownActor,
    outcome: "unknown",
    reason: { code: "RECORD_UNREADABLE" },
    data: { format, line: textOf(record) },
  })
}

/** Undefined: the writer fills it in, with the rest of the context that belongs to it. */
function actorOfContext(): Details["actor"] {
  try {
    return currentContext()?.actor === undefined ? unknownActor : undefined
  } catch {
    return undefined // The writer asks again, and tells of it.
  }
}

function isEvent(action: string, details: Details): boolean {
  const { actor = unknownActor } = details
  try {
    completeEvent({ ...details, actor, action } as EventInput, world)
    return JSON.stringify(details.data) !== undefined
  } catch {
    return false // Why it is none does not help the record any more.
  }
}

function textOf(record: unknown): string {
  if (typeof record === "string") return record
  try {
    return JSON.stringify(record)
  } catch {
    return inspect(record, { depth: 4, breakLength: Number.POSITIVE_INFINITY })
  }
}
