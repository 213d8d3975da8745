import type { Finding } from "../guard/exposure/index.ts"
import { formatTable } from "./table.ts"

const rank = ["fail", "unknown", "warn", "ok"] as const

/** Findings as people read them: the worst first, what to do below, the verdict last. */
export function describeFindings(
  findings: readonly Finding[],
  result: string,
  what: string,
  color: boolean,
): string {
  const sorted = findings.toSorted((a, b) => rank.indexOf(a.result) - rank.indexOf(b.result))
  const rows = sorted.map(({ result: one, severity, id, subject, evidence }) => {
    return [one, one === "ok" ? "" : severity, id, subject, evidence]
  })
  const table = formatTable(["result", "severity", "check", "subject", "seen"], rows, { color })
  const fixes = sorted.filter(({ fix }) => fix !== "").map(({ id, fix }) => `${id}: ${fix}`)
  return [table, ...new Set(fixes), `postern: ${what}: ${result}`].join("\n")
}
