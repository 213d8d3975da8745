import { loadProfile } from "@postern/client"
import { isPosternError, PosternError } from "@postern/log/base"
import type { Command } from "commander"
import { signStatement } from "../../approval/index.ts"
import { type Config, loadConfig, policyFile } from "../../config/index.ts"
import { createFile } from "../../guard/setup/index.ts"
import { diffPolicy, keepEverything, type Policy } from "../../policy/rules/index.ts"
import { adminClient, isNotRunning } from "../admin-client.ts"
import type { CommandIo } from "../io.ts"
import { configOption, jsonOption, profileOption } from "../options.ts"
import { formatPolicyChanges } from "../policy-changes.ts"
import {
  adminOf,
  optionalConfig,
  type PolicyFlags,
  parseKeptPolicy,
  policyPath,
  readPolicyFile,
} from "../policy-source.ts"

const examples = `
Examples:
  postern policy diff --config audit/postern.yaml
  postern policy diff policy.yaml policy.new.yaml
  postern policy approve policy.new.yaml --profile operator.yaml -o approvals/alice.approval
  postern policy apply --config audit/postern.yaml`

interface OperatorFlags {
  readonly operator?: string
}

export function registerPolicyApply(policy: Command, io: CommandIo): void {
  diffCommand(policy, io)
  applyCommand(policy, io)
  approveCommand(policy, io)
}

function diffCommand(policy: Command, io: CommandIo): void {
  policy
    .command("diff")
    .summary("what a changed policy would change, and what of it weakens")
    .description(
      "Compares a policy with the one that the service works by, or with another file. What weakens keeps less, or hides less.",
    )
    .argument("[files...]", "NEW (default: that of the installation), or OLD NEW")
    .addOption(optionalConfig())
    .option("--operator <file>", "operator's profile (default: profiles/operator.yaml)")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (files: string[], flags: PolicyFlags & OperatorFlags & { json?: true }) => {
      if (files.length > 2) throw new PosternError("USAGE", "it takes NEW, or OLD NEW")
      const after = readPolicyFile(policyPath(files.at(-1), flags))
      const before =
        files.length === 2 ? readPolicyFile(files[0] ?? "") : await inForce(configOf(flags), flags)
      const changes = diffPolicy(before, after)
      if (flags.json)
        return io.line(JSON.stringify({ before: before.digest, after: after.digest, changes }))
      io.line(formatPolicyChanges(changes, io.color))
    })
}

function configOf({ config }: PolicyFlags): Config {
  if (config !== undefined) return loadConfig(config)
  throw new PosternError("USAGE", "--config is missing: which service is asked?")
}

async function inForce(config: Config, { operator }: OperatorFlags): Promise<Policy> {
  return parseKeptPolicy((await adminOf(config, operator).policy()).text)
}

function applyCommand(policy: Command, io: CommandIo): void {
  policy
    .command("apply")
    .summary("have the service take the policy on disk over")
    .description(
      "Reads the policy, shows what changes, and has the port work by it. If the access list asks for approvals of what weakens, they must lie in approvals/.",
    )
    .addOption(configOption())
    .option("--operator <file>", "operator's profile (default: profiles/operator.yaml)")
    .addHelpText("after", examples)
    .action(async (flags: { readonly config: string } & OperatorFlags) => {
      const config = loadConfig(flags.config)
      const path = policyFile(config)
      const after = path === undefined ? keepEverything : readPolicyFile(path)
      try {
        await apply(config, flags, after, io)
      } catch (error) {
        if (!isNotRunning(error)) throw error
        io.line("the service is not running: the policy will hold from its next start on")
      }
    })
}

async function apply(config: Config, flags: OperatorFlags, after: Policy, io: CommandIo) {
  const before = await inForce(config, flags)
  if (before.digest === after.digest) return io.line(`in force already: policy ${after.digest}`)
  io.line(formatPolicyChanges(diffPolicy(before, after), io.color))
  try {
    const { policy } = await adminOf(config, flags.operator).reload()
    // Somebody else may have changed the file meanwhile.
    if (policy !== after.digest)
      throw new PosternError(
        "POLICY_INVALID",
        `the port works by ${policy}, not by ${after.digest}`,
      )
  } catch (error) {
    if (isPosternError(error) && error.code === "APPROVAL_MISSING")
      io.note(
        "postern: each approver signs this change: postern policy approve (docs/operating/policy.md)",
      )
    throw error
  }
  io.line(`in force: policy ${after.digest}`)
}

interface ApproveFlags {
  readonly profile: string
  readonly output: string
}

function approveCommand(policy: Command, io: CommandIo): void {
  policy
    .command("approve")
    .summary("sign that a changed policy is to take the place of the one before")
    .description(
      "Shows what changes, and signs exactly this change with the operator's key. Good for seven days.",
    )
    .argument("<files...>", "NEW, in place of the one in force; or OLD NEW")
    .addOption(profileOption())
    .requiredOption(
      "-o, --output <file>",
      "the approval; the port looks for *.approval in approvals beside access.yaml",
    )
    .addHelpText("after", examples)
    .action(async (files: string[], flags: ApproveFlags) => {
      if (files.length > 2) throw new PosternError("USAGE", "it takes NEW, or OLD NEW")
      const profile = loadProfile(flags.profile)
      if (profile.role !== "operator")
        throw new PosternError(
          "PROFILE_INVALID",
          `it is a ${profile.role}'s, an operator's is needed`,
        )
      const before =
        files.length === 2
          ? readPolicyFile(files[0] ?? "")
          : parseKeptPolicy((await adminClient(profile).policy()).text)
      const after = readPolicyFile(files.at(-1) ?? "")
      const text = signStatement(
        {
          kind: "approve-policy",
          origin: profile.log.origin,
          time: `${io.now().toISOString().slice(0, 19)}Z`,
          fields: { from: before.digest, to: after.digest },
        },
        profile,
      )
      createFile(flags.output, text, 0o644)
      io.line(formatPolicyChanges(diffPolicy(before, after), io.color))
      io.note(
        `postern: ${profile.id} approves of policy ${after.digest} in place of ${before.digest}`,
      )
    })
}
