import type { Command } from "commander"
import { loadConfig } from "../../config/index.ts"
import { listValues } from "../erasure-errands.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { configOption, jsonOption, profileOption } from "../options.ts"
import { adminOf } from "../policy-source.ts"
import { exportSubject, toFile } from "../subject-export.ts"
import { subjectOf } from "../subject-text.ts"

const examples = `
Examples:
  postern subject pseudonym user:alice --config audit/postern.yaml
  postern search --profile reader.yaml '"p1:…"'
  postern subject export --subject user:alice --profile reader.yaml --config audit/postern.yaml -o alice.jsonl`

interface Flags {
  readonly config: string
  readonly operator?: string
  readonly json?: true
}

interface ExportFlags extends Flags {
  readonly subject: string
  readonly profile: string
  readonly output?: string
  readonly evidence?: string
}

export function registerSubject(program: Command, io: CommandIo): void {
  const subject = program
    .command("subject")
    .helpGroup(helpGroups.check)
    .summary("what the log has of a person")
    .description(
      "A person whose values a policy has sealed: what stands in events instead, and all that is sealed. The port enters that somebody asked, by the pseudonym.",
    )
    .addHelpText("after", examples)
  common(subject.command("pseudonym"))
    .summary("what stands in events instead of a person")
    .argument("<subject>", "TYPE:ID, or the id alone; - for standard input")
    .action(async (text: string, flags: Flags) => {
      const admin = adminOf(loadConfig(flags.config), flags.operator)
      const found = await admin.pseudonym(await subjectOf(text, io))
      io.line(flags.json ? JSON.stringify(found) : found.subject)
    })
  common(subject.command("export"))
    .summary("entries and values of a person, as lines of JSON")
    .description(
      "Asks the port which entries hold a person's values, and the read port for entries and values; each value that it hands out is an entry. Other persons' values are not given.",
    )
    .requiredOption("--subject <text>", "the person: TYPE:ID or the id alone; - for standard input")
    .addOption(profileOption())
    .option("-o, --output <file>", "instead of standard output; it must not be there yet")
    .option("--evidence <file>", "proofs of the entries; every 800 entries another file, numbered")
    .action(async (flags: ExportFlags) => runExport(flags, io))
}

function common(command: Command): Command {
  return command
    .addOption(configOption())
    .option("--operator <file>", "operator's profile (default: profiles/operator.yaml)")
    .addOption(jsonOption())
    .addHelpText("after", examples)
}

async function runExport(flags: ExportFlags, io: CommandIo): Promise<void> {
  const subject = await subjectOf(flags.subject, io)
  const admin = adminOf(loadConfig(flags.config), flags.operator)
  const found = await listValues(admin, subject, io)
  const { profile, evidence, output } = flags
  const done =
    output === undefined
      ? await exportSubject(profile, found, { output: io.stdout, evidence }, io)
      : await toFile(output, (stream) =>
          exportSubject(profile, found, { output: stream, evidence }, io),
        )
  if (flags.json && output !== undefined)
    return io.line(JSON.stringify({ subject: found.subject, output, ...done }))
  const withheld = done.withheld === 0 ? "" : `; ${done.withheld} values cannot be had`
  io.note(
    `postern: ${done.values} values of ${done.entries} entries of ${found.subject}${withheld}`,
  )
}
