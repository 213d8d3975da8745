import type { Command } from "commander"
import { dataDirectories } from "../../config/index.ts"
import { followLog } from "../../disk/index.ts"
import { logVerifierKey } from "../../guard/setup/index.ts"
import { helpGroups } from "../help-group.ts"
import { loadInstallation } from "../installation.ts"
import type { CommandIo } from "../io.ts"
import { exportLog } from "../log-export.ts"
import { configOption, jsonOption, wholeNumber } from "../options.ts"
import { createProgress } from "../progress.ts"
import { registerLogRestore } from "./log-restore.ts"

interface ExportFlags {
  readonly config: string
  readonly size?: number
  readonly progress?: true
  readonly json?: true
}

export function registerLog(program: Command, io: CommandIo): void {
  const log = program
    .command("log")
    .helpGroup(helpGroups.check)
    .summary("export or restore the log")
    .description("The log as a whole, on the machine that holds it.")
    .addHelpText("after", examples)
  log
    .command("export")
    .summary("write the log as C2SP tlog-tiles")
    .description(
      "Writes entry bundles, hash tiles, the newest checkpoint and the verifier key (`vkey`) below DIR, for any verifier " +
        "of tlog-tiles. Reads the log and changes nothing, also beside a running service. Offline: nobody records it.",
    )
    .argument("<dir>", "directory that is empty or not there yet")
    .addOption(configOption())
    .option(
      "--size <n>",
      "only the first N entries; without a checkpoint, unless it has just this size",
      wholeNumber("--size", 1, 99_999_999_999_999),
    )
    .option("--progress", "say every two seconds how far it is (a terminal is told anyway)")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (directory: string, flags: ExportFlags) => {
      await runExport(directory, flags, io)
    })
  registerLogRestore(log, io)
}

const examples = `
Examples:
  postern log export /mnt/auditor/2026-11 --config audit/postern.yaml
  postern verify /mnt/auditor/2026-11 --vkey postern.local/audit+1a2b3c4d+AZ…`

async function runExport(directory: string, flags: ExportFlags, io: CommandIo): Promise<void> {
  const config = loadInstallation(flags.config)
  const vkey = logVerifierKey(config)
  const view = await followLog(dataDirectories(config).log)
  const progress = createProgress(io, "entries", flags.progress === true)
  try {
    const exported = await exportLog(view, directory, {
      vkey,
      size: flags.size,
      progress: (done, of) => progress.at(done, of),
    })
    progress.end()
    if (flags.json) return io.line(JSON.stringify({ origin: view.origin, vkey, ...exported }))
    const { size, root, files, checkpoint } = exported
    io.line(`${size} entries of ${view.origin} in ${files} files\nroot ${root}`)
    if (!checkpoint) io.note("postern: no checkpoint was signed for this size, so there is none")
  } finally {
    progress.end()
    await view.close()
  }
}
