import type { SegmentAge } from "../disk/index.ts"
import type { RetentionRule } from "../policy/rules/index.ts"

const dayMicros = 86_400_000_000
/** What came in is looked at so far back. */
const backDays = 30

/** How much room a log will need, if it goes on as lately. */
export interface Forecast {
  /** Undefined while less than an hour is known. */
  readonly bytesPerDay: number | undefined
  /** Once as much goes as comes. */
  readonly bytesAtKeep: number | undefined
  /** Until the free space is used up, with what falls due on the way given back; undefined if that does not come. */
  readonly fullInDays: number | undefined
}

/** @param now microseconds @param freeBytes of the file system */
export function forecast(
  ages: readonly SegmentAge[],
  rule: RetentionRule | undefined,
  { now, freeBytes }: { readonly now: number; readonly freeBytes: number },
): Forecast {
  const bytesPerDay = rateOf(ages, now)
  if (bytesPerDay === undefined || rule === undefined)
    return { bytesPerDay, bytesAtKeep: undefined, fullInDays: daysUntil(freeBytes, bytesPerDay) }
  const bytesAtKeep = bytesPerDay * rule.keep
  const used = ages.reduce((sum, { bytes }) => sum + bytes, 0)
  const fits = bytesAtKeep <= used + freeBytes
  return {
    bytesPerDay,
    bytesAtKeep,
    fullInDays: fits ? undefined : daysUntil(freeBytes, bytesPerDay),
  }
}

/** Of the segments that ended lately; of the whole newest one if there is none. */
function rateOf(ages: readonly SegmentAge[], now: number): number | undefined {
  const since = now - backDays * dayMicros
  const recent = ages.filter(({ began }, i) => {
    const isLast = i === ages.length - 1
    return began !== undefined && (began >= since || isLast)
  })
  const began = recent[0]?.began
  if (began === undefined || now - began < dayMicros / 24) return undefined
  const bytes = recent.reduce((sum, segment) => sum + segment.bytes, 0)
  return (bytes * dayMicros) / (now - began)
}

function daysUntil(freeBytes: number, bytesPerDay: number | undefined): number | undefined {
  return bytesPerDay === undefined || bytesPerDay === 0 ? undefined : freeBytes / bytesPerDay
}
