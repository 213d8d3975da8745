import { parseEntry } from "@postern/log/event"
import {
  dropIntent,
  followLog,
  type Intent,
  type LogStore,
  readIntent,
  rootBefore,
} from "../disk/index.ts"
import { keptBelow } from "../retention/index.ts"

export type PrunedStore = Pick<LogStore, "directory" | "minimum" | "prune">

const bytesAtATime = 1_048_576

/**
 * Ends what a life before this one has begun to remove: if the entry that says so is durable, the files go; else nothing
 * happened (docs/spec/retention.md, Steps). Before anything is written. Errors: LOG_DAMAGED, DISK_FULL, DISK_FAILED.
 */
export async function finishPruning(store: PrunedStore): Promise<void> {
  const { path } = store.directory
  const intent = await readIntent(path)
  if (intent === undefined) return
  const { to: minimum } = intent
  if (store.minimum < minimum) {
    const entry = await findSaid(path, intent)
    if (entry !== undefined) {
      const root = await rootBefore(path, minimum)
      await store.prune({ minimum, root, entry, kept: await keptBelow(path, minimum) })
    }
  }
  await dropIntent(path)
}

/** The entry that says what goes. Few entries were written after the intent. */
async function findSaid(directory: string, { to, size }: Intent): Promise<number | undefined> {
  const view = await followLog(directory)
  try {
    const { size: end } = view.head()
    for (let at = size; at < end; ) {
      const leaves = await view.leaves(at, end, bytesAtATime)
      for (const [i, leaf] of leaves.entries()) {
        const { action, data } = parseEntry(leaf).event
        // Nobody else may write an action that begins so.
        if (action !== "postern.retention.pruned") continue
        if (Object(data).to === to) return at + i
      }
      at += leaves.length
    }
    return undefined
  } finally {
    await view.close()
  }
}
