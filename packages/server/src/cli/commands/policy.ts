import type { Command } from "commander"
import { formatPolicySchema } from "../../policy/rules/index.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption } from "../options.ts"
import { optionalConfig, type PolicyFlags, policyPath, readPolicyFile } from "../policy-source.ts"
import { printable } from "../printable.ts"
import { registerPolicyApply } from "./policy-apply.ts"
import { registerPolicyDryRun } from "./policy-dry-run.ts"
import { registerPolicyExplain } from "./policy-explain.ts"
import { registerPolicyHash } from "./policy-hash.ts"
import { registerPolicyHistory } from "./policy-history.ts"
import { registerPolicyTest } from "./policy-test.ts"

export function registerPolicy(program: Command, io: CommandIo): void {
  const policy = program
    .command("policy")
    .helpGroup(helpGroups.setUp)
    .summary("what is kept of events: try, compare, apply, look back")
    .description(
      "The policy: as it is on disk, as it would work, as it is in force, and as it was.",
    )
    .addHelpText("after", examples)
  policy
    .command("schema")
    .summary("print the JSON Schema of policy.yaml, for editors")
    .description("As `postern init` wrote it beside policy.yaml; renew it there after an upgrade.")
    .action(() => void io.stdout.write(formatPolicySchema()))
  checkCommand(policy, io)
  registerPolicyTest(policy, io)
  registerPolicyExplain(policy, io)
  registerPolicyDryRun(policy, io)
  registerPolicyApply(policy, io)
  registerPolicyHistory(policy, io)
  registerPolicyHash(policy, io)
}

const examples = `
Examples:
  postern policy check policy.yaml
  postern policy test policy.yaml
  postern policy dry-run policy.yaml --last 100000 --profile reader.yaml
  postern policy diff --config audit/postern.yaml
  postern policy apply --config audit/postern.yaml
  postern policy show 3f0c9be27d5a1c44 --profile reader.yaml`

function checkCommand(policy: Command, io: CommandIo): void {
  policy
    .command("check")
    .summary("whether a policy is acceptable, and what is wrong with it")
    .description(
      "Reads a policy as the port does. Ends with 78 and names the line if it is not acceptable.",
    )
    .argument("[file]", "policy.yaml (default: that of the installation)")
    .addOption(optionalConfig())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action((file: string | undefined, flags: PolicyFlags & { json?: true }) => {
      const path = policyPath(file, flags)
      const { digest, rules, detect, retention } = readPolicyFile(path)
      if (flags.json) return io.line(JSON.stringify({ file: path, digest, rules: rules.length }))
      const parts = [
        `${rules.length} rules`,
        detect === undefined ? "no detectors" : "detectors",
        ...(retention === undefined ? [] : ["retention"]),
      ]
      io.line(printable(`${path}: ${parts.join(", ")}; digest ${digest}`))
    })
}
