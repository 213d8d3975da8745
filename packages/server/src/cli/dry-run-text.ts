import type { DryRunGroup, DryRunReport } from "../guard/policy/index.ts"
import { formatBar } from "./counts-text.ts"
import { formatTable } from "./table.ts"

const barWidth = 20
const namedMax = 4

/** What a policy would have made of entries, for a person. */
export function formatDryRun(report: DryRunReport, color: boolean): string {
  const { events, bytes, kept, bytesKept, groups } = report
  const head = `${events} entries, ${sizeOf(bytes)}: ${percent(kept, events)} would be kept, with ${percent(bytesKept, bytes)} of the bytes`
  const most = Math.max(...groups.map((one) => one.events))
  const rows = groups.map((group) => [
    group.writer.replace(/^spiffe:\/\/[^/]*\//, ""),
    group.rule ?? "(none)",
    group.level,
    String(group.events),
    formatBar((group.events / most) * barWidth),
    percent(group.bytesKept, group.bytes),
    doneTo(group),
  ])
  const table = formatTable(["writer", "rule", "level", "entries", "", "bytes", "would"], rows, {
    color,
  })
  return [head, "", table, ...honestly(report)].join("\n")
}

/** `drop 41 %, redact 3 fields in 12 %`. */
function doneTo(group: DryRunGroup): string {
  const { events, dropped, sampled, deduplicated, refused, leftOver, did, detected } = group
  const lost = [
    ["drop", dropped],
    ["leave out by the sample", sampled],
    ["leave out as repeated", deduplicated],
    ["refuse", refused],
  ] as const
  const parts = [
    ...lost.flatMap(([what, count]) => (count === 0 ? [] : [`${what} ${percent(count, events)}`])),
    ...did
      .filter(({ what }) => what !== "detected")
      .map(({ what, fields, events: count }) => {
        return `${what} ${fields} ${fields === 1 ? "field" : "fields"} in ${percent(count, events)}`
      }),
    ...(leftOver === 0 ? [] : [`still stands elsewhere in ${percent(leftOver, events)}`]),
    ...detected
      .slice(0, namedMax)
      .map(({ name, events: count }) => `find ${name} in ${percent(count, events)}`),
    ...(detected.length > namedMax ? [`find ${detected.length - namedMax} other kinds`] : []),
  ]
  return parts.length === 0 ? "keep as it came" : parts.join(", ")
}

function honestly({ changedBefore, besides, unreadable }: DryRunReport): string[] {
  const said = [
    [
      changedBefore,
      "were changed by a policy before they came into the log: what it took is not seen here",
    ],
    [besides, "have values that are kept beside the log: those were not looked at"],
    [unreadable, "could not be read as events, and are not counted"],
  ] as const
  const lines = said.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}.`]))
  return lines.length === 0 ? [] : ["", ...lines]
}

function sizeOf(bytes: number): string {
  if (bytes < 1e6) return `${+(bytes / 1e3).toFixed(1)} kB`
  return bytes < 1e9 ? `${+(bytes / 1e6).toFixed(1)} MB` : `${+(bytes / 1e9).toFixed(1)} GB`
}

function percent(part: number, of: number): string {
  const share = of === 0 ? 0 : (100 * part) / of
  if (share > 0 && share < 0.1) return "< 0.1 %"
  if (share < 100 && share > 99.9) return "> 99.9 %"
  return `${+share.toFixed(1)} %`
}
