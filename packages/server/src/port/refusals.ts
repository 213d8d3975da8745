import type { ErrorCode } from "@postern/log/base"
import type { Clock } from "./clock.ts"
import type { OwnStream } from "./own-stream.ts"
import type { RefusedDetail } from "./session/index.ts"
import { sequencesAt, type Tallied, Tallies } from "./tallies.ts"

/** Who was refused: a writer by its ID, or an address when no certificate was accepted. */
export interface RefusedWho {
  readonly id?: string | undefined
  readonly from: string
  /** Refused at the door: the id is what its certificate claims, if it was shown one. */
  readonly stranger?: true
}

interface Refused extends RefusedWho {
  readonly code: ErrorCode
}

const everyMs = 1000
/** Who and why are counted one by one up to this; it bounds the entries of a second, too. Strangers get half of it. */
const talliesMax = 256

/**
 * The refused are counted, not repeated: one `postern.refused` entry per writer and code a second at most, the first at
 * once. What does not fit the table is counted together, so that a flood of strangers cannot flood the log.
 */
export class Refusals {
  readonly #tallies: Tallies<Refused>
  #total = 0

  constructor(own: Pick<OwnStream, "record">, clock: Pick<Clock, "milliseconds">) {
    const now = (): number => clock.milliseconds()
    this.#tallies = new Tallies(everyMs, now, ({ id, from, code }, { count, ...data }) =>
      own.record({
        action: "postern.refused",
        outcome: "denied",
        yields: true,
        targets: id === undefined ? [] : [{ type: "writer", id }],
        data: { writer: id, from, code, count, ...data },
      }),
    )
  }

  /** Events and connections refused since the start. */
  get total(): number {
    return this.#total
  }

  add(who: RefusedWho, code: ErrorCode, what: Tallied = { count: 1 }): void {
    this.#total += what.count
    const address = who.from.replace(/:\d+$/, "")
    const key = `${who.id ?? address} ${code}`
    const most = who.stranger ? talliesMax / 2 : talliesMax
    if (this.#tallies.has(key) || this.#tallies.size < most) {
      return this.#tallies.add(key, { ...who, code }, what)
    }
    this.#tallies.add(`others ${code}`, { from: "others", stranger: true, code }, what)
  }

  /** What a session or a request was refused: as a whole, or events of a batch by their positions. */
  report(who: RefusedWho, code: ErrorCode, report: RefusedDetail): void {
    const { sequence, detail } = report
    const stream = report.stream?.id
    if (report.refused === undefined) {
      const sequences = sequencesAt(sequence, [0])
      this.add(who, code, { count: 1, stream, detail, ...(sequences.length > 0 && { sequences }) })
      return
    }
    for (const { code: each, positions } of report.refused) {
      const { length: count } = positions
      this.add(who, each, { count, stream, sequences: sequencesAt(sequence, positions) })
    }
  }

  /** Writes what has waited long enough; all of it if `everything`. Called about once a second. */
  flush(everything = false): void {
    this.#tallies.flush(everything)
  }
}
