import { formatBase64 } from "@postern/log/base"
import { parseEntry } from "@postern/log/event"
import { parseQuery } from "@postern/log/query"
import { followLog, type LogView, readSegmentAges, rootBefore } from "../disk/index.ts"
import { searchQuery } from "../evidence/index.ts"
import { dueTo, keptBelow } from "../retention/index.ts"
import type { MirrorLog } from "./mirror-log.ts"

const saidQuery = parseQuery("action:postern.retention.pruned")
const saidMax = 100_000

/** What an entry says that went. */
interface Said {
  readonly entry: number
  readonly to: number
  /** Base64. */
  readonly root: string
}

/**
 * Removes from the copy what the log says went by its rule, once it is older than `keepDays` here too: whoever took the port over
 * may say what he likes, and still cannot have the copy emptied before. Only entries under a checkpoint that was kept count.
 * Gives where the copy begins from then on; undefined if nothing goes. @param nowMs milliseconds since the epoch
 */
export async function pruneMirror(
  log: MirrorLog,
  keepDays: number,
  nowMs: number,
): Promise<number | undefined> {
  const { path, minimum, checkpoint } = log
  const rule = { preset: undefined, keep: keepDays, hot: undefined, classes: new Map() }
  const due = dueTo(await readSegmentAges(path), rule, nowMs * 1000)
  if (due <= minimum || checkpoint === undefined) return undefined
  for (const { entry, to, root } of await readSaid(path, checkpoint.size)) {
    if (to > due || to <= minimum) continue
    const own = await rootBefore(path, to).catch(() => undefined)
    // Segments begin in the copy where they do in the log.
    if (own === undefined || formatBase64(own) !== root) continue
    await log.prune({ minimum: to, root: own, entry, kept: await keptBelow(path, to) })
    return to
  }
  return undefined
}

/** Newest first. */
async function readSaid(path: string, size: number): Promise<Said[]> {
  const view = await followLog(path)
  try {
    const indexes = await searchQuery(view, saidQuery, Math.min(size, view.head().size), saidMax)
    const said: Said[] = []
    for (const entry of indexes.reverse()) said.push(await readOne(view, entry))
    return said
  } finally {
    await view.close()
  }
}

async function readOne(view: LogView, entry: number): Promise<Said> {
  const [leaf = new Uint8Array(0)] = await view.leaves(entry, entry + 1)
  const { to, root } = Object(parseEntry(leaf).event.data) as Readonly<Record<string, unknown>>
  return { entry, to: Number(to), root: String(root) }
}
