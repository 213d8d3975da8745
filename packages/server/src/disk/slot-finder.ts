import { PosternError } from "@postern/log/base"
import type { FileSystem } from "./file-system.ts"
import { listSegments, segmentPath } from "./log-directory.ts"
import { nodeFiles } from "./node-files.ts"
import { prunedError } from "./pruned.ts"
import { type ReadSlot, walkSlots } from "./slot-walker.ts"

/** The slot that holds the entry with this index, read from disk. Its views are the caller's. Errors: NOT_FOUND, ENTRY_PRUNED, LOG_DAMAGED. */
export async function findSlot(
  directory: string,
  index: number,
  files: FileSystem = nodeFiles,
): Promise<ReadSlot> {
  const firsts = await listSegments(directory, files)
  const first = firsts.findLast((candidate) => candidate <= index)
  if (first === undefined) throw prunedError(index, firsts[0] ?? 0)
  const row = Buffer.alloc(8)
  const offsets = await files.open(segmentPath(directory, first, "offsets"), { access: "read" })
  try {
    await offsets.read(row, 0, 8, Math.floor((index - first) / 256) * 8)
  } finally {
    await offsets.close()
  }
  const path = segmentPath(directory, first, "seg")
  // A row that is missing reads as zeros, the beginning of the segment: slower and as good.
  for await (const slot of walkSlots(path, row.readUInt32BE(0), files)) {
    const { header } = slot
    if (index < header.first) break
    if (index < header.first + header.entries) return slot
  }
  throw new PosternError("NOT_FOUND", `entry ${index}`)
}
