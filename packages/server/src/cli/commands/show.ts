import type { Reader } from "@postern/client"
import { formatBase64, isPosternError, PosternError, parseDecimal } from "@postern/log/base"
import type { Command } from "commander"
import { entryJson } from "../entry-line.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption, profileOption } from "../options.ts"
import { openRememberingReader } from "../remembering-reader.ts"
import { describeEntry, type ShownEntry } from "../shown-entry.ts"

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
        io.line(
          options.json
            ? JSON.stringify(shownJson(shown))
            : describeEntry(shown, options.proof === true),
        )
      } finally {
        reader.close()
      }
    })
}

async function withDisclosed(reader: Reader, shown: ShownEntry): Promise<ShownEntry> {
  return { ...shown, disclosed: await reader.disclose(shown.entry) }
}

/** Who asks for the proof gets one, or an error; others see a new entry before it can be proven. */
async function read(reader: Reader, index: number, options: Options): Promise<ShownEntry> {
  try {
    const proven = await reader.prove(index)
    return { entry: proven.entry, proven }
  } catch (error) {
    const isAbsent = isPosternError(error) && error.code === "NOT_FOUND"
    if (!isAbsent || options.proof === true) throw error
    return { entry: await reader.get(index), proven: undefined }
  }
}

function shownJson({ entry, proven, disclosed }: ShownEntry): Record<string, unknown> {
  const json = { ...entryJson(entry), leaf: entry.leaf, ...(disclosed && { disclosed }) }
  if (proven === undefined) return json
  return { ...json, proof: { path: proven.path.map(formatBase64), checkpoint: proven.note } }
}
