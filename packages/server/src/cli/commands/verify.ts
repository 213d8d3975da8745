import { type Command, Option } from "commander"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { verifyEarlierReceipt } from "../log-missing.ts"
import { jsonOption } from "../options.ts"
import { runVerify, type VerifyOptions } from "../verify.ts"
import { findTarget, type VerifyFlags } from "../verify-target.ts"

export function registerVerify(program: Command, io: CommandIo): void {
  program
    .command("verify")
    .helpGroup(helpGroups.check)
    .summary("check a log, a published log, evidence or a receipt")
    .description(
      "Derives every hash again and checks every claim against it. TARGET is a log directory (or an installation or " +
        "data directory that holds one), an exported directory, an evidence file, or a receipt file; with --profile alone the log is " +
        "read over the read port. A directory is verified offline: nobody records that it was read, as the read port does.",
    )
    .argument("[target]", "directory, evidence file or receipt file")
    .option("--policy <file>", "whom to trust: log keys, witnesses and a quorum (C2SP tlog-policy)")
    .option("--vkey <key>", "the log's verifier key, from somewhere you trust")
    .option(
      "--config <file>",
      "postern.yaml whose log key is the one to trust, unless another is named; its keys open encrypted segments",
    )
    .addOption(
      new Option("--profile <file>", "a reader's profile: its key, or the log behind it").env(
        "POSTERN_PROFILE",
      ),
    )
    .option("--full", "every signature, nonce and chain digest instead of samples")
    .option("--disclosures", "over the read port: also every value that is kept beside the log")
    .option("--progress", "say every two seconds how far it is (a terminal is told anyway)")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (target: string | undefined, options: VerifyFlags & VerifyOptions) => {
      const found = findTarget(target, options)
      const isEarlier =
        found.kind === "receipt" && (await verifyEarlierReceipt(found.path, options, io))
      if (!isEarlier) await runVerify(found, options, io)
    })
}

const examples = `
Exit codes: 0 everything was checked and is right, 3 something is wrong, 1 something could not be checked.
Evidence: 0 WITNESSED, 10 SIGNED-ONLY (no quorum of witnesses), 11 FORK-EVIDENCE, 3 INVALID.

Examples:
  postern verify audit
  postern verify /backup/log --vkey postern.local/audit+1a2b3c4d+AZ…
  postern verify /backup/log --config audit/postern.yaml
  postern verify --profile audit/profiles/reader.yaml
  postern verify case.evidence --policy trust.policy
  postern verify receipt.json --profile audit/profiles/writer.yaml`
