import { dirname, join } from "node:path"
import type { Command } from "commander"
import { readTextFile } from "../../config/index.ts"
import { casesFile, openTrial, parseCases, runCase } from "../../guard/policy/index.ts"
import { Ending, exitCodes } from "../exit-code.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption } from "../options.ts"
import { optionalConfig, type PolicyFlags, policyPath, readPolicyFile } from "../policy-source.ts"
import { printable } from "../printable.ts"

const examples = `
Examples:
  postern policy test policy.yaml
  postern policy test --config audit/postern.yaml --json`

export function registerPolicyTest(policy: Command, io: CommandIo): void {
  policy
    .command("test")
    .summary("hold a policy against the cases beside it")
    .description(
      `Applies a policy to the events in ${casesFile} beside it, and says what comes out otherwise than it should. Asks no service. Ends with 1 if a case fails.`,
    )
    .argument("[file]", "policy.yaml (default: that of the installation)")
    .addOption(optionalConfig())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action((file: string | undefined, flags: PolicyFlags & { json?: true }) => {
      const path = policyPath(file, flags)
      const trial = openTrial(readPolicyFile(path))
      const cases = parseCases(readTextFile(join(dirname(path), casesFile)))
      const results = cases.map((one) => runCase(trial, one))
      const failed = results.filter(({ wrong }) => wrong.length > 0)
      if (flags.json)
        io.line(JSON.stringify({ cases: results.length, failed: failed.length, results }))
      else {
        for (const { name, wrong } of results) {
          io.line(printable(`${wrong.length === 0 ? "ok    " : "failed"} ${name}`))
          for (const line of wrong) io.line(printable(`         ${line}`))
        }
        io.note(
          `postern: ${results.length - failed.length} of ${results.length} cases are as expected`,
        )
      }
      if (failed.length > 0) throw new Ending(exitCodes.failed)
    })
}
