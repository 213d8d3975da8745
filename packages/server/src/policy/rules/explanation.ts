import { type Conditions, conditionsForm } from "./conditions-form.ts"
import { classOf, type Decision, decide } from "./decision.ts"
import type { Named, Seen } from "./event-names.ts"
import type { Policy, Rule } from "./policy.ts"
import { noRule, RuleIndex } from "./rule-index.ts"

export type Condition = keyof Conditions

/** A condition that an event does not meet. */
export interface Miss {
  readonly condition: Condition
  /** As the policy says it. */
  readonly wanted: string
  /** What the event says; undefined if it says nothing of the kind. */
  readonly is: string | undefined
}

/** A rule that had its chance and did not take the event. */
export interface Passed {
  readonly rule: Rule
  /** At least one. */
  readonly misses: readonly Miss[]
}

export interface Explanation {
  readonly decision: Decision
  /** The rules before the one that decided, in their order; none for the log's own entries, of which none is asked. */
  readonly passed: readonly Passed[]
}

/** What is done with an event, and why no earlier rule decided. Looks at every condition by itself: for people, not for the way in. */
export function explainDecision(policy: Policy, named: Named, seen: Seen): Explanation {
  const decision = decide(policy, named, seen)
  if (decision.class === "log") return { decision, passed: [] }
  const { rule } = decision
  const before =
    rule === undefined ? policy.rules : policy.rules.slice(0, policy.rules.indexOf(rule))
  return {
    decision,
    passed: before.map((one) => ({ rule: one, misses: missesOf(policy, one, named, seen) })),
  }
}

function missesOf(policy: Policy, { match }: Rule, named: Named, seen: Seen): Miss[] {
  const { name } = classOf(policy, named.adapter, named.action, named.outcome)
  return conditions.flatMap((condition) => {
    const value = match[condition]
    if (value === undefined) return []
    const alone = new RuleIndex([{ match: { [condition]: value } }])
    if (alone.first(named, name, seen) !== noRule) return []
    return [{ condition, wanted: wantedBy(value), is: saidBy(condition, named, name, seen) }]
  })
}

const conditions = Object.keys(conditionsForm.shape) as Condition[]

function wantedBy(value: NonNullable<Conditions[Condition]>): string {
  if (Array.isArray(value)) return value.join(", ")
  const { min, max } = value as NonNullable<Conditions["size"]>
  if (max === undefined) return `${min} bytes or more`
  return min === undefined ? `at most ${max} bytes` : `${min} to ${max} bytes`
}

function saidBy(
  condition: Condition,
  named: Named,
  className: string,
  seen: Seen,
): string | undefined {
  switch (condition) {
    case "class":
      return className
    case "size":
      return `${seen.size} bytes`
    case "actor":
      return idsOf([seen.actor()])
    case "target":
      return idsOf(seen.targets())
    case "category":
    case "op":
    case "severity":
    case "tenant":
      return seen.text(condition)
    default:
      return named[condition]
  }
}

function idsOf(ids: readonly ReturnType<Seen["actor"]>[]): string | undefined {
  const texts = ids.map((one) => (one === undefined ? "" : `${one.type ?? ""}:${one.id ?? ""}`))
  return texts.join(", ") || undefined
}
