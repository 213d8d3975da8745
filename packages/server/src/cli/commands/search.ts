import { type LogEntry, loadProfile, openReader } from "@postern/client"
import type { Command } from "commander"
import { entryCells, entryHead, entryJson } from "../entry-line.ts"
import { addFilterOptions, type FilterOptions, filterOf } from "../filter-options.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption, profileOption, wholeNumber } from "../options.ts"
import { formatTable } from "../table.ts"

interface Options extends FilterOptions {
  readonly profile: string
  readonly limit: number
  readonly oldest?: true
  readonly json?: true
}

export function registerSearch(program: Command, io: CommandIo): void {
  const command = program
    .command("search")
    .helpGroup(helpGroups.everyDay)
    .summary("find entries, newest first, each verified")
    .description(
      "Looks through the log over the read port. Every entry is proven against a signed checkpoint.",
    )
    .addOption(profileOption())
  addFilterOptions(command)
    .option("--limit <count>", "entries at most", wholeNumber("--limit", 1, 100_000), 50)
    .option("--oldest", "oldest first")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (options: Options) => {
      await search(options, io)
    })
}

const examples = `
A ? behind an index: no checkpoint covers the entry yet, ask again in a second.

Examples:
  postern search --profile reader.yaml --outcome denied
  postern search --profile reader.yaml --action 'invoice.*' --actor alice --since 2026-11-01T00:00:00Z --json`

async function search(options: Options, io: CommandIo): Promise<void> {
  const reader = openReader(loadProfile(options.profile))
  const entries: LogEntry[] = []
  try {
    const order = options.oldest === true ? "asc" : "desc"
    for await (const entry of reader.search(filterOf(options), { limit: options.limit, order })) {
      entries.push(entry)
    }
  } finally {
    reader.close()
  }
  if (options.json) return io.line(JSON.stringify({ entries: entries.map(entryJson) }))
  if (entries.length === 0) return io.note("postern: nothing was found")
  io.line(formatTable(entryHead, entries.map(entryCells), { color: io.color }))
  if (entries.length === options.limit) io.note("postern: there may be more, see --limit")
}
