import { loadProfile, openReader } from "@postern/client"
import type { Command } from "commander"
import { entryJson, formatEntryLine } from "../entry-line.ts"
import { addFilterOptions, type FilterOptions, filterOf } from "../filter-options.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption, profileOption, wholeNumber } from "../options.ts"

interface Options extends FilterOptions {
  readonly profile: string
  readonly from?: number
  readonly json?: true
}

export function registerTail(program: Command, io: CommandIo): void {
  const command = program
    .command("tail")
    .helpGroup(helpGroups.everyDay)
    .summary("watch entries arrive")
    .description(
      "Shows entries as they become durable, until Ctrl-C; goes on after a cut without hole or repeat.",
    )
    .addOption(profileOption())
  addFilterOptions(command)
    .option("--from <index>", "begin with this entry", wholeNumber("--from", 0, 1e14))
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (options: Options) => {
      await tail(options, io)
    })
}

const examples = `
Each entry is proven as soon as a checkpoint covers it; one that cannot be proven ends the tail with exit code 3.

Examples:
  postern tail --profile reader.yaml
  postern tail --profile reader.yaml --outcome denied,failure --from 0 --json`

async function tail(options: Options, io: CommandIo): Promise<void> {
  const reader = openReader(loadProfile(options.profile))
  const end = new AbortController()
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => end.abort())
  try {
    const after = options.from === undefined ? {} : { after: options.from - 1 }
    for await (const entry of reader.tail(filterOf(options), { ...after, signal: end.signal })) {
      io.line(options.json ? JSON.stringify(entryJson(entry)) : formatEntryLine(entry, io.color))
    }
  } finally {
    reader.close()
  }
}
