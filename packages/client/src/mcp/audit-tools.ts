import { isPosternError } from "@postern/log/base"
import type { ToolAuditOptions } from "./call-event.ts"
import {
  callIn,
  cancelledIn,
  clientInfoIn,
  fieldsOf,
  type RequestId,
  replyIn,
  serverInfoIn,
} from "./messages.ts"
import { type OpenCall, type ToolAudit, ToolCalls } from "./tool-calls.ts"
import {
  type Answer,
  type McpParty,
  type McpServer,
  type TransportWatch,
  watchConnections,
} from "./watched-transport.ts"

const internalError = -32_603

/**
 * Writes down every call of a tool of this server. Call it before connect(), before or after tools are registered.
 * @throws PosternError CONFIG_INVALID if the server is connected already
 */
export function auditTools(
  server: McpServer | McpParty,
  audit: ToolAudit,
  options: ToolAuditOptions = {},
): void {
  const party = "server" in server ? server.server : server
  watchConnections(
    party,
    (answer) => new ServerWatch(new ToolCalls(audit, "server", options), answer),
  )
}

class ServerWatch implements TransportWatch {
  readonly #calls: ToolCalls
  readonly #answer: Answer

  constructor(calls: ToolCalls, answer: Answer) {
    this.#calls = calls
    this.#answer = answer
  }

  incoming(message: unknown, extra: unknown, pass: () => void): void {
    this.#calls.client = clientInfoIn(message) ?? this.#calls.client
    const cancelled = cancelledIn(message)
    if (cancelled !== undefined) this.#calls.cancel(cancelled)
    const call = callIn(message)
    if (call === undefined) return pass()
    this.#attempt(this.#calls.open(call, fieldsOf(fieldsOf(extra)?.authInfo)), pass)
  }

  #attempt(call: OpenCall, pass: () => void): void {
    let kept: Promise<unknown> | undefined
    try {
      kept = this.#calls.attempt(call)
    } catch (error) {
      return this.#refuse(call, error)
    }
    // What the protocol's own handler throws goes to its transport, as without us: the tool may have run.
    if (kept === undefined) return pass()
    kept.then(
      // Whoever has cancelled it meanwhile, or is gone, does not want it any more.
      () => call.isOpen && pass(),
      (error) => this.#refuse(call, error),
    )
  }

  #refuse(call: OpenCall, error: unknown): void {
    if (!call.isOpen) return
    this.#calls.refuse(call, error)
    const { code, message } = isPosternError(error) ? error : { code: "NOT_RECORDED", message: "" }
    const why = `the call could not be written down, so the tool was not run: ${code} ${message}`
    this.#answer(errorReply(call.id, why.trim())).catch(() => undefined) // The peer is gone.
  }

  outgoing(message: unknown, send: () => Promise<void>): Promise<void> {
    this.#calls.server = serverInfoIn(message) ?? this.#calls.server
    const reply = replyIn(message)
    if (reply !== undefined) this.#calls.reply(reply)
    return send()
  }

  closed(): void {
    this.#calls.close()
  }
}

function errorReply(id: RequestId, message: string): object {
  return { jsonrpc: "2.0", id, error: { code: internalError, message } }
}
