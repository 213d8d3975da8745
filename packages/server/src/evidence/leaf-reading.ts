import { decodeUtf8, isPosternError, PosternError } from "@postern/log/base"
import { type Entry, parseEntry, parseStamp, type Stamp, splitLeaf } from "@postern/log/event"
import type { LogView } from "../disk/index.ts"

export interface IndexedLeaf {
  readonly index: number
  readonly leaf: Uint8Array
}

const bytesAtATime = 4 * 1024 * 1024

/** Leaves of a log, neighbours read together. @param indexes ascending */
export async function* readLeaves(
  view: LogView,
  indexes: readonly number[],
): AsyncGenerator<IndexedLeaf, void> {
  for (let i = 0; i < indexes.length; ) {
    const from = indexes[i] as number
    let to = from + 1
    while (indexes[i + to - from] === to) to += 1
    const leaves = await view.leaves(from, to, bytesAtATime)
    for (const [k, leaf] of leaves.entries()) yield { index: from + k, leaf }
    i += leaves.length
  }
}

/** @throws PosternError LOG_DAMAGED */
export function entryOf({ index, leaf }: IndexedLeaf): Entry {
  try {
    return parseEntry(leaf)
  } catch (cause) {
    if (!isPosternError(cause)) throw cause
    throw new PosternError("LOG_DAMAGED", `entry ${index}: ${cause.message}`, { cause })
  }
}

/** @throws PosternError LOG_DAMAGED */
export function stampOf({ index, leaf }: IndexedLeaf): Stamp {
  try {
    return parseStamp(decodeUtf8(splitLeaf(leaf).stamp) ?? "")
  } catch (cause) {
    throw new PosternError("LOG_DAMAGED", `entry ${index} has no stamp`, { cause })
  }
}
