import { PosternError } from "@postern/log/base"
import { findSlot, listSegments, type ReadSlot, segmentPath, walkSlots } from "../disk/index.ts"

/** The slots of a log with their batch tables, which alone say where batches begin and end. */
export interface BatchSlots {
  /**
   * The slots from the one that holds the entry `index`, up to the last one that holds an entry below `size`. Views that
   * hold until the next step. @throws PosternError NOT_FOUND · LOG_DAMAGED
   */
  from(index: number, size: number): AsyncIterable<ReadSlot>
}

/** @param directory of a log, read-only; `size` must not go beyond its head */
export function openBatchSlots(directory: string): BatchSlots {
  return { from: (index, size) => slotsFrom(directory, index, size) }
}

async function* slotsFrom(
  directory: string,
  index: number,
  size: number,
): AsyncGenerator<ReadSlot, void> {
  if (index >= size) throw new PosternError("NOT_FOUND", `entry ${index} of ${size}`)
  let { at, header } = await findSlot(directory, index)
  let next = header.slot
  let covered = index
  const segments = await listSegments(directory)
  for (const first of segments.slice(segments.findLastIndex((one) => one <= index))) {
    for await (const slot of walkSlots(segmentPath(directory, first, "seg"), at)) {
      // What a recycled file still holds behind its end has an older number.
      if (slot.header.slot !== next) break
      yield slot
      next += 1
      covered = slot.header.first + slot.header.entries
      if (covered >= size) return
    }
    at = 0
  }
  throw new PosternError("LOG_DAMAGED", `the slots end at entry ${covered}, before ${size}`)
}
