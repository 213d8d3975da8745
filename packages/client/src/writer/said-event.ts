import type { PosternError } from "@postern/log/base"
import { type AuditEvent, completeEvent, type EventInput, writeEvent } from "@postern/log/event"
import { type Details, fillInFromContext } from "../context/index.ts"
import { asProblem } from "./event-text.ts"

export interface SayingWriter {
  readonly source: string
  readonly mayUseSelfActions: boolean
  /** The context could not be read; the event goes on without it. */
  contextFailed(error: PosternError): void
}

/** An event that an application said. */
export interface SaidEvent {
  readonly text: string
  /** The same, not written down: for what has to be taken apart. */
  readonly whole: () => AuditEvent
}

/** Who is written down when the application could not say who acts. */
const unknownActor = { type: "system", id: "unknown" }

/**
 * What an application says, as a whole event and its JSON: with what the context of now and this writer add.
 * @param now,id for an event that has none
 */
export function writeSaid(
  writer: SayingWriter,
  action: string,
  details: Details,
  now: Date,
  id: string,
): SaidEvent {
  let filled = details
  try {
    filled = fillInFromContext(details)
  } catch (error) {
    // A fault of the application's own function must not cost the event.
    filled = { ...details, actor: details?.actor ?? unknownActor }
    writer.contextFailed(asProblem(error))
  }
  const { source, mayUseSelfActions } = writer
  // Whether there is an actor in the end writeEvent() looks itself.
  const input = { ...filled, action } as EventInput
  const world = { now, id: () => id, source, mayUseSelfActions }
  return { text: writeEvent(input, world), whole: () => completeEvent(input, world) }
}
