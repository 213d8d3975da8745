import { isPosternError, PosternError } from "@postern/log/base"
import { type Entry, parseEntry } from "@postern/log/event"
import type { LogView } from "../../disk/index.ts"

const keptMax = 65_536

/** @throws PosternError LOG_DAMAGED if the leaf is none that a port writes */
export function readLeaf(index: number, leaf: Uint8Array): Entry {
  try {
    return parseEntry(leaf)
  } catch (error) {
    if (!isPosternError(error)) throw error
    throw new PosternError("LOG_DAMAGED", `entry ${index}: ${error.message}`, { cause: error })
  }
}

/** Who writes in a stream, by the index of the entry that opened it. The last used ones are kept. */
export class Writers {
  readonly #view: LogView
  readonly #kept = new Map<number, string>()

  constructor(view: LogView) {
    this.#view = view
  }

  /** Undefined if it has to be read. */
  known(open: number): string | undefined {
    return this.#kept.get(open)
  }

  /**
   * @param index of an entry of the stream, which cannot stand before its opening
   * @throws PosternError LOG_DAMAGED if there is no such opening entry
   */
  async of(open: number, index: number): Promise<string> {
    const known = this.#kept.get(open)
    if (known !== undefined) return known
    if (open > index)
      throw new PosternError("LOG_DAMAGED", `entry ${index}: its stream opens later`)
    const [leaf] = await this.#view.leaves(open, open + 1)
    const writer = writerOf(open, readLeaf(open, leaf as Uint8Array))
    this.#kept.set(open, writer)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= keptMax) break
      this.#kept.delete(oldest)
    }
    return writer
  }
}

/** The port's own stream has no certificate behind it: its writer is the port itself, as its events' source says. */
function writerOf(index: number, { event, stamp }: Entry): string {
  const data = event.data as { readonly writer?: unknown } | undefined
  const writer = stamp.open === index ? event.source : data?.writer
  if (typeof writer === "string") return writer
  throw new PosternError("LOG_DAMAGED", `entry ${index} opens a stream and names no writer`)
}
