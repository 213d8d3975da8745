import { setTimeout as delay } from "node:timers/promises"
import { formatBase64 } from "@postern/log/base"
import { proveSeveral } from "@postern/log/tlog"
import type { PublishedLog } from "./published-log.ts"

/** Entries under a signed checkpoint: the tree of its size is walked with them and the path (docs/spec/evidence.md, 2). */
export interface Publication {
  readonly checkpoint: string
  readonly path: readonly string[]
}

const everyMs = 200

/**
 * Waits until a published checkpoint covers all these entries, and proves them at once; undefined if none does in time.
 * @param indexes ascending, distinct; at least one
 */
export async function awaitPublication(
  log: Pick<PublishedLog, "newest">,
  indexes: readonly number[],
  withinMs: number,
): Promise<Publication | undefined> {
  const last = indexes.at(-1) ?? Number.POSITIVE_INFINITY
  const until = performance.now() + withinMs
  for (;;) {
    const newest = await log.newest()
    if (newest !== undefined && newest.size > last) {
      const { note: checkpoint, size, read } = newest
      return { checkpoint, path: (await proveSeveral(indexes, size, read)).map(formatBase64) }
    }
    if (performance.now() + everyMs > until) return undefined
    await delay(everyMs)
  }
}
