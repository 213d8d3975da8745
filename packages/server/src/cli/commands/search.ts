import type { Completeness, LogEntry, Reader } from "@postern/client"
import { assertNever, PosternError } from "@postern/log/base"
import type { Command } from "commander"
import { type Column, columnsOf, usualColumns } from "../columns.ts"
import { formatFacets, formatHistogram, formatReach } from "../counts-text.ts"
import { entryJson } from "../entry-line.ts"
import { addConditions, addTimes, type FilterOptions, queryOf, timesOf } from "../filter-options.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { collectList, jsonOption, profileOption, wholeNumber } from "../options.ts"
import { openRememberingReader } from "../remembering-reader.ts"
import { formatTable } from "../table.ts"

interface Options extends FilterOptions {
  readonly profile: string
  readonly limit: number
  readonly oldest?: true
  readonly fields?: readonly string[]
  readonly histogram?: true
  readonly facets?: readonly string[]
  readonly scan?: true
  readonly prove?: true
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
    .argument("[query]", "what to look for, in the query language; everything if not given")
    .addOption(profileOption())
  addTimes(addConditions(command))
    .option("--limit <count>", "entries at most", wholeNumber("--limit", 1, 100_000), 50)
    .option("--oldest", "oldest first")
    .option("--fields <list>", "columns: index, received, actor, data.ticket …", collectList)
    .option("--histogram", "how many there are over time, instead of the entries")
    .option(
      "--facets <fields>",
      "the most frequent actors, actions …, instead of the entries",
      collectList,
    )
    .option("--scan", "from the log alone: slower, but no index can leave anything out")
    .option("--prove", "whether the answer leaves nothing out, where that can be shown")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (query: string | undefined, options: Options) => {
      await search(query, options, io)
    })
}

const examples = `
A ? behind an index: no checkpoint covers the entry yet, ask again in a second.
Every search is itself an entry in the log.

A query has fields, words, AND, OR, NOT, brackets, ranges and networks: docs/spec/query.md. The options
are short forms: a * at the end of a value is a prefix, commas separate alternatives, and all hold together.

Examples:
  postern search --profile reader.yaml 'outcome:denied AND NOT actor:user/alice'
  postern search --profile reader.yaml 'received:2026-11-22 "export done" origin.ip:10.0.0.0/8'
  postern search --profile reader.yaml --action 'invoice.*' --actor alice --since 2026-11-01T00:00:00Z --json
  postern search --profile reader.yaml outcome:denied --histogram
  postern search --profile reader.yaml outcome:denied --facets actor,action
  postern search --profile reader.yaml --since 2026-11-22T00:00:00Z --until 2026-11-23T00:00:00Z --prove`

async function search(text: string | undefined, options: Options, io: CommandIo): Promise<void> {
  const query = queryOf(text, options)
  const columns = options.fields === undefined ? usualColumns : columnsOf(options.fields)
  const asked = [options.histogram, options.facets, options.prove].filter(
    (one) => one !== undefined,
  )
  if (asked.length > 1) throw new PosternError("USAGE", "one of --histogram, --facets and --prove")
  const reader = openRememberingReader(options.profile, io)
  try {
    if (options.histogram) await printHistogram(reader, query, options, io)
    else if (options.facets !== undefined) await printFacets(reader, query, options, io)
    else await printEntries(reader, query, columns, options, io)
  } finally {
    reader.close()
  }
}

async function printEntries(
  reader: Reader,
  query: string,
  columns: readonly Column[],
  options: Options,
  io: CommandIo,
): Promise<void> {
  const order = options.oldest === true ? "asc" : "desc"
  const scan = options.scan === true
  const how = { ...timesOf(options), limit: options.limit, order, scan } as const
  const { entries, completeness } = options.prove
    ? await reader.searchWhole(query, how)
    : { entries: await collect(reader.search(query, how)), completeness: undefined }
  if (options.json) {
    const whole = completeness === undefined ? {} : { completeness }
    return io.line(JSON.stringify({ entries: entries.map(entryJson), ...whole }))
  }
  if (completeness !== undefined) io.note(`postern: ${sayCompleteness(completeness)}`)
  if (entries.length === 0) return io.note("postern: nothing was found")
  const head = columns.map(({ name }) => name)
  const rows = entries.map((entry) => columns.map((column) => column.cell(entry)))
  io.line(formatTable(head, rows, { color: io.color }))
  if (entries.length === options.limit) io.note("postern: there may be more, see --limit")
  const unproven = entries.filter((entry) => !entry.verified).length
  if (unproven > 0) io.note(`postern: no checkpoint covers ${unproven} of them yet (?)`)
}

async function collect(entries: AsyncIterable<LogEntry>): Promise<LogEntry[]> {
  const all: LogEntry[] = []
  for await (const entry of entries) all.push(entry)
  return all
}

function sayCompleteness(completeness: Completeness): string {
  switch (completeness.kind) {
    case "range": {
      const { from, to, whole } = completeness
      const reach = whole ? "and that is all that was asked for" : "there is more outside of it"
      return `every entry from ${from} to ${to - 1}, proven; ${reach}`
    }
    case "stream": {
      const { stream, first, last } = completeness
      return `every entry of stream ${stream} from sequence ${first} to ${last}, proven`
    }
    case "none":
      return `each entry is proven, but not that none is missing: ${completeness.reason}`
    default:
      return assertNever(completeness)
  }
}

async function printHistogram(
  reader: Reader,
  query: string,
  options: Options,
  io: CommandIo,
): Promise<void> {
  const histogram = await reader.histogram(query, { ...timesOf(options), buckets: 40 })
  if (options.json) return io.line(JSON.stringify(histogram))
  if (histogram.total === 0) io.note("postern: nothing was found")
  else io.line(formatHistogram(histogram, io.color))
  io.note(`postern: ${histogram.total} entries, by the word of the read port`)
  const reach = formatReach(histogram)
  if (reach !== undefined) io.note(`postern: ${reach}`)
}

async function printFacets(
  reader: Reader,
  query: string,
  options: Options,
  io: CommandIo,
): Promise<void> {
  const { facets: fields = [], limit } = options
  const top = Math.min(limit, 100)
  const found = await reader.facets(query, { ...timesOf(options), fields, top })
  if (options.json) return io.line(JSON.stringify(found))
  if (found.total === 0) return io.note("postern: nothing was found")
  io.line(formatFacets(found, io.color))
  io.note(`postern: of ${found.total} entries, by the word of the read port`)
  const reach = formatReach(found)
  if (reach !== undefined) io.note(`postern: ${reach}`)
}
