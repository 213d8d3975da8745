import type { Adapter, Decision, Policy } from "../../policy/rules/index.ts"
import type { Sieve } from "../../policy/sieve/index.ts"

/** Bits of what makes an event worth a look: the groups of needles, and one that every event has. */
export const allGroups = 0xff
export const always = 0x100
/** The number of decisions that cannot be told from an event's names. */
export const undecided = 1
export const decisionsMax = 16_384

/** What the present policy means for rows. */
export interface Plan {
  readonly policy: Policy
  readonly sieve: Sieve
  /** By number; 0 is nobody's, `undecided` has none. */
  readonly decisions: (Decision | undefined)[]
  /** By decision and adapter. */
  readonly numbers: Map<Decision, Map<Adapter, number>>
  /** By number: which mentions make it necessary to look at an event, and those that matter once it is looked at. */
  readonly looks: Uint16Array
  /** By number: events that were looked at. */
  readonly decided: Float64Array
}

/** Decisions are numbered as they are met; beyond what is numbered they are made anew each time. */
export function numberOf(plan: Plan, decision: Decision | undefined, adapter: Adapter): number {
  if (decision === undefined) return undecided
  const byAdapter = plan.numbers.get(decision) ?? new Map<Adapter, number>()
  const known = byAdapter.get(adapter)
  if (known !== undefined) return known
  const number = plan.decisions.length
  if (number >= decisionsMax) return undecided
  const { level, sample, deduplicateSeconds } = decision
  const need = plan.sieve.need(decision, adapter)
  const isLess = level === "drop" || sample !== undefined || deduplicateSeconds !== undefined
  plan.decisions.push(decision)
  plan.numbers.set(decision, byAdapter.set(adapter, number))
  const mentioned = need === "always" ? always : need
  plan.looks[number] = isLess ? always | mentioned : mentioned
  return number
}
