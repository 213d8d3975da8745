import type { ForeignEvent } from "../../formats/index.ts"
import type { Adapter, AdapterBody } from "./api.ts"
import { parseContentType, wrongType } from "./content-type.ts"
import { FormatEvent } from "./format-event.ts"
import { oneItem } from "./items.ts"
import { trimEnd, trimStart } from "./outline.ts"
import { createRun } from "./run.ts"
import { theFormat } from "./the-format.ts"

const path = /^\/v1\/teleport\/(?:events|session\.([0-9A-Za-z-]{1,64}))\.log$/

/**
 * Teleport's event handler, which sends one event a request to what its configuration calls `url`, and what happened in a
 * session to `session-url` with the session's id behind it.
 */
export const teleportAdapter: Adapter = {
  name: "teleport",
  path,
  retryStatus: 503,
  open(body) {
    if (parseContentType(body.contentType) !== "json") throw wrongType(body.contentType)
    const { memory } = body.core
    const at = trimStart(memory, body.at, body.end)
    return createRun(oneItem(at, trimEnd(memory, at, body.end)), new TeleportEvent(body), body)
  },
}

class TeleportEvent extends FormatEvent {
  readonly #session: string | undefined

  constructor(body: AdapterBody) {
    super(theFormat("teleport"), body)
    this.#session = path.exec(body.path)?.[1]
  }

  /** Some events of a session do not name it. */
  protected override complete(event: ForeignEvent): ForeignEvent {
    const sessionId = this.#session
    if (sessionId === undefined || event.members.trace !== undefined) return event
    return { ...event, members: { ...event.members, trace: { sessionId } } }
  }
}
