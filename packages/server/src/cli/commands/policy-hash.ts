import { PosternError } from "@postern/log/base"
import type { Command } from "commander"
import { loadConfig } from "../../config/index.ts"
import { parsePointer } from "../../policy/rules/index.ts"
import type { CommandIo } from "../io.ts"
import { configOption, jsonOption } from "../options.ts"
import { adminOf } from "../policy-source.ts"

const examples = `
Examples:
  postern policy hash DE02120300000000202051 --at '/data/**/iban' --config audit/postern.yaml
  postern policy hash alice@example.com --token --config audit/postern.yaml
  postern search --profile reader.yaml '"h1:0c1e4a5b:…"'`

interface Flags {
  readonly config: string
  readonly operator?: string
  readonly at?: string
  readonly token?: true
  readonly json?: true
}

/** Stands in the place of a pointer where a detector found the value. */
const detected = "detected"

export function registerPolicyHash(policy: Command, io: CommandIo): void {
  policy
    .command("hash")
    .summary("what a known value looks like where the policy hid it")
    .description(
      "Asks the port for the HMAC or the token of a value, under the key in use and each of before. The port enters that somebody asked, not for what.",
    )
    .argument("<value>", "the characters of the text, or of the number")
    .option(
      "--at <pointer>",
      `as the policy's transform says it; ${detected} for what a detector found`,
    )
    .option("--token", "of `tokenise`, which is the same everywhere")
    .addOption(configOption())
    .option("--operator <file>", "operator's profile (default: profiles/operator.yaml)")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (value: string, flags: Flags) => {
      const { at, token } = flags
      if ((at === undefined) === (token === undefined))
        throw new PosternError("USAGE", "it takes one of --at POINTER and --token")
      if (at !== undefined) demandPointer(at)
      const admin = adminOf(loadConfig(flags.config), flags.operator)
      const { texts } = await admin.lookUp(
        at === undefined ? { value, token: true } : { value, at },
      )
      if (flags.json) return io.line(JSON.stringify({ texts }))
      for (const text of texts) io.line(text)
    })
}

function demandPointer(text: string): void {
  if (text === detected) return
  const read = parsePointer(text)
  if ("wrong" in read) throw new PosternError("USAGE", `--at ${read.wrong}`)
}
