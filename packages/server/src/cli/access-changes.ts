import type { AccessChange } from "../access/index.ts"
import { formatTable } from "./table.ts"

/** What changes between two lists, for a person. */
export function formatChanges(changes: readonly AccessChange[], color: boolean): string {
  if (changes.length === 0) return "Nobody may do more or less."
  const rows = changes.map((one) => [one.weakens ? "weakens" : "", one.subject, one.text])
  const weakening = changes.filter((one) => one.weakens).length
  const table = formatTable(["", "who", "what"], rows, { color })
  return `${table}\n${weakening} of ${changes.length} changes weaken.`
}
