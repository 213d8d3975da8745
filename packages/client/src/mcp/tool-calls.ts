import { randomUUID } from "node:crypto"
import { isPosternError } from "@postern/log/base"
import type { Audit, Details } from "../writer/index.ts"
import {
  type CallEvent,
  describeCall,
  describeEnd,
  type SeenCall,
  type Side,
  type ToolAuditOptions,
} from "./call-event.ts"
import type { CallMessage, Fields, PeerInfo, ReplyMessage, RequestId } from "./messages.ts"

/** What the middleware needs of an audit. */
export type ToolAudit = ((action: string, details: Details) => string) & Pick<Audit, "confirm">

/** A call that has no result yet. */
export interface OpenCall {
  readonly id: RequestId
  readonly event: CallEvent
  readonly pairId: string
  readonly beganMs: number
  isOpen: boolean
}

/** The calls of one connection that have no result yet, and what both sides have said of themselves. */
export class ToolCalls {
  readonly #audit: ToolAudit
  readonly #side: Side
  readonly #options: ToolAuditOptions
  /** By request id; a peer that uses one twice has its calls answered in their order. */
  readonly #open = new Map<RequestId, OpenCall[]>()
  client: PeerInfo | undefined
  server: PeerInfo | undefined

  constructor(audit: ToolAudit, side: Side, options: ToolAuditOptions) {
    this.#audit = audit
    this.#side = side
    this.#options = options
  }

  /** A tool is asked for. Nothing is written yet. */
  open(message: CallMessage, auth: Fields | undefined): OpenCall {
    const { client, server } = this
    const { tool, arguments: given } = message
    const seen: SeenCall = { tool, arguments: given, client, server, auth }
    const event = describeCall(this.#side, message, seen, this.#options)
    const call = {
      id: message.id,
      event,
      pairId: randomUUID(),
      beganMs: performance.now(),
      isOpen: true,
    }
    this.#open.set(message.id, [...(this.#open.get(message.id) ?? []), call])
    return call
  }

  /** Writes that the tool is asked for; a promise only where the call has to wait for it. Throws, or rejects with, what says that it was not kept. */
  attempt(call: OpenCall): Promise<unknown> | undefined {
    const { action, details } = call.event
    const attempt: Details = { ...details, outcome: "unknown", trace: traceOf(call, "attempt") }
    if (this.#options.confirm === true) return this.#audit.confirm(action, attempt)
    this.#audit(action, attempt)
    return undefined
  }

  /** The answer to a call, if it is one. */
  reply(reply: ReplyMessage): void {
    const call = this.#open.get(reply.id)?.[0]
    if (call === undefined) return
    const { outcome, reason, told } = describeEnd(reply)
    this.#end(call, { outcome, ...(reason && { reason }) }, told)
  }

  /** Nobody waits for the answer any more; whether the tool did its work is not known. */
  cancel(id: RequestId): void {
    const call = this.#open.get(id)?.[0]
    if (call !== undefined) this.#end(call, { outcome: "unknown", reason: { code: "CANCELLED" } })
  }

  /** The call was never made. */
  refuse(call: OpenCall, error: unknown): void {
    const code = isPosternError(error) ? error.code : "NOT_RECORDED"
    this.#end(call, { outcome: "denied", reason: { code } })
  }

  /** It could not be sent. */
  fail(call: OpenCall): void {
    this.#end(call, { outcome: "error", reason: { code: "NOT_SENT" } })
  }

  /** The connection is gone. */
  close(): void {
    for (const calls of [...this.#open.values()]) {
      for (const call of calls) {
        this.#end(call, { outcome: "unknown", reason: { code: "CONNECTION_CLOSED" } })
      }
    }
  }

  #end(call: OpenCall, ended: Partial<Details>, told: Fields = {}): void {
    if (!call.isOpen) return
    call.isOpen = false
    const left = this.#open.get(call.id)?.filter((other) => other !== call) ?? []
    if (left.length === 0) this.#open.delete(call.id)
    else this.#open.set(call.id, left)
    const { action, details } = call.event
    const { id: _, time: __, ...again } = details
    const durationMs = Math.round(performance.now() - call.beganMs)
    const toolCall = { ...(details.data?.toolCall as Fields), durationMs, ...told }
    const data = { ...details.data, toolCall }
    try {
      this.#audit(action, { ...again, ...ended, data, trace: traceOf(call, "result") })
    } catch {
      // Only SPOOL_FULL comes here, where the application asked for it. The answer must arrive, and the attempt stands alone in the log.
    }
  }
}

function traceOf({ event, pairId }: OpenCall, phase: "attempt" | "result"): Fields {
  return { ...event.details.trace, pairId, phase }
}
