import type { ErrorCode } from "@postern/log/base"
import type { Clock } from "./clock.ts"
import type { OwnStream } from "./own-stream.ts"

/** Who was refused: a writer by its ID, or an address when no certificate was accepted. */
export interface RefusedWho {
  readonly id?: string | undefined
  readonly from: string
}

export interface RefusedWhat {
  readonly count: number
  /** Sequences `[from, to)` of a stream that have no entry for this reason. */
  readonly stream?: string | undefined
  readonly sequences?: readonly (readonly [number, number])[]
  readonly detail?: string | undefined
}

interface Tally {
  who: RefusedWho
  code: ErrorCode
  count: number
  first: number
  last: number
  stream: string | undefined
  sequences: [number, number][]
  detail: string | undefined
}

const everyMs = 1000
const talliesMax = 1024
const rangesMax = 64

/**
 * The refused are counted, not repeated: one `postern.refused` entry per writer and code a second at most, the first at
 * once. What does not fit the table is counted together, so that a flood of strangers cannot flood the log.
 */
export class Refusals {
  readonly #own: OwnStream
  readonly #clock: Clock
  readonly #tallies = new Map<string, Tally>()
  readonly #written = new Map<string, number>()
  #total = 0

  constructor(own: OwnStream, clock: Clock) {
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
    const address = who.from.replace(/:\d+$/, "")
    let key = `${who.id ?? address} ${code}`
    const known = this.#tallies.has(key) || this.#tallies.size < talliesMax
    if (!known) key = `others ${code}`
    const tally =
      this.#tallies.get(key) ?? this.#begin(key, known ? who : { from: "others" }, code, now)
    tally.count += what.count
    tally.last = now
    tally.detail ??= what.detail
    tally.stream ??= what.stream
    if (tally.stream === what.stream) mergeRanges(tally.sequences, what.sequences ?? [])
    if (now - (this.#written.get(key) ?? 0) >= everyMs) this.#write(key, tally)
  }

  #begin(key: string, who: RefusedWho, code: ErrorCode, now: number): Tally {
    const tally: Tally = {
      who,
      code,
      count: 0,
      first: now,
      last: now,
      stream: undefined,
      sequences: [],
      detail: undefined,
    }
    this.#tallies.set(key, tally)
    return tally
  }

  #write(key: string, tally: Tally): void {
    this.#tallies.delete(key)
    if (this.#written.size > 4 * talliesMax) this.#written.clear()
    this.#written.set(key, this.#clock.milliseconds())
    const { who, code, count, first, last, stream, sequences, detail } = tally
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
        sequencesComplete: sequences.length <= rangesMax ? undefined : false,
        detail: detail?.slice(0, 200),
      },
    })
  }

  /** Writes what has waited long enough; all of it if `everything`. */
  flush(everything = false): void {
    const now = this.#clock.milliseconds()
    for (const [key, tally] of this.#tallies) {
      if (everything || now - (this.#written.get(key) ?? 0) >= everyMs) this.#write(key, tally)
    }
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
