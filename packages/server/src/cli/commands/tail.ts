import type { Command } from "commander"
import { entryJson, formatEntryLine } from "../entry-line.ts"
import { addConditions, type FilterOptions, queryOf } from "../filter-options.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption, profileOption, wholeNumber } from "../options.ts"
import { printable } from "../printable.ts"
import { openRememberingReader } from "../remembering-reader.ts"

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
    .argument("[query]", "what to show, in the query language; everything if not given")
    .addOption(profileOption())
  addConditions(command)
    .option("--from <index>", "begin with this entry", wholeNumber("--from", 0, 1e14))
    .option("-f, --follow", "what it does anyway, for those who are used to it")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (query: string | undefined, options: Options) => {
      await tail(queryOf(query, options), options, io)
    })
}

const examples = `
Each entry is proven as soon as a checkpoint covers it; one that cannot be proven ends the tail with exit code 3.

Examples:
  postern tail --profile reader.yaml
  postern tail --profile reader.yaml 'NOT outcome:success'
  postern tail --profile reader.yaml --outcome denied,failure --from 0 --json`

async function tail(query: string, options: Options, io: CommandIo): Promise<void> {
  const reader = openRememberingReader(options.profile, io, true)
  const end = new AbortController()
  const stop = () => end.abort()
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop)
  const onCut = () => io.note("postern: the connection is lost, trying again")
  try {
    const after = options.from === undefined ? {} : { after: options.from - 1 }
    const onNarrowed = (own: string) => {
      io.note(printable(`postern: your grant shows only what fulfils ${own}`))
    }
    const how = { ...after, signal: end.signal, onCut, onNarrowed }
    for await (const entry of reader.tail(query, how)) {
      io.line(options.json ? JSON.stringify(entryJson(entry)) : formatEntryLine(entry, io.color))
    }
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, stop)
    reader.close()
  }
}
