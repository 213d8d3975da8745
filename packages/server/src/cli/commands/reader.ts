import { type Command, Option } from "commander"
import { type Identity, parseAccess } from "../../access/index.ts"
import { loadConfig, readTextFile } from "../../config/index.ts"
import { enrolReader } from "../../guard/setup/index.ts"
import { addEnrolOptions, type EnrolFlags, enrolOptions, reportEnrolled } from "../enrolment.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { configOption, jsonOption } from "../options.ts"
import { formatTable } from "../table.ts"

interface AddFlags extends EnrolFlags {
  readonly see: "monitor" | "investigator" | "auditor"
  readonly query?: string
}

export function registerReader(program: Command, io: CommandIo): void {
  const reader = program
    .command("reader")
    .helpGroup(helpGroups.setUp)
    .summary("add and list readers")
    .description("Readers: identities that may read the log.")
    .addHelpText("after", examples)
  addCommand(reader, io)
  listCommand(reader, io)
}

const examples = `
Examples:
  postern reader add alice --config audit/postern.yaml
  postern reader add watcher --config audit/postern.yaml --see monitor
  postern reader add payroll --config audit/postern.yaml --see investigator --query 'source:app://payroll'
  postern reader list --config audit/postern.yaml`

function addCommand(reader: Command, io: CommandIo): void {
  const command = reader
    .command("add")
    .summary("certificate, grant and profile for a new reader, live")
    .description("Makes certificate, grant and profile; a running service takes them over at once.")
    .argument("<name>", "last part of its id, spiffe://…/reader/NAME")
    .addOption(
      new Option(
        "--see <what>",
        "auditor: everything; investigator: the entries of --query; monitor: checkpoints, hash tiles, proofs",
      )
        .choices(["auditor", "investigator", "monitor"])
        .default("auditor"),
    )
    .option("--query <query>", "with --see investigator: joined to every question of it")
  addEnrolOptions(command)
    .addHelpText("after", examples)
    .action(async (name: string, flags: AddFlags) => {
      const config = loadConfig(flags.config)
      const { see, query } = flags
      const options = {
        ...enrolOptions(config, name, flags, io),
        ...(query === undefined ? { see } : { see, query }),
      }
      await reportEnrolled(config, await enrolReader(options), flags, io)
    })
}

function listCommand(reader: Command, io: CommandIo): void {
  reader
    .command("list")
    .summary("who may read")
    .description("Lists the readers of access.yaml, as it is on disk.")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action((flags: { config: string; json?: true }) => {
      const list = parseAccess(readTextFile(loadConfig(flags.config).access))
      const readers = list.identities.filter((one) => one.role === "reader")
      if (flags.json) {
        return io.line(JSON.stringify({ digest: list.digest, readers: readers.map(inText) }))
      }
      io.line(
        formatTable(["id", "sees", "owner", "expires"], readers.map(row), { color: io.color }),
      )
    })
}

type Reader = Identity & { role: "reader" }

function inText(reader: Reader) {
  const { expires, ...rest } = reader
  return expires === undefined ? rest : { ...rest, expires: new Date(expires).toISOString() }
}

function seesOf({ grant: { see, query } }: Reader): string {
  return query === undefined ? see : `${see} of ${query}`
}

function row(reader: Reader): string[] {
  const expires = reader.expires === undefined ? "" : new Date(reader.expires).toISOString()
  return [reader.id, seesOf(reader), reader.owner ?? "", expires.slice(0, 10)]
}
