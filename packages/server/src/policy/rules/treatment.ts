import { formatPointer } from "./pointer.ts"
import type { Doing, Level, Rule, Transform } from "./policy.ts"
import { levels } from "./policy-form.ts"

/** What a rule does with an event. */
export type Treatment = Pick<Rule, "level" | "sample" | "deduplicateSeconds" | "transforms">

export interface TreatmentChange {
  readonly text: string
  /** Less is kept, or what is hidden is hidden less. */
  readonly weakens: boolean
}

export function treatmentChanges(before: Treatment, after: Treatment): readonly TreatmentChange[] {
  const changes: TreatmentChange[] = []
  if (before.level !== after.level) {
    const text = `level: ${before.level} -> ${after.level}`
    changes.push({ text, weakens: keptOf(after.level) < keptOf(before.level) })
  }
  if (before.sample !== after.sample) {
    const text = `sample: ${before.sample ?? "all"} -> ${after.sample ?? "all"}`
    changes.push({ text, weakens: (after.sample ?? 1) < (before.sample ?? 1) })
  }
  const [old, now] = [before.deduplicateSeconds ?? 0, after.deduplicateSeconds ?? 0]
  if (old !== now) changes.push({ text: `deduplicate: ${old} s -> ${now} s`, weakens: now > old })
  return [...changes, ...transformChanges(before.transforms, after.transforms)]
}

function keptOf(level: Level): number {
  return -levels.indexOf(level)
}

interface Weight {
  /** How much of the value can be known by whoever may read everything: 3 = all of it, 0 = nothing. */
  readonly kept: number
  /** How well the value is hidden; below 0 it is hidden from detectors, too. */
  readonly hidden: number
}

/** A token is the same wherever it stands, so it tells more than an HMAC. */
const weights: Readonly<Record<Doing, Weight>> = {
  keep: { kept: 3, hidden: -1 },
  truncate: { kept: 2, hidden: 0 },
  tokenise: { kept: 1, hidden: 1 },
  hmac: { kept: 1, hidden: 2 },
  redact: { kept: 0, hidden: 3 },
  personal: { kept: 3, hidden: 3 },
}
const untouched: Weight = { kept: 3, hidden: 0 }

function transformChanges(
  before: readonly Transform[],
  after: readonly Transform[],
): readonly TreatmentChange[] {
  const olds = new Map(before.map((one) => [formatPointer(one.at), one]))
  const news = new Map(after.map((one) => [formatPointer(one.at), one]))
  const changes: TreatmentChange[] = []
  for (const [at, { do: old }] of olds) {
    if (news.has(at)) continue
    // What stands behind it may meet the value now.
    const isLess = after.length > 0 || isWeaker(weights[old], untouched)
    changes.push({ text: `transforms: - ${old} ${at}`, weakens: isLess })
  }
  for (const [at, now] of news) {
    const old = olds.get(at)
    if (old === undefined)
      changes.push({
        text: `transforms: + ${now.do} ${at}`,
        weakens: isWeaker(untouched, weights[now.do]),
      })
    else changes.push(...transformChange(at, old, now))
  }
  const held = [...olds.keys()].filter((at) => news.has(at))
  const now = [...news.keys()].filter((at) => olds.has(at))
  if (held.some((at, index) => at !== now[index]))
    changes.push({ text: "transforms: in another order", weakens: true })
  return changes
}

function transformChange(at: string, old: Transform, now: Transform): TreatmentChange[] {
  if (old.do !== now.do) {
    const text = `transforms: ${at}: ${old.do} -> ${now.do}`
    return [{ text, weakens: isWeaker(weights[old.do], weights[now.do]) }]
  }
  if (old.bytes !== now.bytes) {
    const text = `transforms: ${at}: bytes ${old.bytes} -> ${now.bytes}`
    return [{ text, weakens: (now.bytes ?? 0) < (old.bytes ?? 0) }]
  }
  const [was, is] = [old, now].map(({ subject }) => formatPointer(subject ?? []))
  return was === is ? [] : [{ text: `transforms: ${at}: subject ${was} -> ${is}`, weakens: true }]
}

function isWeaker(before: Weight, after: Weight): boolean {
  return after.kept < before.kept || after.hidden < before.hidden
}
