import { existsSync } from "node:fs"
import { followLog } from "../../disk/index.ts"
import { Builder } from "./builder.ts"
import { IndexDirectory } from "./index-directory.ts"
import type { BuildProgress } from "./search-index.ts"
import { SectionCache } from "./section-cache.ts"
import { Segments } from "./segments.ts"

/** How much of a log is in the files of its index. */
export interface IndexStatus {
  /** Entries from the log's start on that are in files; the reader holds what follows in memory. */
  readonly indexed: number
  readonly entries: number
  readonly parts: number
  readonly bytes: number
}

/**
 * Throws the files of an index away and builds them anew, without a reader. What is too young for a file is left to the reader.
 * Errors: LOG_LOCKED while a reader has it open, NOT_FOUND, LOG_FORMAT, LOG_DAMAGED, DISK_FULL.
 */
export async function rebuildIndex(
  logDirectory: string,
  indexDirectory: string,
  onProgress: (progress: BuildProgress) => void,
): Promise<IndexStatus> {
  const view = await followLog(logDirectory)
  try {
    const directory = await IndexDirectory.open(indexDirectory)
    try {
      await directory.clear()
      const nobody = (): void => undefined
      const world = {
        onPart: nobody,
        onGroup: nobody,
        onPiece: nobody,
        onPruned: nobody,
        onReset: nobody,
        onProgress,
      }
      const builder = new Builder(logDirectory, view, directory, world)
      await builder.begin([])
      await builder.catchUp(false)
    } finally {
      directory.close()
    }
  } finally {
    await view.close()
  }
  return indexStatus(logDirectory, indexDirectory)
}

/** Looks at the files without changing any; what does not belong to the log counts as not there. */
export async function indexStatus(
  logDirectory: string,
  indexDirectory: string,
): Promise<IndexStatus> {
  const view = await followLog(logDirectory)
  try {
    const entries = view.head().size
    const segments = new Segments(logDirectory)
    await segments.refresh(view.head().minimum)
    if (!existsSync(indexDirectory)) return { indexed: segments.start, entries, parts: 0, bytes: 0 }
    const directory = IndexDirectory.look(indexDirectory)
    const parts = await directory.openParts(view, segments.start, new SectionCache(0))
    let indexed = segments.start
    for (const { first, end } of parts) if (first === indexed) indexed = end
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
    for (const part of parts) part.close()
    return { indexed, entries, parts: parts.length, bytes }
  } finally {
    await view.close()
  }
}
