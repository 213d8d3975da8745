import { hoursUntil, hourUs } from "../survey/index.ts"
import type { Desk } from "./desk.ts"

/** Room that is left, and until when, if the log grows on as it did in the last 24 hours. Null if it cannot be measured. */
export async function describeDisk({ world: { house, now } }: Desk) {
  const { usedBytes, freeBytes } = await house.storage()
  if (freeBytes < 0) return null
  const { bytes, bytesInAll } = house.survey()
  const nowUs = now() * 1000
  const hours = hoursUntil(bytes, nowUs)
  const first = hours.findIndex((count) => count > 0)
  const grown = hours.reduce((sum, count) => sum + count, 0)
  if (grown === 0 || first === -1) return { usedBytes, freeBytes, fullAt: null }
  // Hours since the first that had anything; a log that began just now has had one at least.
  const spanUs = (hours.length - 1 - first) * hourUs + Math.max(nowUs % hourUs, hourUs / 60)
  // Leaves are not all that is written: slots, offsets and hashes come with them.
  const onDisk = Math.max(1, usedBytes / Math.max(1, bytesInAll))
  const leftUs = (freeBytes / (grown * onDisk)) * spanUs
  const fullAt = Math.round(nowUs + leftUs)
  return { usedBytes, freeBytes, fullAt: fullAt < farUs ? fullAt : null }
}

/** The year 2200: a disk that is full then is not going to be. */
const farUs = Date.UTC(2200, 0) * 1000
