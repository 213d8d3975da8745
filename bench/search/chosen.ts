import { createRandom } from "../random.ts"
import type { AuditEvent } from "./audit-events.ts"

/** Values that stand in the log, each from an event that was chosen by chance. */
export interface Chosen {
  readonly actors: readonly string[]
  readonly targets: readonly string[]
  readonly rareWords: readonly string[]
  readonly requests: readonly string[]
  readonly tickets: readonly string[]
  readonly namespaces: readonly string[]
  /** Of events that failed. */
  readonly failures: readonly { readonly action: string; readonly received: number }[]
}

const valuesMax = 1_000
/** Values come from every 20th event only: engines that take a part of the events take these. */
export const chosenEvery = 20

/** Chooses values while events go by (reservoirs, so that every event has the same chance). */
export class Chooser {
  readonly #random = createRandom(7)
  readonly #lists = new Map<string, { seen: number; values: unknown[] }>()

  see(event: AuditEvent): void {
    if (event.number % chosenEvery !== 0) return
    const { actor, target, rare, request, ticket, namespace, action, outcome, received } = event
    this.#offer("actors", actor)
    this.#offer("targets", target)
    this.#offer("rareWords", rare)
    this.#offer("requests", request)
    this.#offer("tickets", ticket)
    this.#offer("namespaces", namespace)
    if (outcome === "failure") this.#offer("failures", { action, received })
  }

  #offer(name: keyof Chosen, value: unknown): void {
    if (value === undefined) return
    const list = this.#lists.get(name) ?? { seen: 0, values: [] }
    this.#lists.set(name, list)
    const at = list.seen < valuesMax ? list.seen : this.#random.below(list.seen + 1)
    if (at < valuesMax) list.values[at] = value
    list.seen += 1
  }

  chosen(): Chosen {
    return Object.fromEntries([...this.#lists].map(([name, { values }]) => [name, values])) as never
  }
}
