import { concatBytes, encodeUtf8 } from "@postern/log/base"
import { formatStamp, parseEntry } from "@postern/log/event"
import type { Head, LogView } from "../../disk/index.ts"
import type { OwnRecords } from "./own-records.ts"

export const courierId = "spiffe://postern.local/postern/courier"

/** A log in memory that grows, with the records of a courier in it. */
export class SmallLog implements Pick<LogView, "origin" | "head" | "leaves"> {
  readonly origin = "postern.local/audit"
  readonly #leaves: Uint8Array[] = []
  readonly #streams = new Map<string, number>()
  /** How many leaves were read, by index. */
  readonly reads: number[] = []
  /** Thrown by every read as long as it is set. */
  broken: Error | undefined

  /** @param timeMs when it was received */
  append(event: object, writer?: string, timeMs = Date.now()): number {
    let open = writer === undefined ? 0 : this.#streams.get(writer)
    if (writer !== undefined && open === undefined) {
      const data = { writer, from: "127.0.0.1:9", stream: "s" }
      open = this.append({ action: "postern.stream.opened", data }, undefined, timeMs)
      this.#streams.set(writer, open)
    }
    const index = this.#leaves.length
    const nonce = new Uint8Array(16)
    const stamp = formatStamp({
      ...{ received: timeMs * 1000, open: open ?? 0, sequence: index, nonce, changed: 0 },
    })
    const whole = { id: `e${index}`, outcome: "success", actor: { type: "a", id: "b" }, ...event }
    this.#leaves.push(concatBytes(encodeUtf8(`${stamp}\n`), encodeUtf8(JSON.stringify(whole))))
    return index
  }

  head(): Head {
    return { size: this.#leaves.length, minimum: 0 } as Head
  }

  async leaves(from: number, to: number): Promise<Uint8Array[]> {
    if (this.broken !== undefined) throw this.broken
    const some = this.#leaves.slice(from, Math.min(to, from + 100))
    for (const at of some.keys()) this.reads.push(from + at)
    return some
  }

  view(): LogView {
    return this as unknown as LogView
  }

  /** What the courier wrote: actions without `postern.`, and their data. */
  own(): { readonly action: string; readonly data: Record<string, unknown> }[] {
    return this.#leaves.flatMap((leaf) => {
      const { action, data, actor } = parseEntry(leaf).event
      if ((actor as { id: string }).id !== "courier") return []
      return [
        { action: String(action).replace("postern.", ""), data: data as Record<string, unknown> },
      ]
    })
  }

  records(): OwnRecords {
    return {
      id: courierId,
      record: async (action, outcome, data) => {
        this.append({ action, outcome, data, actor: { type: "system", id: "courier" } }, courierId)
      },
      look: async () => undefined,
      close: async () => undefined,
    }
  }
}
