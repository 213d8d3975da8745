import type { ExpectedWriter } from "../access/index.ts"
import type { OwnStream } from "./own-stream.ts"
import type { Stream } from "./sequencer/index.ts"

interface Heard {
  /** Milliseconds. */
  at: number
  /** Undefined until this life has found out. */
  isSilent: boolean | undefined
  /** How far its streams were, by the index that opened them. */
  next: ReadonlyMap<number, number>
}

/**
 * Notices that a writer which is expected to send something has not, and that it has again: one entry for each change.
 * Looks at how far streams are, now and then; nothing is done for a batch. Each life of the port begins by not knowing, and
 * gives a writer its whole time anew.
 */
export class Silence {
  readonly #own: Pick<OwnStream, "record">
  readonly #heard = new Map<string, Heard>()

  constructor(own: Pick<OwnStream, "record">) {
    this.#own = own
  }

  /** How many of the expected writers are silent. */
  get count(): number {
    return [...this.#heard.values()].filter(({ isSilent }) => isSilent === true).length
  }

  /** @param nowMs milliseconds */
  look(expected: readonly ExpectedWriter[], streams: Iterable<Stream>, nowMs: number): void {
    const nexts = nextOf(expected, streams)
    for (const id of this.#heard.keys()) if (!nexts.has(id)) this.#dismiss(id)
    for (const writer of expected) {
      const next = nexts.get(writer.id) ?? new Map()
      const heard = this.#heard.get(writer.id)
      if (heard === undefined) {
        this.#heard.set(writer.id, { at: nowMs, isSilent: undefined, next })
        continue
      }
      const hasSpoken = [...next].some(([open, end]) => end > (heard.next.get(open) ?? 0))
      heard.next = next
      if (hasSpoken) this.#speaks(writer, heard, nowMs)
      else if (heard.isSilent !== true && nowMs - heard.at > writer.cadenceMs) {
        heard.isSilent = true
        this.#record("silent", writer.id, "failure", {
          cadence: writer.cadence,
          since: new Date(heard.at).toISOString(),
        })
      }
    }
  }

  #speaks({ id, cadence }: ExpectedWriter, heard: Heard, nowMs: number): void {
    if (heard.isSilent !== false) this.#record("heard", id, "success", { cadence })
    heard.isSilent = false
    heard.at = nowMs
  }

  /** Nobody expects it any more: what was said of it ends. */
  #dismiss(id: string): void {
    if (this.#heard.get(id)?.isSilent === true) {
      this.#record("heard", id, "unknown", { expected: false })
    }
    this.#heard.delete(id)
  }

  #record(
    what: "silent" | "heard",
    writer: string,
    outcome: "success" | "failure" | "unknown",
    data: object,
  ): void {
    const targets = [{ type: "writer", id: writer }]
    this.#own.record({
      action: `postern.writer.${what}`,
      outcome,
      targets,
      data: { writer, ...data },
    })
  }
}

function nextOf(
  expected: readonly ExpectedWriter[],
  streams: Iterable<Stream>,
): Map<string, Map<number, number>> {
  const nexts = new Map(expected.map(({ id }) => [id, new Map<number, number>()]))
  if (nexts.size === 0) return nexts
  for (const { writer, open, next } of streams) nexts.get(writer)?.set(open, next)
  return nexts
}
