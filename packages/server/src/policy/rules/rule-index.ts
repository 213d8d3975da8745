import type { ClassName } from "./class-names.ts"
import type { Conditions } from "./conditions-form.ts"
import type { Named, Seen } from "./event-names.ts"
import { type Question, questionsOf } from "./questions.ts"
import { makeTexts } from "./texts.ts"

/** Values remembered for one kind of condition, so that no writer fills the memory with new ones. */
const valuesMax = 1_024

/** A set of rules: bit r % 32 of word r / 32 stands for the rule with the number r. */
type RuleSet = Uint32Array

/**
 * Which rules a value lets through, by what they say about it. A value is held against all the rules when it comes for the
 * first time, and looked up from then on.
 */
class ValueIndex {
  readonly #covers: readonly ((value: string) => boolean)[]
  readonly #known = new Map<string, RuleSet>()

  constructor(patterns: readonly (readonly string[] | undefined)[]) {
    this.#covers = patterns.map((one) => (one === undefined ? () => true : makeTexts(one).covers))
  }

  of(value: string): RuleSet {
    return this.#known.get(value) ?? this.#learn(value)
  }

  #learn(value: string): RuleSet {
    const rules = new Uint32Array(Math.ceil(this.#covers.length / 32))
    for (const [number, covers] of this.#covers.entries())
      if (covers(value))
        rules[number >>> 5] = (rules[number >>> 5] as number) | (1 << (number & 31))
    if (this.#known.size >= valuesMax) this.#known.clear()
    this.#known.set(value, rules)
    return rules
  }
}

/** No rule takes the event. */
export const noRule = -1
/** A rule that could be the first to take it asks for more than names. */
export const asksMore = -2

/** The conditions of all rules, prepared for many events. */
export class RuleIndex {
  readonly #adapter: ValueIndex
  readonly #outcome: ValueIndex
  readonly #class: ValueIndex
  readonly #writer: ValueIndex
  readonly #source: ValueIndex
  readonly #action: ValueIndex
  readonly #questions: readonly (readonly Question[])[]
  readonly #words: number

  constructor(rules: readonly { readonly match: Conditions }[]) {
    const index = (key: "adapter" | "outcome" | "class" | "writer" | "source" | "action") =>
      new ValueIndex(rules.map(({ match }) => match[key]))
    this.#adapter = index("adapter")
    this.#outcome = index("outcome")
    this.#class = index("class")
    this.#writer = index("writer")
    this.#source = index("source")
    this.#action = index("action")
    this.#questions = rules.map(({ match }) => questionsOf(match))
    this.#words = Math.ceil(rules.length / 32)
  }

  /** The number of the first rule that takes the event; noRule; or, where nothing but names is given, asksMore. */
  first(named: Named, className: ClassName, seen: Seen | undefined): number {
    const adapter = this.#adapter.of(named.adapter)
    const outcome = this.#outcome.of(named.outcome)
    const ofClass = this.#class.of(className)
    const writer = this.#writer.of(named.writer)
    const source = this.#source.of(named.source)
    const action = this.#action.of(named.action)
    for (let word = 0; word < this.#words; word++) {
      let left =
        at(adapter, word) &
        at(outcome, word) &
        at(ofClass, word) &
        at(writer, word) &
        at(source, word) &
        at(action, word)
      while (left !== 0) {
        const lowest = left & -left
        const rule = word * 32 + 31 - Math.clz32(lowest)
        const questions = this.#questions[rule] as readonly Question[]
        if (questions.length === 0) return rule
        if (seen === undefined) return asksMore
        if (questions.every((holds) => holds(seen))) return rule
        left ^= lowest
      }
    }
    return noRule
  }
}

function at(rules: RuleSet, word: number): number {
  return rules[word] as number
}
