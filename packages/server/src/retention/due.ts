import type { SegmentAge } from "../disk/index.ts"
import { type ClassName, classNames, type RetentionRule } from "../policy/rules/index.ts"

const dayMicros = 86_400_000_000
/** A newest segment is ended after this share of `keep`, and after so many days at most. */
const openShare = 10
const openDaysMax = 30

/**
 * Where the log may begin: the segment behind the last one that is due; the minimum of now if none is.
 * @param ages all segments, ascending @param now microseconds
 */
export function dueTo(ages: readonly SegmentAge[], rule: RetentionRule, now: number): number {
  let to = ages[0]?.first ?? 0
  for (const next of ages.slice(1)) {
    if (next.began === undefined || next.began > now - rule.keep * dayMicros) break
    to = next.first
  }
  return to
}

/** A segment that is still there, and the day from which on it may go. */
export interface Upcoming {
  readonly first: number
  readonly end: number
  readonly bytes: number
  /** Microseconds. */
  readonly due: number
}

/** Every segment but the newest, in the order in which they fall due. */
export function upcoming(ages: readonly SegmentAge[], rule: RetentionRule): Upcoming[] {
  return ages.flatMap(({ first, end, bytes }, i) => {
    const began = ages[i + 1]?.began
    if (end === undefined || began === undefined) return []
    return [{ first, end, bytes, due: began + rule.keep * dayMicros }]
  })
}

/** Whether the newest segment has been open for so long that its entries would outstay their time by much. */
export function isOldEnoughToEnd(
  ages: readonly SegmentAge[],
  rule: RetentionRule,
  now: number,
): boolean {
  const began = ages.at(-1)?.began
  if (began === undefined) return false
  return now - began >= Math.min(openDaysMax, rule.keep / openShare) * dayMicros
}

/** What a key's name says: the bodies of a class's events of one month are sealed under it. */
export interface ClassMonth {
  readonly class: ClassName
  /** In UTC: 2026-03 */
  readonly month: string
}

/**
 * Of which classes and months no body may be readable any more: the month's last day is longer ago than the days of the class. A
 * class that is not named any more goes with the entries. @param since when the log began, microseconds @param now the same
 */
export function dueClassMonths(rule: RetentionRule, since: number, now: number): ClassMonth[] {
  const begin = new Date(since / 1000)
  const first = (begin.getUTCFullYear() - 1970) * 12 + begin.getUTCMonth()
  const due: ClassMonth[] = []
  for (const name of classNames) {
    const until = now - (rule.classes.get(name) ?? rule.keep) * dayMicros
    for (let month = first; Date.UTC(1970, month + 1) * 1000 <= until; month++) {
      const text = new Date(Date.UTC(1970, month)).toISOString().slice(0, 7)
      due.push({ class: name, month: text })
    }
  }
  return due
}
