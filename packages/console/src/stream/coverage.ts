import type { Counted } from "../api/index.ts"
import { counted, formatCount } from "../look/index.ts"

/**
 * What counts leave out, and why, in a sentence; empty if they leave nothing out. They go from the newest entry that is indexed
 * to older ones: if they end at the end of the index, and the log goes on, the newest are missing; otherwise the oldest.
 */
export function coverage({ complete, examined, indexed, size }: Counted): string {
  if (complete) return ""
  const { from, to } = examined
  const isBehind = size !== undefined && indexed !== undefined && to >= indexed && to < size
  if (isBehind) {
    const missing = counted(size - to, "newest entry")
    return `The index is behind: the ${missing} of the log ${size - to === 1 ? "is" : "are"} not counted yet.`
  }
  return `The time for counting was up: entries before ${formatCount(from)} are not counted.`
}
