import { type Entry, parseEntry } from "@postern/log/event"
import { followLog } from "../../packages/server/dist/disk/index.js"
import { until, within } from "./waiting.ts"

const waitMsMax = 10_000

export interface Indexed extends Entry {
  readonly index: number
}

/** What one of the port's own entries says. */
export function dataOf({ event }: Entry): Record<string, unknown> {
  return (event.data ?? {}) as Record<string, unknown>
}

/** The entries of a log directory, read as any follower reads them, while the port writes. */
export class Entries {
  readonly view: Awaited<ReturnType<typeof followLog>>
  readonly #read: Indexed[] = []
  readonly #wakes = new Set<() => void>()

  private constructor(view: Entries["view"]) {
    this.view = view
    view.onHead(() => {
      for (const wake of this.#wakes) wake()
    })
  }

  /** Waits for the first entry: a port listens a moment before that is durable. */
  static async follow(log: string): Promise<Entries> {
    const open = () => followLog(log).catch(() => undefined)
    return new Entries(await until(open, waitMsMax, "a log with an entry"))
  }

  /** All entries there are now. */
  async all(): Promise<readonly Indexed[]> {
    await this.#catchUp()
    return [...this.#read]
  }

  async #catchUp(): Promise<void> {
    const { size } = this.view.head()
    while (this.#read.length < size) {
      const from = this.#read.length
      const leaves = await this.view.leaves(from, size, 1 << 20)
      // Another call may have read them meanwhile.
      if (this.#read.length !== from) continue
      for (const [i, leaf] of leaves.entries()) {
        this.#read.push({ index: from + i, ...parseEntry(leaf) })
      }
    }
  }

  /** The first entry from `from` on that is wanted, as soon as it is there. */
  find(
    what: string,
    wanted: (entry: Indexed) => boolean,
    { from = 0, ms = waitMsMax }: { from?: number; ms?: number } = {},
  ): Promise<Indexed> {
    return within(this.#await(wanted, from), ms, `an entry (${what})`)
  }

  async #await(wanted: (entry: Indexed) => boolean, from: number): Promise<Indexed> {
    for (let next = from; ; ) {
      const changed = new Promise<void>((wake) => this.#wakes.add(wake))
      await this.#catchUp()
      for (; next < this.#read.length; next++) {
        const entry = this.#read[next]
        if (entry !== undefined && wanted(entry)) return entry
      }
      await changed
      this.#wakes.clear()
    }
  }

  /** The entry that says that somebody was refused for this reason. */
  refusal(
    code: string,
    options: { from?: number; ms?: number; writer?: string } = {},
  ): Promise<Indexed> {
    const { writer } = options
    const wanted = (entry: Indexed): boolean => {
      const data = dataOf(entry)
      const mine = writer === undefined || data.writer === writer
      return entry.event.action === "postern.refused" && data.code === code && mine
    }
    return this.find(`postern.refused ${code}`, wanted, options)
  }

  async close(): Promise<void> {
    await this.view.close()
  }
}
