import type { KeptLess } from "./sifted-batch.ts"

/** What the policy did since the start of the port. */
export interface PolicyFigures {
  readonly rules: readonly RuleFigures[]
  /** Events of a writer in which a detector found something, most first. */
  readonly detected: readonly {
    readonly writer: string
    readonly detector: string
    readonly events: number
  }[]
}

export interface RuleFigures {
  /** `(none)` where no rule matched. */
  readonly rule: string
  /** Events that it decided about. */
  readonly events: number
  /** What was done, in how many of them: `dropped` `sampled` `deduplicated` `cut` `hmac` … */
  readonly did: Readonly<Record<string, number>>
  /** That the log is shorter by; marks make it longer. */
  readonly bytesSaved: number
}

interface Counted {
  events: number
  bytesSaved: number
  readonly did: Map<string, number>
}

/** Kinds that are told apart; beyond, they are counted together. */
const rulesMax = 1_024
const detectedMax = 256
const others = "(others)"

/** Counts what a policy does, by the names of its rules: they outlive a change of the policy. */
export class FigureCounts {
  readonly #rules = new Map<string, Counted>()
  readonly #detected = new Map<string, { writer: string; detector: string; events: number }>()

  decided(events: ReadonlyMap<string, number>): void {
    for (const [rule, count] of events) this.#ruleOf(rule).events += count
  }

  kept(writer: string, { rule, did, saved, found }: KeptLess): void {
    const counted = this.#ruleOf(rule)
    counted.bytesSaved += saved
    counted.did.set(did, (counted.did.get(did) ?? 0) + 1)
    for (const detector of found) this.#detectedOf(writer, detector).events += 1
  }

  figures(): PolicyFigures {
    return {
      rules: [...this.#rules].map(([rule, { events, bytesSaved, did }]) => {
        return { rule, events, bytesSaved, did: Object.fromEntries(did) }
      }),
      detected: [...this.#detected.values()]
        .map((one) => ({ ...one }))
        .toSorted((a, b) => b.events - a.events),
    }
  }

  #ruleOf(name: string): Counted {
    const known = this.#rules.get(name)
    if (known !== undefined) return known
    if (this.#rules.size >= rulesMax && name !== others) return this.#ruleOf(others)
    const counted = { events: 0, bytesSaved: 0, did: new Map<string, number>() }
    this.#rules.set(name, counted)
    return counted
  }

  #detectedOf(writer: string, detector: string): { events: number } {
    const key = `${detector} ${writer}`
    const known = this.#detected.get(key)
    if (known !== undefined) return known
    if (this.#detected.size >= detectedMax && writer !== others)
      return this.#detectedOf(others, detector)
    const counted = { writer, detector, events: 0 }
    this.#detected.set(key, counted)
    return counted
  }
}
