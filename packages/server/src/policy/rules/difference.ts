import { sayableClasses } from "./class-names.ts"
import { conditionsMeet, coversConditions, matchesEverything } from "./conditions.ts"
import { detectChanges } from "./detect-difference.ts"
import type { Policy, Rule } from "./policy.ts"
import { retentionChanges } from "./retention-form.ts"
import { coversPattern } from "./texts.ts"
import { treatmentChanges } from "./treatment.ts"

/** One thing that two policies say differently. */
export interface PolicyChange {
  /** `rule NAME`, `no rule`, `class NAME`, `detect` or `retention`. */
  readonly subject: string
  /** What is different, for a person. */
  readonly text: string
  /** Less may be kept of some event, or what is hidden in one may be hidden less. */
  readonly weakens: boolean
}

/**
 * What changes with the policy `after`; nothing of comments. Where it is not certain from the two texts that nothing is kept
 * less or hidden less, it weakens: a rule may take events away from any that stands behind it.
 */
export function diffPolicy(before: Policy, after: Policy): readonly PolicyChange[] {
  const [olds, news] = [allRules(before), allRules(after)]
  return [
    ...olds.flatMap((rule) => (named(news, rule) === undefined ? [removed(rule, olds, news)] : [])),
    ...news.flatMap((rule) => {
      const old = named(olds, rule)
      return old === undefined ? [added(rule, olds, news)] : changed(old, rule, olds, news)
    }),
    ...moves(olds, news),
    ...classChanges(before, after),
    ...detectChanges(before.detect, after.detect),
    ...retentionChanges(before.retention, after.retention).map((one) => ({
      subject: "retention",
      ...one,
    })),
  ]
}

/** The name of what is done where no rule matches, which no rule can have. */
const noRule = "no rule"

/** With what is done where no rule matches as the last rule, if an event can come so far. */
function allRules({ rules, unmatched }: Policy): readonly Rule[] {
  if (rules.some(({ match }) => matchesEverything(match))) return rules
  const last: Rule = {
    name: noRule,
    match: {},
    level: unmatched,
    sample: undefined,
    deduplicateSeconds: undefined,
    transforms: [],
  }
  return [...rules, last]
}

function subjectOf({ name }: Rule): string {
  return name === noRule ? noRule : `rule ${name}`
}

function named(rules: readonly Rule[], { name }: Rule): Rule | undefined {
  return rules.find((one) => one.name === name)
}

function weakens(before: Rule, after: Rule): boolean {
  return treatmentChanges(before, after).some((one) => one.weakens)
}

/** Rules of the other policy that may have an event instead of this one: all but those that stand before it in both. */
function neighbours(rule: Rule, own: readonly Rule[], others: readonly Rule[]): readonly Rule[] {
  const before = new Set(own.slice(0, own.indexOf(rule)).map(({ name }) => name))
  return others.filter((one) => {
    if (one.name === rule.name || !conditionsMeet(rule.match, one.match)) return false
    return !(before.has(one.name) && sameConditions(named(own, one) as Rule, one))
  })
}

function removed(rule: Rule, olds: readonly Rule[], news: readonly Rule[]): PolicyChange {
  // What comes to an added rule is said of that one.
  const takers = neighbours(rule, olds, news).filter((one) => named(olds, one) !== undefined)
  const isLess = takers.some((one) => weakens(rule, one))
  return { subject: subjectOf(rule), text: `removed: ${describe(rule)}`, weakens: isLess }
}

function added(rule: Rule, olds: readonly Rule[], news: readonly Rule[]): PolicyChange {
  const losers = neighbours(rule, news, olds)
  const isLess = losers.some((one) => weakens(one, rule))
  return { subject: subjectOf(rule), text: `added: ${describe(rule)}`, weakens: isLess }
}

function changed(
  old: Rule,
  rule: Rule,
  olds: readonly Rule[],
  news: readonly Rule[],
): PolicyChange[] {
  const subject = subjectOf(rule)
  const changes = treatmentChanges(old, rule).map((one) => ({ subject, ...one }))
  if (sameConditions(old, rule)) return changes
  const text = `match: ${describeMatch(old)} -> ${describeMatch(rule)}`
  const isWider = coversConditions(rule.match, old.match)
  const isNarrower = coversConditions(old.match, rule.match)
  // What it takes no more comes to rules of the new policy, what it takes now came to rules of the old one.
  const gives = !isWider && neighbours(old, olds, news).some((one) => weakens(old, one))
  const takes = !isNarrower && neighbours(rule, news, olds).some((one) => weakens(one, rule))
  return [{ subject, text, weakens: gives || takes }, ...changes]
}

function sameConditions(a: Rule, b: Rule): boolean {
  return coversConditions(a.match, b.match) && coversConditions(b.match, a.match)
}

/** Rules of both policies that stand the other way round now, and may both take an event. */
function moves(olds: readonly Rule[], news: readonly Rule[]): PolicyChange[] {
  const places = new Map(olds.map((rule, at) => [rule.name, at]))
  const held = news.filter(({ name }) => places.has(name))
  return held.flatMap((rule, at) => {
    const place = places.get(rule.name) as number
    const passed = held
      .slice(at + 1)
      .filter((one) => (places.get(one.name) as number) < place && meets(rule, one, olds))
    const [first] = passed
    if (first === undefined) return []
    const isLess = passed.some((one) => weakens(named(olds, one) as Rule, rule))
    return [{ subject: subjectOf(rule), text: `now before ${first.name}`, weakens: isLess }]
  })
}

function meets(rule: Rule, passed: Rule, olds: readonly Rule[]): boolean {
  return conditionsMeet(rule.match, (named(olds, passed) as Rule).match)
}

function describe(rule: Rule): string {
  const { level, sample, deduplicateSeconds, transforms } = rule
  return [
    `${level} of ${describeMatch(rule)}`,
    ...(sample === undefined ? [] : [`sample ${sample}`]),
    ...(deduplicateSeconds === undefined ? [] : [`deduplicate ${deduplicateSeconds} s`]),
    ...(transforms.length === 0 ? [] : [`${transforms.length} transforms`]),
  ].join(", ")
}

function describeMatch({ match }: Rule): string {
  const parts = Object.entries(match).map(([key, value]) => {
    if (Array.isArray(value)) return `${key} ${value.join(",")}`
    const { min = 0, max } = value as NonNullable<Rule["match"]["size"]>
    return max === undefined ? `${key} from ${min}` : `${key} ${min} to ${max}`
  })
  return parts.length === 0 ? "every event" : parts.join(", ")
}

/** An action whose class the policy says is of a mandatory one no more; with another class it may come to other rules. */
function classChanges(before: Policy, after: Policy): PolicyChange[] {
  const isAsked = [...before.rules, ...after.rules].some(({ match }) => match.class !== undefined)
  return sayableClasses.flatMap((name) => {
    const [olds, news] = [before.classes[name], after.classes[name]]
    const subject = `class ${name}`
    const said = isAsked ? olds : sayableClasses.flatMap((one) => before.classes[one])
    return [
      ...without(olds, news).map((one) => ({ subject, text: `- ${one}`, weakens: isAsked })),
      ...without(news, olds).map((one) => {
        const isSaid = said.some((other) => coversPattern(other, one))
        return { subject, text: `+ ${one}`, weakens: !isSaid }
      }),
    ]
  })
}

function without(texts: readonly string[], others: readonly string[]): readonly string[] {
  return texts.filter((one) => !others.includes(one))
}
