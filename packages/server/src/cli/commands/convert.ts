import { PosternError } from "@postern/log/base"
import { nearestName } from "@postern/log/event"
import type { Command } from "commander"
import { readTextFile } from "../../config/index.ts"
import { type Format, formats, parseMapping } from "../../formats/index.ts"
import { convertRecords } from "../converting.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { printable } from "../printable.ts"

interface Flags {
  readonly format?: string
  readonly mapping?: string
  readonly source: string
}

const sourceBytesMax = 256

export function registerConvert(program: Command, io: CommandIo): void {
  program
    .command("convert")
    .helpGroup(helpGroups.setUp)
    .summary("show what the records of a source become")
    .description(
      "Prints the events v1 that the records on standard input become, one a line. Nothing is sent.",
    )
    .option("--format <name>", "one of postern formats; left out, the first records decide")
    .option("--mapping <file>", "a mapping file in place of a format (docs/spec/sources.md)")
    .option("--source <source>", "source of the events", "stdin")
    .addHelpText(
      "after",
      `
Takes lines, and JSON documents: one object or a list of them, on as many lines as they like. How many records became how
many events, and how many could not be read, is told on standard error. Each event holds its record as it came; only line
ends inside a JSON object, which mean nothing there, are printed as spaces.

Examples:
  postern convert --format auditd < /var/log/audit/audit.log
  postern convert < access.log | head
  postern convert --mapping shop.yaml --source app://shop < shop.ndjson`,
    )
    .action((flags: Flags) => convert(flags, io))
}

async function convert(flags: Flags, io: CommandIo): Promise<void> {
  const { length } = Buffer.from(flags.source)
  if (length === 0 || length > sourceBytesMax || !/^[^\p{C}"\\]+$/u.test(flags.source)) {
    const detail = `--source must have 1 to ${sourceBytesMax} bytes, no quote, backslash or control character`
    throw new PosternError("USAGE", detail)
  }
  const counts = await convertRecords(io, await formatOf(flags), flags.source)
  const { records, events, unreadable, format, isGuessed } = counts
  const how = isGuessed ? `recognised as ${format}` : `read as ${format}`
  const less = unreadable === 0 ? "" : `, ${unreadable} unreadable`
  io.note(printable(`postern: ${records} records, ${how}, became ${events} events${less}`))
}

/** undefined: the records decide. */
async function formatOf({ format, mapping }: Flags): Promise<Format | undefined> {
  if (mapping !== undefined) {
    if (format !== undefined) throw new PosternError("USAGE", "either --format or --mapping")
    return parseMapping(readTextFile(mapping), mapping)
  }
  if (format === undefined) return undefined
  const known = formats.get(format)
  if (known !== undefined) return known
  const meant = nearestName(format, [...formats.keys()])
  const hint = meant === undefined ? "postern formats lists them" : `did you mean ${meant}?`
  throw new PosternError("USAGE", `there is no format ${JSON.stringify(format)}; ${hint}`)
}
