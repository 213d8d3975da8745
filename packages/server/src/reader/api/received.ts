import { parseEntry } from "@postern/log/event"
import type { LogView } from "../../disk/index.ts"

/**
 * The first index in `[0, size)` whose entry was received at `microseconds` or later, `size` if there is none. Reads
 * about log2(size) entries. The port sees to it that received times never go back along the log.
 */
export async function firstReceivedSince(
  view: LogView,
  size: number,
  microseconds: number,
): Promise<number> {
  let low = 0
  let high = size
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const [leaf] = await view.leaves(middle, middle + 1)
    if (parseEntry(leaf as Uint8Array).stamp.received < microseconds) low = middle + 1
    else high = middle
  }
  return low
}
