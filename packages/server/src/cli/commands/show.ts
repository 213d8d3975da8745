import { loadProfile, openReader, type ProvenEntry } from "@postern/client"
import { formatBase64, PosternError, parseDecimal } from "@postern/log/base"
import type { Command } from "commander"
import { entryJson } from "../entry-line.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption, profileOption } from "../options.ts"
import { printable } from "../printable.ts"

interface Options {
  readonly profile: string
  readonly proof?: true
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
    .addOption(jsonOption())
    .addHelpText("after", "\nExamples:\n  postern show 4711 --profile reader.yaml --proof")
    .action(async (text: string, options: Options) => {
      const index = parseDecimal(text)
      if (index === undefined) throw new PosternError("USAGE", `${text} is not an index`)
      const reader = openReader(loadProfile(options.profile))
      try {
        const proven = await reader.prove(index)
        io.line(options.json ? JSON.stringify(proofJson(proven)) : describe(proven, options))
      } finally {
        reader.close()
      }
    })
}

function proofJson({ entry, path, note }: ProvenEntry): Record<string, unknown> {
  const proof = { path: path.map(formatBase64), checkpoint: note }
  return { ...entryJson(entry), leaf: entry.leaf, proof }
}

function describe({ entry, path, checkpoint, note }: ProvenEntry, options: Options): string {
  const { event, index, received, writer, stream, sequence } = entry
  const { action, actor, outcome, targets, source, time, id, ...rest } = event
  const rows: [string, unknown][] = [
    ["action", action],
    ["outcome", outcome],
    ["actor", actor],
    ["targets", targets],
    ["source", source],
    ["time", time],
    ["id", id],
    ...Object.entries(rest),
  ]
  const lines = rows.map(([name, value]) => `${name.padEnd(12)} ${textOf(value)}`)
  lines.push(
    "",
    `entry        ${index} of ${checkpoint.origin}`,
    `received     ${received} (the port's clock)`,
    `writer       ${printable(writer)} (from its certificate)`,
    `stream       ${stream}, sequence ${sequence}`,
    `verified     ${path.length} hashes lead from the leaf to the signed checkpoint of ${checkpoint.size} entries`,
  )
  if (options.proof === true) {
    const exact = entry.leaf.split("\n").map(printable)
    lines.push(
      "",
      "leaf",
      ...exact,
      "",
      "audit path",
      ...path.map(formatBase64),
      "",
      note.trimEnd(),
    )
  }
  return lines.join("\n")
}

function textOf(value: unknown): string {
  return printable(typeof value === "string" ? value : JSON.stringify(value))
}
