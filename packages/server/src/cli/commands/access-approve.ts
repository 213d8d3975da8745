import { loadProfile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import type { Command } from "commander"
import { diffAccess, parseAccess } from "../../access/index.ts"
import { signStatement } from "../../approval/index.ts"
import { readTextFile } from "../../config/index.ts"
import { createFile } from "../../guard/setup/index.ts"
import { formatChanges } from "../access-changes.ts"
import { adminClient } from "../admin-client.ts"
import type { CommandIo } from "../io.ts"
import { profileOption } from "../options.ts"

const examples = `
Examples:
  postern access approve --live access.new.yaml --profile operator.yaml -o approvals/alice.approval
  postern access approve access.yaml access.new.yaml --profile operator.yaml -o alice.approval`

interface Flags {
  readonly live?: true
  readonly profile: string
  readonly output: string
}

export function registerApprove(access: Command, io: CommandIo): void {
  access
    .command("approve")
    .summary("sign that a changed list is to take the place of the one before")
    .description(
      "Shows what changes, and signs exactly this change with the operator's key. Good for seven days.",
    )
    .argument("<files...>", "OLD NEW; with --live, NEW alone")
    .option("--live", "in place of the list in force")
    .addOption(profileOption())
    .requiredOption(
      "-o, --output <file>",
      "the approval; the port looks for *.approval in approvals beside access.yaml",
    )
    .addHelpText("after", examples)
    .action(async (files: string[], flags: Flags) => {
      if (files.length !== (flags.live ? 1 : 2))
        throw new PosternError("USAGE", "it takes OLD NEW, or --live NEW")
      const profile = loadProfile(flags.profile)
      if (profile.role !== "operator")
        throw new PosternError(
          "PROFILE_INVALID",
          `it is a ${profile.role}'s, an operator's is needed`,
        )
      const before = parseAccess(
        flags.live ? (await adminClient(profile).access()).text : readTextFile(files[0] ?? ""),
      )
      const after = parseAccess(readTextFile(files.at(-1) ?? ""))
      const text = signStatement(
        {
          kind: "approve-access",
          origin: profile.log.origin,
          time: `${io.now().toISOString().slice(0, 19)}Z`,
          fields: { from: before.digest, to: after.digest },
        },
        profile,
      )
      createFile(flags.output, text, 0o644)
      io.line(formatChanges(diffAccess(before, after), io.color))
      io.note(
        `postern: ${profile.id} approves of list ${after.digest} in place of ${before.digest}`,
      )
    })
}
