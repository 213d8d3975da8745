import type { Command } from "commander"
import { formats } from "../../formats/index.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption } from "../options.ts"
import { formatTable } from "../table.ts"

interface Flags {
  readonly json?: true
}

export function registerFormats(program: Command, io: CommandIo): void {
  program
    .command("formats")
    .helpGroup(helpGroups.setUp)
    .summary("list the formats of sources that are read as they come")
    .description("Lists the formats that the agent, the syslog plane and postern convert read.")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nWhat becomes of a record is shown by postern convert; docs/spec/sources.md says which member comes from what.",
    )
    .action((flags: Flags) => list(flags, io))
}

function list(flags: Flags, io: CommandIo): void {
  const rows = [...formats.values()].map(({ name, title, of, recognisedBy }) => {
    return { name, title, of, recognisedBy }
  })
  if (flags.json) return io.line(JSON.stringify({ formats: rows }))
  const cells = rows.map(({ name, of, title, recognisedBy }) => [name, of, title, recognisedBy])
  io.line(formatTable(["name", "of", "what", "recognised by"], cells, { color: io.color }))
}
