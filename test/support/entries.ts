import { readFileSync } from "node:fs"
import { join } from "node:path"
import { type Entry, parseEntry } from "@postern/log/event"
import { decodeHead, followLog } from "../../packages/server/dist/disk/index.js"
import { until, within } from "./waiting.ts"

const waitMsMax = 20_000

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
  readonly #log: string
  readonly #read: Indexed[] = []
  #wakes: (() => void)[] = []

  private constructor(log: string, view: Entries["view"]) {
    this.#log = log
    this.view = view
    view.onHead(() => {
      const woken = this.#wakes
      this.#wakes = []
      for (const wake of woken) wake()
    })
  }

  /** Waits for the first entry: a port listens a moment before that is durable. */
  static async follow(log: string): Promise<Entries> {
    const open = () => followLog(log).catch(() => undefined)
    return new Entries(log, await until(open, waitMsMax, "a log with an entry"))
  }

  /** All entries there are now, even if the view has not noticed the last ones yet: it follows a moment behind. */
  async all(): Promise<readonly Indexed[]> {
    const size = await until(() => this.#sizeOnDisk(), waitMsMax, "a whole head")
    await within(this.#seen(size), waitMsMax, `entry ${size - 1} in the view`)
    await this.#catchUp()
    return [...this.#read]
  }

  /** Undefined while the head is being written. */
  #sizeOnDisk(): number | undefined {
    return decodeHead(readFileSync(join(this.#log, "head")))?.size
  }

  async #seen(size: number): Promise<void> {
    while (this.view.head().size < size) await this.#moved()
  }

  /** Resolves as soon as there is more than now. */
  #moved(): Promise<void> {
    return new Promise((wake) => {
      this.#wakes.push(wake)
    })
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
      const moved = this.#moved()
      await this.#catchUp()
      for (; next < this.#read.length; next++) {
        const entry = this.#read[next]
        if (entry !== undefined && wanted(entry)) return entry
      }
      await moved
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
