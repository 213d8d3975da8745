import type { PolicyChange } from "../policy/rules/index.ts"
import { formatTable } from "./table.ts"

/** What changes between two policies, for a person. */
export function formatPolicyChanges(changes: readonly PolicyChange[], color: boolean): string {
  if (changes.length === 0) return "Nothing is kept otherwise."
  const rows = changes.map((one) => [one.weakens ? "weakens" : "", one.subject, one.text])
  const weakening = changes.filter((one) => one.weakens).length
  const table = formatTable(["", "where", "what"], rows, { color })
  return `${table}\n${weakening} of ${changes.length} changes weaken.`
}
