import { type Command, Option } from "commander"
import { type Severity, worstOf } from "../../guard/exposure/index.ts"
import { type Examined, examineInstallation } from "../examination.ts"
import { Ending, exitCodes } from "../exit-code.ts"
import { describeFindings } from "../findings.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { configOption, jsonOption } from "../options.ts"

const severities = ["critical", "high", "medium", "low"] as const

interface Flags extends Examined {
  readonly failOn: Severity
  readonly json?: true
}

export function registerDoctor(program: Command, io: CommandIo): void {
  program
    .command("doctor")
    .helpGroup(helpGroups.check)
    .summary("is the installation well: doors, ports, keys, disk, clock")
    .description(
      "Tries the running port from outside, as everybody who must be turned away and once as a writer and a reader, and looks at the " +
        "machine beside it. Ends with 3 if something fails, with 1 if something could not be looked at.",
    )
    .addOption(configOption())
    .option("--writer <file>", "a writer's profile (default: profiles/writer.yaml)")
    .option("--reader <file>", "a reader's profile (default: profiles/reader.yaml)")
    .addOption(
      new Option("--fail-on <severity>", "what is less severe does not decide the exit code")
        .choices(severities)
        .default("low"),
    )
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  postern doctor --config audit/postern.yaml\n  postern doctor --config audit/postern.yaml --fail-on high --json",
    )
    .action(async (flags: Flags) => {
      const progress = (what: string) => io.note(`postern: doctor: ${what}`)
      const findings = await examineInstallation(flags, io, progress)
      const counted = findings.filter(({ severity }) => isAtLeast(severity, flags.failOn))
      const result = worstOf(counted.map((finding) => finding.result))
      if (flags.json) io.line(JSON.stringify({ result, findings }))
      else io.line(describeFindings(findings, result, "doctor", io.color))
      if (result === "fail") throw new Ending(exitCodes.unverified)
      if (result === "unknown") throw new Ending(exitCodes.failed)
    })
}

function isAtLeast(severity: Severity, least: Severity): boolean {
  return severities.indexOf(severity) <= severities.indexOf(least)
}
