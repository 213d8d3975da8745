import type { LogEntry } from "@postern/client"
import type { Command } from "commander"
import { entryCells, entryHead, entryJson } from "../entry-line.ts"
import { addConditions, addTimes, type FilterOptions, filterOf } from "../filter-options.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption, profileOption, wholeNumber } from "../options.ts"
import { openRememberingReader } from "../remembering-reader.ts"
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
  addTimes(addConditions(command))
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
Every search is itself an entry in the log.

Examples:
  postern search --profile reader.yaml --outcome denied
  postern search --profile reader.yaml --action 'invoice.*' --actor alice --since 2026-11-01T00:00:00Z --json`

async function search(options: Options, io: CommandIo): Promise<void> {
  const reader = openRememberingReader(options.profile, io)
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
  const unproven = entries.filter((entry) => !entry.verified).length
  if (unproven > 0) io.note(`postern: no checkpoint covers ${unproven} of them yet (?)`)
}
