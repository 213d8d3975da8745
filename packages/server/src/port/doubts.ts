import type { Doubt } from "@postern/log/wire"
import type { OwnStream } from "./own-stream.ts"
import type { SessionPeer } from "./session/index.ts"

/** A writer's doubts are entered at most so often; what is more is counted with the refused. */
const everyMs = 1000
const writersMax = 1024

/** What writers found wrong with this log: entries, in their words. Whether they are right others judge, by what the entry holds. */
export class Doubts {
  readonly #own: Pick<OwnStream, "record">
  readonly #last = new Map<string, number>()

  constructor(own: Pick<OwnStream, "record">) {
    this.#own = own
  }

  /** False if the writer says more than is entered. @param nowMs milliseconds */
  add({ id: writer, session, from }: SessionPeer, doubt: Doubt, nowMs: number): boolean {
    const last = this.#last.get(writer)
    if (last !== undefined && nowMs >= last && nowMs - last < everyMs) return false
    // The oldest makes room: it may doubt again at once, which costs an entry.
    this.#last.delete(writer)
    for (const oldest of this.#last.keys()) {
      if (this.#last.size < writersMax) break
      this.#last.delete(oldest)
    }
    this.#last.set(writer, nowMs)
    const { code, detail, note } = doubt
    this.#own.record({
      action: "postern.writer.doubt",
      outcome: "unknown",
      targets: [{ type: "writer", id: writer }],
      data: { writer, session, from, code, detail, note },
    })
    return true
  }
}
