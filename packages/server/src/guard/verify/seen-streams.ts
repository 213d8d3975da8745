import { decodeUtf8, isPosternError } from "@postern/log/base"
import { parseStamp, type Stamp, splitLeaf } from "@postern/log/event"

/** What the stamps alone say of the streams: without the batch tables a hole cannot be told from a refusal. */
export class SeenStreams {
  /** The last sequence of each stream, by the index of its opening entry. */
  readonly #last = new Map<number, number>()

  /** What is wrong with the stamp of the next entry; undefined if nothing is. */
  fault(leaf: Uint8Array, index: number): string | undefined {
    const stamp = readStamp(leaf)
    if (stamp === undefined) return "it has no stamp"
    const { open, sequence } = stamp
    if (open > index) return `its stream is opened by entry ${open}, later`
    const last = this.#last.get(open) ?? -1
    this.#last.set(open, sequence)
    if (sequence > last) return undefined
    return `sequence ${sequence} after ${last} in the stream of entry ${open}`
  }
}

function readStamp(leaf: Uint8Array): Stamp | undefined {
  try {
    return parseStamp(decodeUtf8(splitLeaf(leaf).stamp) ?? "")
  } catch (error) {
    if (!isPosternError(error)) throw error
    return undefined
  }
}
