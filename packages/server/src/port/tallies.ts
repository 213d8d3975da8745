/** What is counted together: how often, since and until when, and which sequences of a stream it was. */
export interface Tally<Who> {
  readonly who: Who
  /** Milliseconds; minus infinity before the first entry. */
  written: number
  count: number
  /** Milliseconds. */
  first: number
  last: number
  stream: string | undefined
  sequences: [number, number][]
  /** Whether there were sequences that are not in the list. */
  more: boolean
  detail: string | undefined
}

/** One more of a kind, or `count` of them. */
export interface Tallied {
  readonly count: number
  /** Sequences `[from, to)` of a stream. */
  readonly stream?: string | undefined
  readonly sequences?: readonly (readonly [number, number])[]
  readonly detail?: string | undefined
}

/** What an entry says of a tally, beside who. */
export interface TallyData {
  readonly count: number
  readonly first: string
  readonly last: string
  readonly stream: string | undefined
  readonly sequences: readonly (readonly [number, number])[]
  readonly sequencesComplete: false | undefined
  readonly detail: string | undefined
}

const rangesMax = 64

/**
 * Counts instead of repeating: of each kind one entry in `everyMs` at most, the first at once.
 * How many kinds there are is for its owner to bound.
 */
export class Tallies<Who> {
  readonly #everyMs: number
  readonly #now: () => number
  readonly #write: (who: Who, data: TallyData) => void
  readonly #tallies = new Map<string, Tally<Who>>()

  /** @param now milliseconds of the wall clock, which may go back: then it is time as well */
  constructor(everyMs: number, now: () => number, write: (who: Who, data: TallyData) => void) {
    this.#everyMs = everyMs
    this.#now = now
    this.#write = write
  }

  get size(): number {
    return this.#tallies.size
  }

  has(key: string): boolean {
    return this.#tallies.has(key)
  }

  /** @param key one for each kind */
  add(key: string, who: Who, what: Tallied): void {
    const now = this.#now()
    const tally = this.#tallies.get(key) ?? this.#begin(key, who)
    if (tally.count === 0) tally.first = now
    tally.count += what.count
    tally.last = now
    tally.detail ??= what.detail
    tally.stream ??= what.stream
    const sequences = what.sequences ?? []
    if (tally.stream === what.stream) mergeRanges(tally.sequences, sequences)
    else tally.more ||= sequences.length > 0
    if (this.#isDue(tally, now)) this.#tell(tally, now)
  }

  /** Writes what has waited long enough; all of it if `everything`. Called about once a second. */
  flush(everything = false): void {
    const now = this.#now()
    for (const [key, tally] of this.#tallies) {
      if (!everything && !this.#isDue(tally, now)) continue
      if (tally.count > 0) this.#tell(tally, now)
      else this.#tallies.delete(key)
    }
  }

  #begin(key: string, who: Who): Tally<Who> {
    const tally = { who, written: Number.NEGATIVE_INFINITY, ...nothing() }
    this.#tallies.set(key, tally)
    return tally
  }

  #isDue({ written }: Tally<Who>, now: number): boolean {
    return now - written >= this.#everyMs || now < written
  }

  #tell(tally: Tally<Who>, now: number): void {
    const { who, count, first, last, stream, sequences, detail } = tally
    const complete = !tally.more && sequences.length <= rangesMax
    Object.assign(tally, { written: now, ...nothing() })
    this.#write(who, {
      count,
      first: new Date(first).toISOString(),
      last: new Date(last).toISOString(),
      stream,
      sequences: sequences.slice(0, rangesMax),
      sequencesComplete: complete ? undefined : false,
      detail: detail?.slice(0, 200),
    })
  }
}

/** Of one batch: the sequences of the events at these positions. */
export function sequencesAt(
  sequence: number | undefined,
  positions: readonly number[],
): (readonly [number, number])[] {
  if (sequence === undefined) return []
  return positions.map((position) => [sequence + position, sequence + position + 1])
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
