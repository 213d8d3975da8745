import type { Adapter } from "../../access/index.ts"
import { type ClassFinder, type EventClass, eventClass, makeClassFinder } from "./class.ts"
import { type ClassName, classNames } from "./class-names.ts"
import type { Named, Seen } from "./event-names.ts"
import type { Level, Policy, Rule, Transform } from "./policy.ts"
import { asksMore, noRule, RuleIndex } from "./rule-index.ts"

/** What is done with an event. The same object whenever a policy decides by the same rule for the same class. */
export interface Decision {
  readonly class: ClassName
  /** Never dropped, sampled or deduplicated. */
  readonly mandatory: boolean
  /** Undefined if no rule matched, or none is asked: the log's own entries are kept whole. */
  readonly rule: Rule | undefined
  /** What counts for the class: never `drop` of a mandatory one. */
  readonly level: Level
  /** Above 0 and below 1; undefined = all are kept. */
  readonly sample: number | undefined
  readonly deduplicateSeconds: number | undefined
  readonly transforms: readonly Transform[]
}

/**
 * What is done with an event, by its names alone. Undefined if a rule that could be the first to match asks for more: then
 * decide() knows.
 */
export function decideByName(policy: Policy, named: Named): Decision | undefined {
  return find(policy, named, undefined)
}

/** What is done with an event, by all that it says. */
export function decide(policy: Policy, named: Named, seen: Seen): Decision {
  return find(policy, named, seen) as Decision
}

/** The class of an event, which the port derives and no writer says (docs/spec/policy.md). */
export function classOf(
  policy: Policy,
  _adapter: Adapter,
  action: string,
  outcome: string,
): EventClass {
  return eventClass(prepare(policy).classOf(action, outcome))
}

interface Prepared {
  readonly classOf: ClassFinder
  readonly rules: RuleIndex
  /** By the number of the rule (the last one: no rule), then of the class; each made when first asked for. */
  readonly decisions: readonly (Decision | undefined)[][]
  /** Of the log's own entries. */
  readonly own: Decision
}

const preparedPolicies = new WeakMap<Policy, Prepared>()

function prepare(policy: Policy): Prepared {
  const known = preparedPolicies.get(policy)
  if (known !== undefined) return known
  const prepared: Prepared = {
    classOf: makeClassFinder(policy.classes),
    rules: new RuleIndex(policy.rules),
    decisions: [...policy.rules, undefined].map(() => classNames.map(() => undefined)),
    own: makeDecision(undefined, "full", eventClass(log)),
  }
  preparedPolicies.set(policy, prepared)
  return prepared
}

const log = classNames.indexOf("log")

function find(policy: Policy, named: Named, seen: Seen | undefined): Decision | undefined {
  const { classOf, rules, decisions, own } = prepare(policy)
  const number = classOf(named.action, named.outcome)
  if (number === log) return own
  const found = rules.first(named, eventClass(number).name, seen)
  if (found === asksMore) return undefined
  const made = decisions[found === noRule ? policy.rules.length : found] as (Decision | undefined)[]
  const rule = policy.rules[found]
  made[number] ??= makeDecision(rule, rule?.level ?? policy.unmatched, eventClass(number))
  return made[number]
}

function makeDecision(
  rule: Rule | undefined,
  level: Level,
  { name, mandatory }: EventClass,
): Decision {
  return {
    rule,
    class: name,
    mandatory,
    level: mandatory && level === "drop" ? "metadata" : level,
    sample: mandatory ? undefined : rule?.sample,
    deduplicateSeconds: mandatory ? undefined : rule?.deduplicateSeconds,
    transforms: rule?.transforms ?? [],
  }
}
