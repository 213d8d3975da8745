import type { PosternError } from "@postern/log/base"
import { type AuditEvent, completeEvent, type EventInput } from "@postern/log/event"
import { type Details, fillInFromContext } from "../context/index.ts"
import { asProblem } from "./event-text.ts"

export interface SayingWriter {
  readonly source: string
  readonly mayUseSelfActions: boolean
  /** The context could not be read; the event goes on without it. */
  contextFailed(error: PosternError): void
}

/** Who is written down when the application could not say who acts. */
const unknownActor = { type: "system", id: "unknown" }

/**
 * What an application says, as a whole event: with what the context of now and this writer add.
 * @param now,id for an event that has none
 */
export function completeSaid(
  writer: SayingWriter,
  action: string,
  details: Details,
  now: Date,
  id: string,
): AuditEvent {
  let filled = details
  try {
    filled = fillInFromContext(details)
  } catch (error) {
    // A fault of the application's own function must not cost the event.
    filled = { ...details, actor: details?.actor ?? unknownActor }
    writer.contextFailed(asProblem(error))
  }
  const { source, mayUseSelfActions } = writer
  // Whether there is an actor in the end completeEvent() looks itself.
  const input = { ...filled, action } as EventInput
  return completeEvent(input, { now, id: () => id, source, mayUseSelfActions })
}
