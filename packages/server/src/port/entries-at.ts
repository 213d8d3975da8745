import { type Entry, parseEntry } from "@postern/log/event"
import type { LogView } from "../disk/index.ts"

export interface EntryAt {
  readonly index: number
  readonly entry: Entry
}

/** Read at a time: entries that are apart by less are read with all between them. */
const span = 64
const bytesMax = 1_048_576

/** Chosen entries, ascending; those that are not there (yet, or any more) are passed over. Errors: LOG_DAMAGED, READ_FAILED. */
export async function* entriesAt(
  view: LogView,
  indexes: readonly number[],
): AsyncGenerator<EntryAt> {
  const { size, minimum } = view.head()
  const kept = new Map(view.kept().map((one) => [one.index, one.leaf]))
  let leaves: readonly Uint8Array[] = []
  let first = 0
  for (const [i, index] of indexes.entries()) {
    if (index >= size) continue
    if (index < minimum) {
      const leaf = kept.get(index)
      if (leaf !== undefined) yield { index, entry: parseEntry(leaf) }
      continue
    }
    if (index >= first + leaves.length) {
      const near = indexes.slice(i, i + span).filter((one) => one < Math.min(size, index + span))
      leaves = await view.leaves(index, (near.at(-1) ?? index) + 1, bytesMax)
      first = index
    }
    const leaf = leaves[index - first]
    if (leaf !== undefined) yield { index, entry: parseEntry(leaf) }
  }
}
