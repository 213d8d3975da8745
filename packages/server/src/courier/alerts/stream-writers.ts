import { parseEntry } from "@postern/log/event"
import type { LogView } from "../../disk/index.ts"

const streamsMax = 16_384

/** Who opened a stream, by the index of its opening entry. Reads each opening entry once, and remembers the most recent. */
export class StreamWriters {
  readonly #view: Pick<LogView, "leaves">
  readonly #known = new Map<number, string | undefined>()

  constructor(view: Pick<LogView, "leaves">) {
    this.#view = view
  }

  /** Undefined for the port's own stream. A plain value if it is known, so that nobody has to wait for it. */
  of(open: number): string | undefined | Promise<string | undefined> {
    return this.#known.has(open) ? this.#known.get(open) : this.#read(open)
  }

  async #read(open: number): Promise<string | undefined> {
    const [leaf] = await this.#view.leaves(open, open + 1)
    const { action, data } = leaf === undefined ? {} : parseEntry(leaf).event
    const { writer } = (typeof data === "object" && data !== null ? data : {}) as {
      writer?: unknown
    }
    const known =
      action === "postern.stream.opened" && typeof writer === "string" ? writer : undefined
    for (const [oldest] of this.#known) {
      if (this.#known.size < streamsMax) break
      this.#known.delete(oldest)
    }
    this.#known.set(open, known)
    return known
  }
}
