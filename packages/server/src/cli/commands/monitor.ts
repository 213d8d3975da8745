import type { Command } from "commander"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { type MonitorOptions, runMonitor } from "../monitor.ts"
import { jsonOption, profileOption, wholeNumber } from "../options.ts"

export function registerMonitor(program: Command, io: CommandIo): void {
  const seconds = (name: string, min: number, max: number) => wholeNumber(name, min, max)
  program
    .command("monitor")
    .helpGroup(helpGroups.check)
    .summary("watch the log from outside and raise alarms")
    .description(
      "Follows the log through its read port until SIGTERM or Ctrl-C: every checkpoint must continue the one before, also " +
        "across restarts, and the tiles must lead to it. Run it on a machine of somebody else than the log's operator. " +
        "A reader's profile with the grant monitor is enough; with auditor every leaf is hashed again from its entry, and recorded as read.",
    )
    .addOption(profileOption())
    .option("--state <dir>", "where it remembers and keeps evidence (default: beside the profile)")
    .option("--begin", "this is the first time: that nothing is remembered is no alarm")
    .option("--once", "one look; what came of it is the exit code")
    .option("--policy <file>", "C2SP tlog-policy: the log's keys, witnesses and their quorum")
    .option(
      "--webhook <url>",
      "POST each alarm, raised and recovered, as JSON; repeated until taken",
    )
    .option("--every <seconds>", "between two looks", seconds("--every", 1, 15), 5)
    .option("--silent <seconds>", "without an answer: alarm", seconds("--silent", 2, 3600), 30)
    .option(
      "--stale <seconds>",
      "entries without a checkpoint, or no quorum: alarm",
      seconds("--stale", 5, 86_400),
      60,
    )
    .option(
      "--expect-growth <seconds>",
      "alarm if the log does not grow for so long",
      seconds("--expect-growth", 5, 31_536_000),
    )
    .option(
      "--heartbeat <seconds>",
      "with auditor: read one entry so often; it is recorded, so the log must grow",
      seconds("--heartbeat", 2, 86_400),
    )
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action((options: MonitorOptions) => untilStopped((signal) => runMonitor(options, io, signal)))
}

const examples = `
Exit codes: 0 stopped. With --once: 0 all is right, 3 the log contradicts itself or what it serves is wrong,
  4 nobody answers, 1 it cannot be known (stale, no quorum, nothing remembered).

Examples:
  postern monitor --profile auditor.yaml --once --begin
  postern monitor --profile auditor.yaml --webhook https://alarms.example/postern
  postern monitor --profile auditor.yaml --heartbeat 20 --json
  postern monitor --profile monitor.yaml --policy witnesses.policy --expect-growth 3600`

async function untilStopped(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController()
  const end = () => stop.abort()
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, end)
  try {
    await run(stop.signal)
  } finally {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.off(signal, end)
  }
}
