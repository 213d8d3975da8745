import { isPosternError, PosternError } from "@postern/log/base"
import { type AuditEvent, encodeEvent, eventBytesMax } from "@postern/log/event"

/** The event as JSON. Of what is not certainly small and writable encodeEvent() says what is wrong. */
export function textOf(event: AuditEvent): string {
  let text = ""
  try {
    text = JSON.stringify(event)
  } catch {
    return Buffer.from(encodeEvent(event)).toString() // Fails as well, and in words.
  }
  if (text.length * 3 > eventBytesMax) encodeEvent(event)
  return text
}

export function asProblem(error: unknown): PosternError {
  if (isPosternError(error)) return error
  return new PosternError("EVENT_SYNTAX", String(error), { cause: error })
}
