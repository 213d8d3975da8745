import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { encodeUtf8 } from "@postern/log/base"
import { formatStamp, parseEntry } from "@postern/log/event"
import { matches, type Query } from "@postern/log/query"
import { type FileSystem, followLog, type LogView } from "../../disk/index.ts"
import { commit, NaiveLog, newDirectory, openStore } from "../../disk/slots.test.support.ts"
import { Answering } from "./answering.ts"
import { Builder } from "./builder.ts"
import { IndexDirectory } from "./index-directory.ts"
import { SectionCache } from "./section-cache.ts"

export { removeDirectories } from "../../disk/slots.test.support.ts"

const nonce = new Uint8Array(16)
export const writers = ["spiffe://corp/a", "spiffe://corp/b"] as const

/** A leaf with this event as text; `open` is the entry that opened its stream. */
export function leafOf(event: string, received: number, open: number, sequence = 0): Uint8Array {
  return encodeUtf8(`${formatStamp({ received, open, sequence, nonce, changed: 0 })}\n${event}`)
}

/** The entries that a log of the port begins with: its own stream, and one stream of each writer. */
export function openings(received: number): Uint8Array[] {
  const act = (id: string, action: string, more: object) => {
    const base = { id, time: "2026-11-22T12:00:00Z", source: "postern://port", outcome: "success" }
    const party = { actor: { type: "port", id: "port" }, targets: [] }
    return JSON.stringify({ ...base, action, ...party, ...more })
  }
  return [
    leafOf(act("0", "postern.port.started", {}), received, 0),
    ...writers.map((writer, i) => {
      return leafOf(
        act(`${i + 1}`, "postern.stream.opened", { data: { writer } }),
        received,
        0,
        i + 1,
      )
    }),
  ]
}

/** A log directory with these leaves, in slots and segments of uneven lengths. */
export async function writeLeaves(leaves: readonly Uint8Array[], segmentBytes = 65_536) {
  const path = newDirectory()
  const log = new NaiveLog()
  const store = await openStore(path, segmentBytes)
  for (let at = 0, n = 1; at < leaves.length; at += n, n = (n * 7) % 61 || 1) {
    const start = {
      ...store.segment,
      first: log.size,
      slot: log.plans.length,
      previous: log.previous,
    }
    const frontier = log.frontier()
    const plan = log.slot(leaves.slice(at, at + n))
    if (!store.fits(plan.bytes.length)) await store.roll({ ...start, frontier })
    await commit(store, [plan])
  }
  await store.close()
  return path
}

export interface Indexed {
  readonly view: LogView
  readonly directory: IndexDirectory
  readonly builder: Builder
  readonly answering: Answering
  readonly damaged: string[]
  close(): Promise<void>
}

/** Both halves of the index on this thread, caught up with the log. */
export async function openIndexed(
  log: string,
  index: string,
  pieces = true,
  files?: FileSystem,
): Promise<Indexed> {
  const view = await followLog(log)
  const directory = await IndexDirectory.open(index, files)
  const damaged: string[] = []
  const answering = await Answering.open(log, index, view, directory.seed, (first, reason) => {
    damaged.push(`${first}: ${reason}`)
    builder.lose(first)
  })
  let taken: Promise<void> = Promise.resolve()
  const then = (act: () => Promise<void>): void => {
    taken = taken.then(act)
  }
  const builder: Builder = new Builder(log, view, directory, {
    onPart: (first) => then(() => answering.addPart(first)),
    onGroup: (first) => then(async () => answering.addGroup(first)),
    onPiece: (bytes) => then(() => answering.addPiece(bytes)),
    onPruned: (minimum) => then(() => answering.prune(minimum)),
    onReset: () => then(async () => answering.reset(directory.seed)),
    onProgress: () => undefined,
  })
  try {
    const parts = await directory.openParts(view, 0, new SectionCache(0))
    for (const part of parts) {
      part.close()
      await answering.addPart(part.first)
    }
    await builder.begin(parts.map(({ first, end }) => ({ from: first, to: end })))
    await builder.catchUp(pieces)
    await taken
  } catch (error) {
    // As when the process had ended.
    directory.close()
    await view.close()
    throw error
  }
  return {
    ...{ view, directory, builder, answering, damaged },
    async close() {
      await taken
      answering.close()
      directory.close()
      await view.close()
    },
  }
}

export function newIndexDirectory(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "postern-index-"))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** What the index must find: every entry is held against the query. */
export function scanAll(leaves: readonly Uint8Array[], query: Query): number[] {
  return leaves.flatMap((leaf, index) => {
    const entry = parseEntry(leaf)
    const { open } = entry.stamp
    const writer = open === 0 ? "postern://port" : writers[open - 1]
    return matches(query, entry, { index, writer }) ? [index] : []
  })
}
