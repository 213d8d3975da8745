import { type AuditEvent, createEventId } from "@postern/log/event"
import type { Details } from "../context/index.ts"
import type { Audit, WriteEvent } from "./audit.ts"
import { asProblem, textOf } from "./event-text.ts"
import { writeSaid } from "./said-event.ts"
import { systemWorld } from "./world.ts"

type Recorded = WriteEvent & Pick<Audit, "flush" | "spooled">

/** audit() up to the spool: what it took as events, read back from their JSON, and the codes of what it refused. */
export class Recorder {
  readonly events: AuditEvent[] = []
  readonly problems: string[] = []
  /** What spooled() and flush() were asked. */
  readonly asked: string[] = []
  readonly audit: Recorded = Object.assign(
    (action: string, details: Details) => this.#write(action, details),
    {
      flush: async () => void this.asked.push("flush"),
      spooled: async () => void this.asked.push("spooled"),
    },
  )

  /** The only event there is. */
  get event(): AuditEvent {
    const [event, ...more] = this.events
    if (event === undefined || more.length > 0) throw new Error(`${this.events.length} events`)
    return event
  }

  #write(action: string, details: Details): string {
    const now = new Date()
    const id = details?.id ?? createEventId(now, systemWorld.randomBytes(16))
    const writer = {
      source: "app://app",
      mayUseSelfActions: false,
      contextFailed: () => void this.problems.push("CONTEXT_FAILED"),
    }
    try {
      const { text } = textOf(writeSaid(writer, action, details, now, id), systemWorld)
      this.events.push(JSON.parse(String(text)) as AuditEvent)
      return id
    } catch (error) {
      this.problems.push(asProblem(error).code)
      return ""
    }
  }
}
