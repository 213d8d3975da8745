import { PosternError } from "@postern/log/base"
import { completeEvent, type EventInput, encodeEvent } from "@postern/log/event"
import type { ToolAudit } from "./tool-calls.ts"

export interface Recorded {
  readonly action: string
  readonly outcome: string
  readonly actor: { readonly type: string; readonly id: string }
  readonly onBehalfOf?: readonly { readonly type: string; readonly id: string }[]
  readonly targets: readonly { readonly id: string }[]
  readonly reason?: { readonly code: string }
  readonly trace: { readonly pairId: string; readonly phase: string; readonly runId?: string }
  readonly data: {
    readonly toolCall: Readonly<Record<string, unknown>>
    readonly mcp: Readonly<Record<string, unknown>>
  }
}

/** Takes what an audit takes, by the same rules, and keeps it in memory. */
export class Recorder {
  readonly events: Recorded[] = []
  /** Who waits for a confirmation, in order. */
  readonly confirming: { resolve: () => void; reject: (error: PosternError) => void }[] = []
  isFull = false

  readonly audit: ToolAudit = Object.assign(
    (action: string, details: object) => this.#take(action, details),
    {
      confirm: async (action: string, details: object) => {
        this.#take(action, details)
        await new Promise<void>((resolve, reject) => this.confirming.push({ resolve, reject }))
        return {} as never
      },
    },
  )

  #take(action: string, details: object): string {
    if (this.isFull) throw new PosternError("SPOOL_FULL")
    const now = new Date()
    const world = { now, id: () => `e${this.events.length}`, source: "app://test" }
    const event = completeEvent({ ...details, action } as EventInput, world)
    this.events.push(JSON.parse(Buffer.from(encodeEvent(event)).toString()))
    return event.id
  }

  /** `action outcome phase reason` of each event. */
  get story(): string[] {
    return this.events.map(({ action, outcome, trace, reason }) => {
      return [action, outcome, trace.phase, reason?.code].filter(Boolean).join(" ")
    })
  }
}
