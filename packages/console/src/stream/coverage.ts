import type { Counted } from "../api/index.ts"
import { counted, formatCount } from "../look/index.ts"

/** What counts leave out, in a sentence; empty if they leave nothing out. */
export function coverage({ complete, examined, indexed, size }: Counted): string {
  if (!complete) {
    const range = `${formatCount(examined.from)} to ${formatCount(examined.to)}`
    return `The count was cut off: it covers entries ${range}.`
  }
  const behind = size === undefined || indexed === undefined ? 0 : size - indexed
  if (behind <= 0) return ""
  return `The newest ${counted(behind, "entry")} are not in the index yet and not counted.`
}
