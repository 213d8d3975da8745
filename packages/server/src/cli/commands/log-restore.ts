import type { Command } from "commander"
import { Option } from "commander"
import type { CommandIo } from "../io.ts"
import { type MissingFlags, runMissing } from "../log-missing.ts"
import { type RestoreFlags, runRestore } from "../log-restore.ts"
import { configOption, jsonOption } from "../options.ts"

/** The subcommands of `postern log` for the day when it is damaged, rolled back or gone. */
export function registerLogRestore(log: Command, io: CommandIo): void {
  log
    .command("restore")
    .summary("put a damaged or lost log back, or end its epoch")
    .description(
      "With no port running. If a mirror holds everything that was acknowledged and signed, its copy takes the place of DIR and " +
        "the same log goes on. Otherwise --accept-loss ends the epoch: what is left is kept beside, and a successor " +
        "begins whose first entry says what is missing. What was in DIR is moved aside, never deleted.",
    )
    .argument("<dir>", "the log directory that postern.yaml names; it may be gone")
    .addOption(configOption())
    .option("--from <dir>", "a mirror's directory; its mirror must not be running")
    .option("--accept-loss", "end the epoch if something is missing, or may be")
    .option("--reason <text>", "why, for the first entry of the successor")
    .option("--seen <file...>", "checkpoints that somebody else has seen: witness, monitor, reader")
    .option("--progress", "say every two seconds how far it is (a terminal is told anyway)")
    .addOption(jsonOption())
    .addHelpText("after", restoreExamples)
    .action(async (directory: string, flags: RestoreFlags) => {
      await runRestore(directory, flags, io)
    })
  log
    .command("missing")
    .summary("which receipts are for entries that are not there")
    .description(
      "Holds receipt files against the log and the closed epochs before it. RECEIPTS is a file, or a directory with " +
        "receipts as .json (one each) and .jsonl (one a line).",
    )
    .argument("<receipts>", "receipt file or directory")
    .option(
      "--config <file>",
      "postern.yaml of the installation: its directories are read, offline",
    )
    .addOption(new Option("--profile <file>", "a reader's profile: the read port is asked"))
    .addOption(jsonOption())
    .addHelpText("after", missingExamples)
    .action(async (path: string, flags: MissingFlags) => {
      await runMissing(path, flags, io)
    })
}

const restoreExamples = `
Exit codes: 0 restored, 3 something would be lost (or what is left is damaged), 11 what is left is another history.

Examples:
  postern log restore audit/data/log --config audit/postern.yaml --from /srv/mirror/data/log
  postern log restore audit/data/log --config audit/postern.yaml --from /srv/mirror/data/log \\
    --accept-loss --reason "disk of port-1 failed, ticket 4711"`

const missingExamples = `
Exit codes: 0 all are there, 3 some are missing.

Examples:
  postern log missing receipts/ --config audit/postern.yaml
  postern log missing receipts/ --profile audit/profiles/reader.yaml`
