import type { DisclosedEvent, LogEntry, ProvenEntry, Reader } from "@postern/client"
import { formatBase64, isPosternError, PosternError, parseDecimal } from "@postern/log/base"
import { digestsOf } from "@postern/log/event"
import type { Command } from "commander"
import { entryJson } from "../entry-line.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption, profileOption } from "../options.ts"
import { printable } from "../printable.ts"
import { openRememberingReader } from "../remembering-reader.ts"

interface Options {
  readonly profile: string
  readonly proof?: true
  readonly disclosed?: true
  readonly json?: true
}

export function registerShow(program: Command, io: CommandIo): void {
  program
    .command("show")
    .helpGroup(helpGroups.everyDay)
    .summary("one entry with its proof")
    .description("Shows an entry, readable first, then how it was verified.")
    .argument("<index>", "index of the entry")
    .addOption(profileOption())
    .option("--proof", "print the exact leaf, the audit path and the checkpoint too")
    .option("--disclosed", "fetch the values that are kept beside the log, and check them")
    .addOption(jsonOption())
    .addHelpText("after", "\nExamples:\n  postern show 4711 --profile reader.yaml --proof")
    .action(async (text: string, options: Options) => {
      const index = parseDecimal(text)
      if (index === undefined) throw new PosternError("USAGE", `${text} is not an index`)
      const reader = openRememberingReader(options.profile, io)
      try {
        const found = await read(reader, index, options)
        const shown = options.disclosed ? await withDisclosed(reader, found) : found
        io.line(options.json ? JSON.stringify(shownJson(shown)) : describe(shown, options))
      } finally {
        reader.close()
      }
    })
}

interface Shown {
  readonly entry: LogEntry
  /** Undefined while no checkpoint covers the entry. */
  readonly proven: ProvenEntry | undefined
  /** If it was asked for. */
  readonly disclosed?: DisclosedEvent
}

async function withDisclosed(reader: Reader, shown: Shown): Promise<Shown> {
  return { ...shown, disclosed: await reader.disclose(shown.entry) }
}

/** Who asks for the proof gets one, or an error; others see a new entry before it can be proven. */
async function read(reader: Reader, index: number, options: Options): Promise<Shown> {
  try {
    const proven = await reader.prove(index)
    return { entry: proven.entry, proven }
  } catch (error) {
    const isAbsent = isPosternError(error) && error.code === "NOT_FOUND"
    if (!isAbsent || options.proof === true) throw error
    return { entry: await reader.get(index), proven: undefined }
  }
}

function shownJson({ entry, proven, disclosed }: Shown): Record<string, unknown> {
  const json = { ...entryJson(entry), leaf: entry.leaf, ...(disclosed && { disclosed }) }
  if (proven === undefined) return json
  return { ...json, proof: { path: proven.path.map(formatBase64), checkpoint: proven.note } }
}

function describe({ entry, proven, disclosed }: Shown, options: Options): string {
  const { index, received, writer, stream, sequence } = entry
  const { _sd, ...event } = disclosed?.event ?? entry.event
  const { action, outcome, actor, targets, source, time, id, ...rest } = event
  const first = { action, outcome, actor, targets, source, time, id }
  const members = Object.entries({ ...first, ...rest }).map(([name, value]) => {
    return `${printable(name).padEnd(12)} ${textOf(value)}`
  })
  const lines = [
    ...members,
    "",
    `entry        ${index}`,
    `received     ${received} (the port's clock)`,
    `writer       ${printable(writer)} (from its certificate)`,
    `stream       ${stream}, sequence ${sequence}`,
    `verified     ${verdictOf(proven)}`,
    ...besides(entry, disclosed),
  ]
  return [...lines, ...(options.proof === true ? proofLines(entry, proven) : [])].join("\n")
}

/** What is kept beside the log. */
function besides({ event, index }: LogEntry, disclosed: DisclosedEvent | undefined): string[] {
  const count = digestsOf(event).length
  if (count === 0) return []
  const where = `${count} kept beside the log`
  if (disclosed === undefined) {
    return [`values       ${where}, not fetched: postern show ${index} --disclosed`]
  }
  const { withheld } = disclosed
  const got = `${count - withheld.length} fetched, each with the digest that the entry names`
  const lacking = withheld.map(({ digest, state }) => `             ${state}: ${digest}`)
  return [`values       ${where}; ${got}`, ...lacking.map(printable)]
}

function verdictOf(proven: ProvenEntry | undefined): string {
  if (proven === undefined) return "not yet: no checkpoint covers the entry, ask again in a second"
  const { origin, size } = proven.checkpoint
  const hashes = `${proven.path.length} hashes lead from the leaf`
  return `${hashes} to the signed checkpoint of ${printable(origin)} with ${size} entries`
}

function proofLines(entry: LogEntry, proven: ProvenEntry | undefined): string[] {
  const leaf = entry.leaf.split("\n").map(printable)
  const path = proven?.path.map(formatBase64) ?? []
  const note = proven?.note.trimEnd().split("\n").map(printable) ?? []
  return ["", "leaf", ...leaf, "", "audit path", ...path, "", "checkpoint", ...note]
}

function textOf(value: unknown): string {
  return printable(typeof value === "string" ? value : String(JSON.stringify(value)))
}
