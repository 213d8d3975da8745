import { setTimeout as pause } from "node:timers/promises"
import type { LogEntry, Reader } from "@postern/client"
import { isPosternError } from "@postern/log/base"
import { queryOfFields } from "@postern/log/query"
import type { ShownEntry } from "./shown-entry.ts"

const coveredMs = 10_000
const askAgainMs = 500

/**
 * The newest event of a writer that there is, else the first one that comes; with its proof, unless no checkpoint covers it within 10 s.
 * Undefined once the signal says so. Two questions and a tail, each recorded; waiting itself asks nothing.
 */
export async function firstEvent(
  reader: Reader,
  writer: string,
  signal: AbortSignal,
): Promise<ShownEntry | undefined> {
  const query = `${queryOfFields({ writer })} AND NOT action:postern.*`
  const { size } = await firstCheckpoint(reader)
  for await (const entry of reader.search(query, { limit: 1 })) return withProof(reader, entry)
  for await (const entry of reader.tail(query, { after: size - 1, signal })) {
    return withProof(reader, entry)
  }
  return undefined
}

/** A log that has just begun has none for a second. */
async function firstCheckpoint(reader: Reader): ReturnType<Reader["checkpoint"]> {
  for (let waitedMs = 0; ; waitedMs += askAgainMs) {
    try {
      return await reader.checkpoint()
    } catch (error) {
      if (!isYetToCome(error) || waitedMs >= coveredMs) throw error
    }
    await pause(askAgainMs)
  }
}

async function withProof(reader: Reader, entry: LogEntry): Promise<ShownEntry> {
  for (let waitedMs = 0; ; waitedMs += askAgainMs) {
    try {
      const proven = await reader.prove(entry.index)
      return { entry: proven.entry, proven }
    } catch (error) {
      if (!isYetToCome(error)) throw error
      if (waitedMs >= coveredMs) return { entry, proven: undefined }
    }
    await pause(askAgainMs)
  }
}

function isYetToCome(error: unknown): boolean {
  return isPosternError(error) && error.code === "NOT_FOUND"
}
