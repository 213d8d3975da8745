import type { LastDelivery, Waiting, Webhook } from "../../alerts/index.ts"
import type { PostWebhook } from "./webhook-wire.ts"

export interface DeliveriesWorld {
  /** Undefined if there is no such webhook any more. */
  webhook(name: string): Webhook | undefined
  readonly post: PostWebhook
  /** It will not be delivered. */
  undelivered(message: Waiting, attempts: number, reason: string): void
  /** What waits, or how something fared, has changed. */
  changed(): void
}

/** Between two attempts, milliseconds; after the last one it is given up. */
const pausesMs = [2_000, 4_000, 8_000, 16_000, 32_000] as const
const closeMs = 2_000
/** Waiting for one webhook; beyond it the oldest is given up. */
const waitingMax = 64

/**
 * Brings messages to webhooks: one at a time to each, in order, each with a few attempts. What waits can be read at any time, so that
 * it can be kept over a restart; then a message may come twice, with the same id.
 */
export class Deliveries {
  readonly #world: DeliveriesWorld
  readonly #pauses: readonly number[]
  /** No further attempt is begun. */
  readonly #stop = new AbortController()
  /** What is under way is cut off. */
  readonly #cut = new AbortController()
  readonly #waiting: Waiting[] = []
  readonly #running = new Map<string, Promise<void>>()
  /** By name of the alert. */
  readonly last = new Map<string, LastDelivery>()

  constructor(world: DeliveriesWorld, pauses: readonly number[] = pausesMs) {
    this.#world = world
    this.#pauses = pauses
  }

  get waiting(): readonly Waiting[] {
    return this.#waiting
  }

  /** Takes messages in; nothing is sent before start(). */
  add(messages: readonly Waiting[]): void {
    for (const message of messages) {
      const others = this.#waiting.filter(({ webhook }) => webhook === message.webhook)
      this.#waiting.push(message)
      if (others.length >= waitingMax)
        this.#giveUp(others[1] as Waiting, 0, "too many wait for this webhook")
    }
  }

  start(): void {
    if (this.#stop.signal.aborted) return
    for (const name of new Set(this.#waiting.map(({ webhook }) => webhook))) {
      if (this.#running.has(name)) continue
      this.#running.set(
        name,
        this.#run(name).finally(() => this.#running.delete(name)),
      )
    }
  }

  async #run(name: string): Promise<void> {
    for (;;) {
      const next = this.#waiting.find(({ webhook }) => webhook === name)
      if (next === undefined || this.#stop.signal.aborted) return
      await this.#deliver(next)
    }
  }

  async #deliver(message: Waiting): Promise<void> {
    const { webhook: name, id, body } = message
    for (let attempt = 1; ; attempt++) {
      const webhook = this.#world.webhook(name)
      if (webhook === undefined)
        return this.#giveUp(message, attempt - 1, "there is no such webhook any more")
      const { status, text, mayPass } = await this.#world.post(
        webhook,
        { id, body },
        this.#cut.signal,
      )
      if (this.#cut.signal.aborted) return
      if (!this.#waiting.includes(message)) return // It was given up meanwhile.
      if (status !== undefined && status >= 200 && status < 300)
        return this.#done(message, "taken", `status ${status}`)
      const reason = status === undefined ? text : `status ${status}`
      const pause = this.#pauses[attempt - 1]
      if (!mayPass || pause === undefined) return this.#giveUp(message, attempt, reason)
      if (this.#stop.signal.aborted) return
      await this.#pause(pause)
      if (this.#stop.signal.aborted) return
    }
  }

  #giveUp(message: Waiting, attempts: number, reason: string): void {
    this.#world.undelivered(message, attempts, reason)
    this.#done(message, "failed", reason)
  }

  #done(message: Waiting, outcome: LastDelivery["outcome"], detail: string): void {
    this.#waiting.splice(this.#waiting.indexOf(message), 1)
    const { alert, webhook } = message
    this.last.set(alert, { atMs: Date.now(), webhook, outcome, detail })
    this.#world.changed()
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#stop.signal.removeEventListener("abort", end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      this.#stop.signal.addEventListener("abort", end)
    })
  }

  /** What is under way has a moment to be answered; what is not taken by then waits for the next start. */
  async close(): Promise<void> {
    this.#stop.abort()
    const timer = setTimeout(() => this.#cut.abort(), closeMs)
    await Promise.all(this.#running.values())
    clearTimeout(timer)
  }
}
