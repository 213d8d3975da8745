import { parseTime } from "../event/index.ts"
import type { Bound, FieldQuery } from "./query.ts"

const numberPattern = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const dayMicroseconds = 86_400_000_000

export type Range = Extract<FieldQuery["test"], { readonly kind: "range" }>

/** Half-open, microseconds since 1970-01-01 UTC; undefined is no bound. */
export interface Span {
  readonly from: number | undefined
  readonly until: number | undefined
}

/** The value of a text that JSON would take for a number, as a double. */
export function numberOf(text: string): number | undefined {
  return numberPattern.test(text) ? Number(text) : undefined
}

/**
 * What a bound on `received` or `time` means, half-open: an instant in RFC 3339, or all of a UTC
 * day, month or year. undefined for anything else.
 */
export function periodOf(text: string): { from: number; until: number } | undefined {
  const instant = parseTime(text)
  if (instant !== undefined) return { from: instant, until: instant + 1 }
  const [, year, month, day] = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$/.exec(text) ?? []
  if (year === undefined) return undefined
  const from = parseTime(`${year}-${month ?? "01"}-${day ?? "01"}T00:00:00Z`)
  if (from === undefined) return undefined
  if (day !== undefined) return { from, until: from + dayMicroseconds }
  const next = new Date(0)
  next.setUTCFullYear(Number(year), month === undefined ? 12 : Number(month), 1)
  return { from, until: next.getTime() * 1000 }
}

/** A range over `received` or `time` as instants. Its bounds have been found to be periods. */
export function spanOf({ from, to }: Range): Span {
  const first = from === undefined ? undefined : periodOf(from.text)
  const last = to === undefined ? undefined : periodOf(to.text)
  return {
    from: from?.isInclusive === true ? first?.from : first?.until,
    until: to?.isInclusive === true ? last?.until : last?.from,
  }
}

export function isInSpan({ from, until }: Span, instant: number): boolean {
  return (from === undefined || instant >= from) && (until === undefined || instant < until)
}

/**
 * Whether a value of an event lies in the range. Bounds that are numbers hold for numbers, and for
 * strings that are one; other bounds for strings, by code points.
 */
export function isInRange({ from, to }: Range, value: unknown): boolean {
  if (isNumeric(from) && isNumeric(to)) {
    const number = typeof value === "string" ? numberOf(value) : value
    if (typeof number !== "number") return false
    return isWithin(from, to, (bound) => number - Number(bound))
  }
  if (typeof value !== "string") return false
  return isWithin(from, to, (bound) => compareText(value, bound))
}

/** By code points, which is the order of UTF-8. Negative: a comes first. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    if (a.charCodeAt(i) !== b.charCodeAt(i)) return rank(a.charCodeAt(i)) - rank(b.charCodeAt(i))
  }
  return a.length - b.length
}

/** UTF-16 puts surrogates, and with them all beyond U+FFFF, before U+E000. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}

function isNumeric(bound: Bound | undefined): boolean {
  return bound === undefined || numberOf(bound.text) !== undefined
}

function isWithin(
  from: Bound | undefined,
  to: Bound | undefined,
  compare: (bound: string) => number,
): boolean {
  if (from !== undefined) {
    const order = compare(from.text)
    if (!(from.isInclusive ? order >= 0 : order > 0)) return false
  }
  if (to !== undefined) {
    const order = compare(to.text)
    if (!(to.isInclusive ? order <= 0 : order < 0)) return false
  }
  return true
}
