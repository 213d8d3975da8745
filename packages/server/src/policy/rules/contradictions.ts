import { surelyMandatory } from "./class.ts"
import { sayableClasses } from "./class-names.ts"
import { coversConditions, takesLogOnly, takesMandatoryOnly } from "./conditions.ts"
import { coversPointer, formatPointer } from "./pointer.ts"
import type { Detect, Policy, Rule, SaidClasses, Transform } from "./policy.ts"
import { coversPattern } from "./texts.ts"

type At = readonly PropertyKey[]

/** Says what is wrong at this place of the file, and does not return. */
export type Refuse = (at: At, what: string) => never

/** Refuses what is written well and makes no sense: what says two things, and what can never have an effect. */
export function refuseContradictions(policy: Policy, refuse: Refuse): void {
  const { rules, classes, detect } = policy
  refuseTwins(rules, ["rules"], refuse)
  for (const [index, rule] of rules.entries()) {
    const inRule: Refuse = (at, what) => refuse(["rules", index, ...at], what)
    refuseUnheard(rule, inRule)
    for (const [at, transform] of rule.transforms.entries()) {
      const inTransform: Refuse = (member, what) => inRule(["transforms", at, ...member], what)
      refuseTransform(transform, inTransform)
      refuseTaken(transform, rule.transforms.slice(0, at), inTransform)
    }
  }
  refuseUnreachable(rules, refuse)
  refuseClasses(classes, refuse)
  if (detect !== undefined) refuseDetect(detect, refuse)
}

function refuseTwins(named: readonly { readonly name: string }[], at: At, refuse: Refuse): void {
  const seen = new Set<string>()
  for (const [index, { name }] of named.entries()) {
    if (seen.has(name)) refuse([...at, index, "name"], `${name} stands twice`)
    seen.add(name)
  }
}

/** What the rule itself or the classes that it takes make void. */
function refuseUnheard(rule: Rule, refuse: Refuse): void {
  const { level, match } = rule
  if (takesLogOnly(match))
    refuse(["match"], "takes only the log's own entries, and no rule changes those: leave it out")
  const thinning = [
    ["sample", rule.sample],
    ["deduplicate", rule.deduplicateSeconds],
  ] as const
  for (const [key, value] of thinning) {
    if (value !== undefined && level === "drop")
      refuse([key], "is for what is kept, and level: drop keeps nothing")
    if (value !== undefined && takesMandatoryOnly(match))
      refuse(
        [key],
        "is never done to a mandatory class, and this rule takes only such: leave it out",
      )
  }
  if (rule.transforms.length > 0 && level === "drop")
    refuse(["transforms"], "are for what is kept, and level: drop keeps nothing")
  if (level === "drop" && takesMandatoryOnly(match))
    refuse(["level"], "a mandatory class is never dropped, and this rule takes only such: metadata")
}

function refuseTransform({ at, subject }: Transform, refuse: Refuse): void {
  if (subject === undefined) return
  if (subject.some((step) => typeof step !== "string"))
    refuse(["subject"], "must name one place, without * and **")
  if (coversPointer(at, subject.slice(0, -1))) {
    const what = `takes the subject ${formatPointer(subject)} away with it: name one outside of what is taken`
    refuse(["at"], what)
  }
}

/** The first transform that meets a value counts: one that only comes upon what others took does nothing. */
function refuseTaken(
  { at, do: doing }: Transform,
  earlier: readonly Transform[],
  refuse: Refuse,
): void {
  const taking = earlier.find((one) => coversPointer(one.at, at))
  if (taking === undefined) return
  const before = `do: ${taking.do} of ${formatPointer(taking.at)} stands before it and takes the same`
  refuse(["at"], doing === "keep" ? `${before}: put what is to be kept first` : before)
}

function refuseUnreachable(rules: readonly Rule[], refuse: Refuse): void {
  for (const [index, rule] of rules.entries()) {
    const before = rules.findIndex((one) => coversConditions(one.match, rule.match))
    if (before >= index) continue
    const { name } = rules[before] as Rule
    refuse(
      ["rules", index],
      `is never reached: ${name} stands before it and takes all of its events`,
    )
  }
}

function refuseClasses(classes: SaidClasses, refuse: Refuse): void {
  const earlier: { readonly name: string; readonly pattern: string }[] = []
  for (const name of sayableClasses) {
    for (const [index, pattern] of classes[name].entries()) {
      const mandatory = surelyMandatory(pattern)
      if (mandatory !== undefined) {
        const what = `is of the mandatory class ${mandatory}, and no policy changes that`
        refuse(["classes", name, index], what)
      }
      const other = earlier.find((one) => one.name !== name && coversPattern(one.pattern, pattern))
      if (other !== undefined)
        refuse(["classes", name, index], `${other.name} has ${other.pattern} already`)
      earlier.push({ name, pattern })
    }
  }
}

function refuseDetect({ patterns, allow }: Detect, refuse: Refuse): void {
  refuseTwins(patterns, ["detect", "patterns"], refuse)
  for (const [index, pointer] of allow.entries()) {
    const other = allow.slice(0, index).find((one) => coversPointer(one, pointer))
    if (other !== undefined)
      refuse(["detect", "allow", index], `${formatPointer(other)} allows this already`)
  }
}
