import type { Command } from "commander"
import { type Adapter, adapters, type Identity, parseAccess } from "../../access/index.ts"
import { loadConfig, readTextFile } from "../../config/index.ts"
import { enrolWriter } from "../../guard/setup/index.ts"
import { addEnrolOptions, type EnrolFlags, enrolOptions, reportEnrolled } from "../enrolment.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { collectList, configOption, jsonOption } from "../options.ts"
import { formatTable } from "../table.ts"
import { registerWriterGaps } from "./writer-gaps.ts"

interface AddFlags extends EnrolFlags {
  readonly adapters?: readonly string[]
  readonly sources?: readonly string[]
  readonly actions?: readonly string[]
}

export function registerWriter(program: Command, io: CommandIo): void {
  const writer = program
    .command("writer")
    .helpGroup(helpGroups.setUp)
    .summary("add and list writers, and what is missing of them")
    .description("Writers: identities that may send events.")
    .addHelpText("after", examples)
  addCommand(writer, io)
  listCommand(writer, io)
  registerWriterGaps(writer, io)
}

const examples = `
Examples:
  postern writer add billing --config audit/postern.yaml
  postern writer add kube --config audit/postern.yaml --adapters kubernetes
  postern writer list --config audit/postern.yaml --json
  postern writer gaps --profile reader.yaml`

function addCommand(writer: Command, io: CommandIo): void {
  const command = writer
    .command("add")
    .summary("certificate, grant and profile for a new writer, live")
    .description("Makes certificate, grant and profile; a running service takes them over at once.")
    .argument("<name>", "last part of its id, spiffe://…/writer/NAME")
    .option(
      "--adapters <list>",
      `ways in: ${adapters.join(", ")} (default: postern,http)`,
      collectList,
    )
    .option(
      "--sources <list>",
      "sources it may name, * at the end (default: app://NAME,app://NAME/*)",
      collectList,
    )
    .option("--actions <list>", "actions it may report, * at the end (default: *)", collectList)
  addEnrolOptions(command)
    .addHelpText("after", examples)
    .action(async (name: string, flags: AddFlags) => {
      const config = loadConfig(flags.config)
      const { sources, actions } = flags
      const enrolled = await enrolWriter({
        ...enrolOptions(config, name, flags, io),
        // An unknown one is refused with the grant, by name.
        ...(flags.adapters === undefined ? {} : { adapters: flags.adapters as Adapter[] }),
        ...(sources === undefined ? {} : { sources }),
        ...(actions === undefined ? {} : { actions }),
      })
      await reportEnrolled(config, enrolled, flags, io)
    })
}

function listCommand(writer: Command, io: CommandIo): void {
  writer
    .command("list")
    .summary("who may write")
    .description("Lists the writers of access.yaml, as it is on disk.")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action((flags: { config: string; json?: true }) => {
      const list = parseAccess(readTextFile(loadConfig(flags.config).access))
      const writers = list.identities.filter((one) => one.role === "writer")
      if (flags.json) {
        return io.line(JSON.stringify({ digest: list.digest, writers: writers.map(inText) }))
      }
      const head = ["id", "adapters", "sources", "actions", "owner", "expires"]
      io.line(formatTable(head, writers.map(row), { color: io.color }))
    })
}

type Writer = Identity & { role: "writer" }

function inText(writer: Writer) {
  const { expires, ...rest } = writer
  return expires === undefined ? rest : { ...rest, expires: new Date(expires).toISOString() }
}

function row(writer: Writer): string[] {
  const { grant } = writer
  return [
    writer.id + (grant.internal ? " (internal)" : ""),
    grant.adapters.join(","),
    grant.sources.join(","),
    grant.actions.join(","),
    writer.owner ?? "",
    writer.expires === undefined ? "" : new Date(writer.expires).toISOString().slice(0, 10),
  ]
}
