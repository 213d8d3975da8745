import type { LogEntry } from "@postern/client"
import { printable } from "./printable.ts"

/** Columns of an entry for people; texts of events are made harmless for a terminal. */
export const entryHead = [
  "index",
  "received",
  "writer",
  "action",
  "actor",
  "target",
  "outcome",
] as const

export function entryCells(entry: LogEntry): string[] {
  const { event } = entry
  return [
    `${entry.index}${entry.verified ? "" : "?"}`,
    entry.received.replace("T", " ").replace(/\.(\d{3})\d*Z$/, ".$1"),
    entry.writer.split("/").slice(-1)[0] ?? entry.writer,
    String(event.action),
    nameOf(event.actor),
    (Array.isArray(event.targets) ? event.targets : []).map(pathOf).join(" "),
    String(event.outcome),
  ].map(printable)
}

const widths = [8, 24, 12, 28, 22, 28]

/** One line of a tail: columns of a fixed width, since the next entry is not known yet. */
export function formatEntryLine(entry: LogEntry, color: boolean): string {
  const cells = entryCells(entry).map((cell, at) => cell.padEnd(widths[at] ?? 0))
  const outcome = String(entry.event.outcome)
  const line = cells.join(" ").trimEnd()
  if (!color || outcome === "success") return line
  return line.replace(/\S+$/, (word) => `\u001b[31m${word}\u001b[0m`)
}

/** What `--json` prints of an entry. */
export function entryJson(entry: LogEntry): Record<string, unknown> {
  const { index, received, writer, stream, sequence, changed, verified, event } = entry
  return { index, received, writer, stream, sequence, changed, verified, event }
}

function nameOf(actor: unknown): string {
  const { id, name } = (actor ?? {}) as { id?: unknown; name?: unknown }
  return String(name ?? id ?? "")
}

function pathOf(target: unknown): string {
  const { type, id } = (target ?? {}) as { type?: unknown; id?: unknown }
  return `${String(type ?? "")}/${String(id ?? "")}`
}
