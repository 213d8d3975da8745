import { adapters } from "../../access/index.ts"
import { isMandatory, surelyMandatory } from "./class.ts"
import { classNames } from "./class-names.ts"
import { type Conditions, outcomes } from "./conditions-form.ts"
import { coversPattern, patternsMeet } from "./texts.ts"
import { splitTypedId } from "./typed-ids.ts"

const texts = ["writer", "source", "action", "category", "op", "severity", "tenant"] as const
const always = new Set<string>(["writer", "source", "action"])
const choices = { adapter: adapters, class: classNames, outcome: outcomes } as const
const choiceKeys = ["adapter", "class", "outcome"] as const
const typedIds = ["actor", "target"] as const

/** The conditions without those that hold for every event. */
function onlyNarrowing(match: Conditions): Conditions {
  const entries = Object.entries(match).filter(([key, value]) => {
    if (value === undefined) return false
    if (key === "size") return (match.size?.min ?? 0) > 0 || match.size?.max !== undefined
    if (!Array.isArray(value)) return true
    if (key in choices)
      return choices[key as keyof typeof choices].some((one) => !value.includes(one))
    return !(always.has(key) && value.includes("*"))
  })
  return Object.fromEntries(entries)
}

export function matchesEverything(match: Conditions): boolean {
  return Object.keys(onlyNarrowing(match)).length === 0
}

/** Whether every event that `inner` takes is one that `outer` takes. True only where that is certain, condition by condition. */
export function coversConditions(outer: Conditions, inner: Conditions): boolean {
  const wide = onlyNarrowing(outer)
  for (const key of choiceKeys) {
    if (wide[key] !== undefined && !coversList(wide[key], inner[key], (a, b) => a === b))
      return false
  }
  for (const key of texts) {
    if (wide[key] !== undefined && !coversList(wide[key], inner[key], coversPattern)) return false
  }
  for (const key of typedIds) {
    if (wide[key] !== undefined && !coversList(wide[key], inner[key], coversTypedId)) return false
  }
  const [least, most] = rangeOf(inner)
  const [min, max] = rangeOf(wide)
  return least >= min && most <= max
}

function coversList(
  outer: readonly string[],
  inner: readonly string[] | undefined,
  covers: (outer: string, inner: string) => boolean,
): boolean {
  return inner?.every((one) => outer.some((other) => covers(other, one))) ?? false
}

function coversTypedId(outer: string, inner: string): boolean {
  const [[type, id], [otherType, otherId]] = [splitTypedId(outer), splitTypedId(inner)]
  return coversPattern(type, otherType) && coversPattern(id, otherId)
}

function rangeOf({ size }: Conditions): readonly [min: number, max: number] {
  return [size?.min ?? 0, size?.max ?? Number.POSITIVE_INFINITY]
}

/** False where it is certain that no event is taken by both: an event may have many targets, but only one of all else. */
export function conditionsMeet(a: Conditions, b: Conditions): boolean {
  for (const key of choiceKeys) if (!listsMeet(a[key], b[key], (x, y) => x === y)) return false
  for (const key of texts) if (!listsMeet(a[key], b[key], patternsMeet)) return false
  if (!listsMeet(a.actor, b.actor, typedIdsMeet)) return false
  const [[min, max], [otherMin, otherMax]] = [rangeOf(a), rangeOf(b)]
  return min <= otherMax && otherMin <= max
}

function listsMeet(
  a: readonly string[] | undefined,
  b: readonly string[] | undefined,
  meet: (a: string, b: string) => boolean,
): boolean {
  if (a === undefined || b === undefined) return true
  return a.some((one) => b.some((other) => meet(one, other)))
}

function typedIdsMeet(a: string, b: string): boolean {
  const [[type, id], [otherType, otherId]] = [splitTypedId(a), splitTypedId(b)]
  return patternsMeet(type, otherType) && patternsMeet(id, otherId)
}

/** Whether every event that they take is of a mandatory class. True only where that is certain. */
export function takesMandatoryOnly({ class: names, outcome, action }: Conditions): boolean {
  return (
    names?.every(isMandatory) === true ||
    outcome?.every((one) => one === "denied") === true ||
    action?.every((one) => surelyMandatory(one) !== undefined) === true
  )
}

/** Whether every event that they take is an entry of the log's own. */
export function takesLogOnly({ class: names, action }: Conditions): boolean {
  return (
    names?.every((one) => one === "log") === true ||
    action?.every((one) => one.startsWith("postern.")) === true
  )
}
