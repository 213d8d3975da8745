import { type HistogramAnswer, type OutcomeName, outcomes } from "../api/index.ts"
import type { Row } from "./row.ts"

/** Drawn from the bottom up; what went well lies below, so that the rest stands out on top. */
export const stackOrder: readonly OutcomeName[] = [
  "success",
  "unknown",
  "failure",
  "error",
  "denied",
]

export type Bucket = HistogramAnswer["buckets"][number]

/** Seconds since 1970 of each bucket, and for each outcome the height of its top edge. */
export function stack(buckets: readonly Bucket[]): { times: number[]; tops: number[][] } {
  const times = buckets.map(({ at }) => at / 1_000_000)
  const heights = buckets.map(() => 0)
  const tops = stackOrder.map((outcome) =>
    buckets.map(({ counts }, i) => {
      heights[i] = (heights[i] ?? 0) + (counts[outcome] ?? 0)
      return heights[i] as number
    }),
  )
  return { times, tops }
}

const bucketsMax = 2000

/** All buckets from the first to the last moment of the picture, those that the answer leaves out with nothing in them. */
export function filled({ buckets, since, until, interval }: HistogramAnswer): Bucket[] {
  const [first] = buckets
  const last = buckets.at(-1)
  if (first === undefined || last === undefined || interval <= 0) return []
  const origin = first.at - Math.max(0, Math.floor((first.at - since) / interval)) * interval
  const end = Math.max(last.at + 1, Math.min(until, last.at + bucketsMax * interval))
  const count = Math.ceil((end - origin) / interval)
  if (!(count <= bucketsMax)) return [...buckets]
  const known = new Map(
    buckets.map((bucket) => [Math.round((bucket.at - origin) / interval), bucket]),
  )
  return Array.from({ length: count }, (_, i) => {
    return known.get(i) ?? { at: origin + i * interval, counts: {} }
  })
}

export function totals(buckets: readonly Bucket[]): Record<OutcomeName, number> {
  const sums = { success: 0, failure: 0, denied: 0, error: 0, unknown: 0 }
  for (const { counts } of buckets) {
    for (const outcome of outcomes) sums[outcome] += counts[outcome] ?? 0
  }
  return sums
}

const liveBucketsMax = 400

/** The picture with entries that came in since: counted here, so that nobody has to ask again for them. */
export function withLive(answer: HistogramAnswer, rows: readonly Row[]): HistogramAnswer {
  if (rows.length === 0 || answer.interval <= 0) return answer
  const added = new Map<number, Record<string, number>>()
  const origin = answer.buckets[0]?.at ?? Math.floor((rows[0] as Row).received)
  for (const { received, event } of rows) {
    const at = origin + Math.floor((received - origin) / answer.interval) * answer.interval
    const outcome = outcomes.find((name) => name === event.outcome) ?? "unknown"
    const counts = added.get(at) ?? {}
    counts[outcome] = (counts[outcome] ?? 0) + 1
    added.set(at, counts)
  }
  const known = new Map(answer.buckets.map((bucket) => [bucket.at, bucket]))
  for (const [at, counts] of added) {
    const before = known.get(at)?.counts ?? {}
    const merged = { ...before } as Record<string, number>
    for (const [name, count] of Object.entries(counts)) merged[name] = (merged[name] ?? 0) + count
    known.set(at, { at, counts: merged })
  }
  const buckets = [...known.values()].sort((a, b) => a.at - b.at).slice(-liveBucketsMax)
  const newest = (buckets.at(-1)?.at ?? 0) + answer.interval
  const until = Math.max(answer.until, newest)
  return { ...answer, buckets, until, total: answer.total + rows.length }
}
