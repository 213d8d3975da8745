import type { Command } from "commander"
import { dataDirectories } from "../../config/index.ts"
import { indexStatus, rebuildIndex } from "../../reader/index/index.ts"
import { helpGroups } from "../help-group.ts"
import { loadInstallation } from "../installation.ts"
import type { CommandIo } from "../io.ts"
import { configOption, jsonOption } from "../options.ts"
import { createProgress } from "../progress.ts"
import { formatTable } from "../table.ts"

interface Options {
  readonly config: string
  readonly json?: true
}

export function registerIndex(program: Command, io: CommandIo): void {
  const index = program
    .command("index")
    .helpGroup(helpGroups.check)
    .summary("the search index: how far it is, or make it anew")
    .description(
      "The search index is made from the log by the reader process, and can be made anew at any time.",
    )
  index
    .command("status")
    .summary("how much of the log is in the files of the index")
    .description(
      "Looks at the files; what is younger than the newest of them the reader holds in memory.",
    )
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  postern index status --config audit/postern.yaml")
    .action(async (options: Options) => {
      await status(options, io)
    })
  index
    .command("rebuild")
    .summary("throw the files of the index away and make them anew")
    .description("Needs the reader process to be stopped; the port goes on meanwhile.")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  postern index rebuild --config audit/postern.yaml")
    .action(async (options: Options) => {
      await rebuild(options, io)
    })
}

async function status(options: Options, io: CommandIo): Promise<void> {
  const { log, index } = dataDirectories(loadInstallation(options.config))
  print(await indexStatus(log, index), options, io)
}

async function rebuild(options: Options, io: CommandIo): Promise<void> {
  const { log, index } = dataDirectories(loadInstallation(options.config))
  const progress = createProgress(io, "entries", true)
  try {
    const found = await rebuildIndex(log, index, ({ done, of }) => progress.at(done, of))
    print(found, options, io)
  } finally {
    progress.end()
  }
}

function print(
  found: Awaited<ReturnType<typeof indexStatus>>,
  { json }: Options,
  io: CommandIo,
): void {
  if (json) return io.line(JSON.stringify(found))
  const { indexed, entries, parts, bytes } = found
  const each = indexed === 0 ? "" : (bytes / indexed).toFixed(1)
  const row = [indexed, entries, parts, bytes, each].map(String)
  io.line(formatTable(["indexed", "of entries", "files", "bytes", "bytes/entry"], [row], io))
}
