import type { WriterState } from "@postern/client"
import type { Command } from "commander"
import { formatSparkline } from "../counts-text.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption, profileOption } from "../options.ts"
import { openRememberingReader } from "../remembering-reader.ts"
import { formatTable } from "../table.ts"

interface Options {
  readonly profile: string
  readonly json?: true
}

export function registerWriters(program: Command, io: CommandIo): void {
  program
    .command("writers")
    .helpGroup(helpGroups.everyDay)
    .summary("who writes: last seen, how much, what is missing")
    .description("Lists the writers as the read port has seen them.")
    .addOption(profileOption())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (options: Options) => {
      await writers(options, io)
    })
}

const examples = `
24 HOURS: entries by the hour, the newest on the right. MISSING: events known not to be there.

Examples:
  postern writers --profile reader.yaml
  postern writers --profile reader.yaml --json`

async function writers(options: Options, io: CommandIo): Promise<void> {
  const reader = openRememberingReader(options.profile, io)
  try {
    const found = await reader.writers()
    if (options.json) return io.line(JSON.stringify({ writers: found }))
    const rows = found.map((writer) => cellsOf(writer, io.now().getTime()))
    io.line(formatTable(head, rows, { color: io.color }))
  } finally {
    reader.close()
  }
}

const head = ["writer", "last seen", "entries", "24 hours", "missing", "certificate", "state"]

function cellsOf(writer: WriterState, nowMs: number): string[] {
  const { id, lastSeen, entries, perHour, losses, gaps, certificate, silent, streams } = writer
  const used = certificate === null ? "" : `${Math.round(certificate.lifeUsed * 100)} % used`
  return [
    id.replace(/^spiffe:\/\/[^/]+\//, ""),
    lastSeen === null ? "never" : ago(nowMs - lastSeen / 1000),
    String(entries),
    formatSparkline(perHour),
    losses === 0 ? "" : `${losses} in ${gaps} gaps`,
    used,
    silent ? "SILENT" : streams > 0 ? "writing" : "",
  ]
}

function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s ago`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`
  return seconds < 172_800
    ? `${Math.round(seconds / 3600)} h ago`
    : `${Math.round(seconds / 86_400)} d ago`
}
