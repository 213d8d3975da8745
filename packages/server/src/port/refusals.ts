import type { ErrorCode } from "@postern/log/base"
import type { Clock } from "./clock.ts"
import type { OwnStream } from "./own-stream.ts"
import type { RefusedDetail } from "./session/index.ts"

/** Who was refused: a writer by its ID, or an address when no certificate was accepted. */
export interface RefusedWho {
  readonly id?: string | undefined
  readonly from: string
  /** Refused at the door: the id is what its certificate claims, if it was shown one. */
  readonly stranger?: true
}

export interface RefusedWhat {
  readonly count: number
  /** Sequences `[from, to)` of a stream that have no entry for this reason. */
  readonly stream?: string | undefined
  readonly sequences?: readonly (readonly [number, number])[]
  readonly detail?: string | undefined
}

/** What was refused of one writer for one reason since its last entry, and for a second longer when that was. */
interface Tally {
  readonly who: RefusedWho
  readonly code: ErrorCode
  /** Milliseconds; minus infinity before the first entry. */
  written: number
  count: number
  first: number
  last: number
  stream: string | undefined
  sequences: [number, number][]
  /** Whether there were sequences that are not in the list. */
  more: boolean
  detail: string | undefined
}

const everyMs = 1000
/** Who and why are counted one by one up to this; it bounds the entries of a second, too. Strangers get half of it. */
const talliesMax = 256
const rangesMax = 64

/**
 * The refused are counted, not repeated: one `postern.refused` entry per writer and code a second at most, the first at
 * once. What does not fit the table is counted together, so that a flood of strangers cannot flood the log.
 */
export class Refusals {
  readonly #own: Pick<OwnStream, "record">
  readonly #clock: Pick<Clock, "milliseconds">
  readonly #tallies = new Map<string, Tally>()
  #total = 0

  constructor(own: Pick<OwnStream, "record">, clock: Pick<Clock, "milliseconds">) {
    this.#own = own
    this.#clock = clock
  }

  /** Events and connections refused since the start. */
  get total(): number {
    return this.#total
  }

  add(who: RefusedWho, code: ErrorCode, what: RefusedWhat = { count: 1 }): void {
    this.#total += what.count
    const now = this.#clock.milliseconds()
    const tally = this.#tallyOf(who, code)
    if (tally.count === 0) tally.first = now
    tally.count += what.count
    tally.last = now
    tally.detail ??= what.detail
    tally.stream ??= what.stream
    const sequences = what.sequences ?? []
    if (tally.stream === what.stream) mergeRanges(tally.sequences, sequences)
    else tally.more ||= sequences.length > 0
    if (isDue(tally, now)) this.#write(tally, now)
  }

  /** What a session or a request was refused: as a whole, or events of a batch by their positions. */
  report(who: RefusedWho, code: ErrorCode, report: RefusedDetail): void {
    const { sequence, detail } = report
    const stream = report.stream?.id
    const ranges = (positions: readonly number[]): (readonly [number, number])[] => {
      if (sequence === undefined) return []
      return positions.map((position) => [sequence + position, sequence + position + 1])
    }
    if (report.refused === undefined) {
      const sequences = ranges([0])
      this.add(who, code, { count: 1, stream, detail, ...(sequences.length > 0 && { sequences }) })
      return
    }
    for (const { code: each, positions } of report.refused) {
      const { length: count } = positions
      this.add(who, each, { count, stream, sequences: ranges(positions) })
    }
  }

  #tallyOf(who: RefusedWho, code: ErrorCode): Tally {
    const address = who.from.replace(/:\d+$/, "")
    const key = `${who.id ?? address} ${code}`
    const known = this.#tallies.get(key)
    if (known !== undefined) return known
    const most = who.stranger ? talliesMax / 2 : talliesMax
    if (this.#tallies.size < most) return this.#begin(key, who, code)
    const rest = `others ${code}`
    return this.#tallies.get(rest) ?? this.#begin(rest, { from: "others", stranger: true }, code)
  }

  #begin(key: string, who: RefusedWho, code: ErrorCode): Tally {
    const tally: Tally = { who, code, written: Number.NEGATIVE_INFINITY, ...nothing() }
    this.#tallies.set(key, tally)
    return tally
  }

  #write(tally: Tally, now: number): void {
    const { who, code, count, first, last, stream, sequences, detail } = tally
    const complete = !tally.more && sequences.length <= rangesMax
    Object.assign(tally, { written: now, ...nothing() })
    this.#own.record({
      action: "postern.refused",
      outcome: "denied",
      targets: who.id === undefined ? [] : [{ type: "writer", id: who.id }],
      data: {
        writer: who.id,
        from: who.from,
        code,
        count,
        first: new Date(first).toISOString(),
        last: new Date(last).toISOString(),
        stream,
        sequences: sequences.slice(0, rangesMax),
        sequencesComplete: complete ? undefined : false,
        detail: detail?.slice(0, 200),
      },
    })
  }

  /** Writes what has waited long enough; all of it if `everything`. Called about once a second. */
  flush(everything = false): void {
    const now = this.#clock.milliseconds()
    for (const [key, tally] of this.#tallies) {
      if (!everything && !isDue(tally, now)) continue
      if (tally.count > 0) this.#write(tally, now)
      else this.#tallies.delete(key)
    }
  }
}

/** The wall clock may go back; then it is time as well. */
function isDue({ written }: Tally, now: number): boolean {
  return now - written >= everyMs || now < written
}

function nothing() {
  return {
    count: 0,
    first: 0,
    last: 0,
    stream: undefined,
    sequences: [],
    more: false,
    detail: undefined,
  }
}

/** Joins neighbours; keeps one range more than is written, so that the entry can say that there were more. */
function mergeRanges(
  ranges: [number, number][],
  more: readonly (readonly [number, number])[],
): void {
  for (const [from, to] of more) {
    const last = ranges.at(-1)
    if (last?.[1] === from) last[1] = to
    else if (ranges.length <= rangesMax) ranges.push([from, to])
  }
}
