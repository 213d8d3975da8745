import type { Clock } from "./clock.ts"
import type { OwnStream } from "./own-stream.ts"
import type { SessionPeer } from "./session/index.ts"
import type { SyslogLoss } from "./syslog/index.ts"
import { Tallies } from "./tallies.ts"

interface Cut extends SyslogLoss {
  readonly writer: string
  readonly from: string
  /** Undefined where several are counted together. */
  readonly session: string | undefined
}

const everyMs = 1000
/** Connections that are told one by one in a second; it bounds the entries of a second, too. */
const talliesMax = 128

/**
 * Connections without acknowledgements that were cut: what their writers had sent and the port had not read is lost, and
 * nobody knows how much. One `postern.loss` entry a connection; what is more than there is room for is counted by writer.
 */
export class Losses {
  readonly #tallies: Tallies<Cut>
  #total = 0

  constructor(own: Pick<OwnStream, "record">, clock: Pick<Clock, "milliseconds">) {
    const now = (): number => clock.milliseconds()
    this.#tallies = new Tallies(everyMs, now, ({ writer, ...cut }, { count, first, last }) =>
      own.record({
        action: "postern.loss",
        outcome: "unknown",
        yields: true,
        targets: [{ type: "writer", id: writer }],
        data: { writer, adapter: "syslog", ...cut, count, first, last },
      }),
    )
  }

  /** Connections that were cut since the start. */
  get total(): number {
    return this.#total
  }

  add({ id: writer, from, session }: SessionPeer, loss: SyslogLoss): void {
    this.#total += 1
    const one: Cut = { writer, from, session, ...loss }
    if (this.#tallies.size < talliesMax) return this.#tallies.add(session, one, { count: 1 })
    const several: Cut = { ...one, session: undefined, number: 0, unfinishedBytes: 0 }
    this.#tallies.add(`${writer} ${loss.reason}`, several, { count: 1 })
  }

  /** Writes what has waited long enough; all of it if `everything`. Called about once a second. */
  flush(everything = false): void {
    this.#tallies.flush(everything)
  }
}
