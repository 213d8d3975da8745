import { loadProfile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import type { Command } from "commander"
import { findPolicy, policyHistory, policyInForceAt } from "../../guard/policy/index.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption, profileOption } from "../options.ts"
import { printable } from "../printable.ts"
import { openRememberingReader } from "../remembering-reader.ts"
import { formatTable } from "../table.ts"

const examples = `
Examples:
  postern policy list --profile reader.yaml
  postern policy show --profile reader.yaml
  postern policy show 3f0c9be27d5a1c44 --profile reader.yaml > policy.then.yaml`

interface Flags {
  readonly profile: string
  readonly json?: true
}

const shownDigits = 16

export function registerPolicyHistory(policy: Command, io: CommandIo): void {
  policy
    .command("list")
    .summary("which policy was in force when")
    .description(
      "Every policy that the log says was in force, newest first, each rebuilt from the log.",
    )
    .addOption(profileOption())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action((flags: Flags) => list(flags, io))
  policy
    .command("show")
    .summary("the text of a policy, from the log")
    .description(
      "Prints the policy that an entry names in `_policy.digest`, as it was; without a digest the one in force.",
    )
    .argument("[digest]", "its SHA-256, or how that begins: 8 digits or more")
    .addOption(profileOption())
    .addHelpText("after", examples)
    .action((digest: string | undefined, flags: Flags) => show(digest, flags, io))
}

async function list(flags: Flags, io: CommandIo): Promise<void> {
  const { origin } = loadProfile(flags.profile).log
  const reader = openRememberingReader(flags.profile, io)
  const found: object[] = []
  const rows: string[][] = []
  try {
    for await (const revision of policyHistory(reader, origin)) {
      const { text, digest, index, received, by, weakens, verified } = revision
      const isNone = text === ""
      found.push({ digest, index, received, by, weakens, verified, isNone })
      rows.push([
        `${index}${verified ? "" : "?"}`,
        received.slice(0, 19).replace("T", " "),
        isNone ? "no policy" : digest.slice(0, shownDigits),
        weakens === true ? "weakens" : "",
        by,
      ])
    }
  } finally {
    reader.close()
  }
  if (flags.json) return io.line(JSON.stringify({ policies: found }))
  if (rows.length === 0) return io.note("postern: the log names no policy")
  io.line(formatTable(["entry", "in force from", "policy", "", "by"], rows, { color: io.color }))
}

async function show(digest: string | undefined, flags: Flags, io: CommandIo): Promise<void> {
  if (digest !== undefined && !/^[0-9a-f]{8,64}$/.test(digest))
    throw new PosternError("USAGE", "a digest is 8 to 64 digits of 0-9 a-f")
  const { origin } = loadProfile(flags.profile).log
  const reader = openRememberingReader(flags.profile, io)
  try {
    const { text, index, received, by, verified, ...found } =
      digest === undefined
        ? await policyInForceAt(reader, origin, undefined)
        : await findPolicy(reader, origin, digest)
    io.stdout.write(text)
    const proven = verified ? "" : "; no checkpoint covers it yet"
    const what = text === "" ? "no policy: everything is kept" : `policy ${found.digest}`
    io.note(
      printable(`postern: ${what}, entry ${index}, in force from ${received} by ${by}${proven}`),
    )
  } finally {
    reader.close()
  }
}
