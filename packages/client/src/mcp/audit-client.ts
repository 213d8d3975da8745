import type { ToolAuditOptions } from "./call-event.ts"
import { callIn, cancelledIn, clientInfoIn, replyIn, serverInfoIn } from "./messages.ts"
import { type OpenCall, type ToolAudit, ToolCalls } from "./tool-calls.ts"
import { type McpParty, type TransportWatch, watchConnections } from "./watched-transport.ts"

/**
 * Writes down every tool that this client calls: an agent's own trail, whatever the server keeps. Call it before connect().
 * @throws PosternError CONFIG_INVALID if the client is connected already
 */
export function auditClient(
  client: McpParty,
  audit: ToolAudit,
  options: ToolAuditOptions = {},
): void {
  watchConnections(client, () => new ClientWatch(new ToolCalls(audit, "client", options)))
}

class ClientWatch implements TransportWatch {
  readonly #calls: ToolCalls

  constructor(calls: ToolCalls) {
    this.#calls = calls
  }

  incoming(message: unknown, _extra: unknown, pass: () => void): void {
    this.#calls.server = serverInfoIn(message) ?? this.#calls.server
    const reply = replyIn(message)
    if (reply !== undefined) this.#calls.reply(reply)
    pass()
  }

  outgoing(message: unknown, send: () => Promise<void>): Promise<void> {
    this.#calls.client = clientInfoIn(message) ?? this.#calls.client
    const cancelled = cancelledIn(message)
    if (cancelled !== undefined) this.#calls.cancel(cancelled)
    const call = callIn(message)
    return call === undefined ? send() : this.#attempt(this.#calls.open(call, undefined), send)
  }

  /** Rejects with the reason why the call could not be written down, or sent. */
  #attempt(call: OpenCall, send: () => Promise<void>): Promise<void> {
    let kept: Promise<unknown> | undefined
    try {
      kept = this.#calls.attempt(call)
    } catch (error) {
      return this.#refuse(call, error)
    }
    // Where nothing is waited for, messages go out in the order in which they were given.
    if (kept === undefined) return this.#send(call, send)
    return kept.then(
      // Whoever has cancelled it meanwhile, or is gone, does not want it any more.
      () => (call.isOpen ? this.#send(call, send) : undefined),
      (error) => this.#refuse(call, error),
    )
  }

  async #send(call: OpenCall, send: () => Promise<void>): Promise<void> {
    try {
      await send()
    } catch (error) {
      this.#calls.fail(call)
      throw error
    }
  }

  async #refuse(call: OpenCall, error: unknown): Promise<void> {
    this.#calls.refuse(call, error)
    throw error
  }

  closed(): void {
    this.#calls.close()
  }
}
