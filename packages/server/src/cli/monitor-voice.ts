import { type AlarmChange, alarmSeverity, type MonitorEvent } from "../guard/monitor/index.ts"
import type { CommandIo } from "./io.ts"
import { printable } from "./printable.ts"

/** A log that grows all day is not worth a line each time. */
const derivedEveryMs = 600_000

/** What a monitor says: lines for a person or for a program, and the messages of its webhook. */
export class MonitorVoice {
  readonly #origin: string
  readonly #json: boolean
  readonly #io: CommandIo
  #derivedAt = Number.NEGATIVE_INFINITY

  constructor(origin: string, json: boolean, io: CommandIo) {
    this.#origin = origin
    this.#json = json
    this.#io = io
  }

  tell(event: MonitorEvent): void {
    if (this.#json) return this.#line({ ...event })
    if (event.what === "derived") {
      const now = this.#io.now().getTime()
      if (now - this.#derivedAt < derivedEveryMs) return
      this.#derivedAt = now
    }
    this.#say(this.#describe(event))
  }

  alarm(change: AlarmChange): void {
    if (this.#json) return this.#line({ what: "alarm", ...this.#content(change) })
    const { alarm, state, detail, evidence } = change
    const kept = evidence === undefined ? "" : `; kept in ${evidence}`
    const word = state === "raised" ? "ALARM" : "over:"
    this.#say(`${word} ${alarm} (${alarmSeverity[alarm]}) of ${this.#origin}: ${detail}${kept}`)
  }

  /** The body of a webhook's request. Never content of entries. */
  message(change: AlarmChange): string {
    return JSON.stringify({ postern: "alarm@v1", ...this.#content(change) })
  }

  undelivered(reason: string): void {
    this.#io.note(`postern: the webhook took no alarm, it is sent again: ${printable(reason)}`)
  }

  #content({ alarm, state, detail, since, at, evidence }: AlarmChange): Record<string, unknown> {
    return {
      alarm,
      severity: alarmSeverity[alarm],
      state,
      origin: this.#origin,
      detail,
      since: new Date(since).toISOString(),
      at: new Date(at).toISOString(),
      ...(evidence === undefined ? {} : { evidence }),
    }
  }

  #describe(event: MonitorEvent): string {
    switch (event.what) {
      case "opened":
        return `watching ${this.#origin}${since(event)}`
      case "deriving":
        return `deriving the tree: ${event.entries} of ${event.of} entries`
      case "derived":
        return `${event.size} entries are consistent, derived from their ${event.saw}`
      case "delayed":
        return `deriving the tree is delayed: ${event.reason} (${event.code})`
    }
  }

  #say(text: string): void {
    this.#io.line(printable(`${this.#io.now().toISOString()} ${text}`))
  }

  #line(value: Record<string, unknown>): void {
    this.#io.line(JSON.stringify({ time: this.#io.now().toISOString(), ...value }))
  }
}

function since(event: MonitorEvent & { what: "opened" }): string {
  if (event.forgotten !== undefined) return `; nothing is remembered: ${event.forgotten}`
  return event.size === 0 ? ", for the first time" : `, known up to ${event.size} entries`
}
