import { matches, type Query } from "@postern/log/query"
import type { AskedWorld } from "./asked-world.ts"
import { hourMicroseconds } from "./column-encoding.ts"
import { count, type Tally } from "./counting.ts"
import type { Part } from "./part.ts"
import { idFirst, idNone, idOdd } from "./part-format.ts"
import type { Histogram, HistogramBucket, HistogramQuestion } from "./search-index.ts"
import { readVarint, type VarintCursor } from "./varint.ts"

/** Counts by received time. Hours of whole parts are added up from their roll-ups where the question is about outcomes alone. */
export async function histogram(
  world: AskedWorld,
  question: HistogramQuestion,
): Promise<Histogram> {
  const tally = new Buckets(question)
  const counted = await count(world, question, tally)
  return { ...counted, buckets: tally.buckets() }
}

const secondMicroseconds = 1_000_000

class Buckets implements Tally {
  readonly #query: Query
  readonly #interval: number
  readonly #isHourly: boolean
  /** By number of the bucket, then by outcome. */
  readonly #counts = new Map<number, Map<string, number>>()

  constructor({ query, interval }: HistogramQuestion) {
    this.#query = query
    this.#interval = Math.max(secondMicroseconds, Math.floor(interval))
    this.#isHourly = this.#interval % hourMicroseconds === 0 && isOfOutcome(query)
  }

  #add(bucket: number, outcome: string, count: number): void {
    let outcomes = this.#counts.get(bucket)
    if (outcomes === undefined) {
      outcomes = new Map()
      this.#counts.set(bucket, outcomes)
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + count)
  }

  ahead(part: Part): boolean {
    const dictionary = part.dictionary("outcome")
    if (!this.#isHourly || dictionary.odd !== 0) return false
    const names = outcomesOf(part)
    const holds = names.map(
      (name, id) => id !== idOdd && holdsOutcome(this.#query, id === idNone ? undefined : name),
    )
    const rollup = part.rollup()
    const cursor: VarintCursor = { bytes: rollup, at: 0, end: rollup.length }
    for (let hour = 0; cursor.at < cursor.end; ) {
      hour += readVarint(cursor)
      const outcome = readVarint(cursor)
      const rows = readVarint(cursor)
      if (holds[outcome] !== true) continue
      this.#add(Math.floor((hour * hourMicroseconds) / this.#interval), names[outcome] ?? "", rows)
    }
    return true
  }

  whole(part: Part): void {
    this.rows(part, new Int32Array(part.blocks).fill(-1))
  }

  rows(part: Part, words: Int32Array): void {
    const names = outcomesOf(part)
    const ids = part.ids("outcome")
    const times = part.received()
    const counts = new Uint32Array(names.length)
    let bucket = Number.NaN
    let bucketEnd = Number.NEGATIVE_INFINITY
    const flush = (): void => {
      for (const [id, count] of counts.entries())
        if (count > 0) this.#add(bucket, names[id] as string, count)
      counts.fill(0)
    }
    const enter = (time: number): void => {
      if (time < bucketEnd && time >= bucketEnd - this.#interval) return
      flush()
      bucket = Math.floor(time / this.#interval)
      bucketEnd = (bucket + 1) * this.#interval
    }
    for (let block = 0; block < words.length; block++) {
      const word = words[block] as number
      if (word === 0) continue
      const [low, high] = [times.lowest[block] as number, times.highest[block] as number]
      enter(low)
      const isOneBucket = high < bucketEnd
      for (let left = word; left !== 0; left &= left - 1) {
        const row = block * 32 + 31 - Math.clz32(left & -left)
        if (row >= part.count) break
        if (!isOneBucket) enter(times.at(row))
        const id = typeof ids === "number" ? ids : (ids[row] as number)
        counts[id] = (counts[id] as number) + 1
      }
    }
    flush()
  }

  buckets(): HistogramBucket[] {
    const buckets = [...this.#counts].sort(([a], [b]) => a - b)
    return buckets.map(([number, outcomes]) => {
      let count = 0
      for (const rows of outcomes.values()) count += rows
      const entries = [...outcomes].sort(([a], [b]) => (a < b ? -1 : 1))
      return { from: number * this.#interval, count, outcomes: Object.fromEntries(entries) }
    })
  }
}

/** By number; nothing and anything that is no string are "". */
function outcomesOf(part: Part): string[] {
  const names = ["", ""]
  const dictionary = part.dictionary("outcome")
  dictionary.visit(idFirst, idFirst + dictionary.count, (_, value) => {
    names.push(Buffer.from(value).toString("utf8"))
  })
  return names
}

/** Whether nothing but the outcome of an entry decides. */
function isOfOutcome(query: Query): boolean {
  if (query.kind === "all") return true
  if (query.kind === "not") return isOfOutcome(query.part)
  if (query.kind === "and" || query.kind === "or") return query.parts.every(isOfOutcome)
  return query.kind === "field" && query.path.length === 1 && query.path[0] === "outcome"
}

function holdsOutcome(query: Query, outcome: string | undefined): boolean {
  const stamp = {
    received: 0,
    open: 0,
    sequence: 0,
    nonce: new Uint8Array(16),
    changed: 0,
  } as const
  const event = outcome === undefined ? {} : { outcome }
  return matches(
    query,
    { stamp, event, eventBytes: new Uint8Array() },
    { index: 0, writer: undefined },
  )
}
