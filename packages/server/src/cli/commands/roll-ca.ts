import type { Command } from "commander"
import { loadConfig } from "../../config/index.ts"
import {
  beginRollOver,
  finishRollOver,
  type RollOver,
  readRollOver,
  renewDue,
} from "../../guard/certificates/index.ts"
import type { CommandIo } from "../io.ts"
import { configOption, jsonOption, wholeNumber } from "../options.ts"
import { formatTable } from "../table.ts"

const daysDefault = 30

export function registerRollCa(pki: Command, io: CommandIo): void {
  const roll = pki
    .command("roll-ca")
    .summary("from one CA to the next, with both trusted in between")
    .description("Changes the CA of the installation without a gap (docs/operating/rotation.md).")
    .addHelpText("after", examples)
  beginCommand(roll, io)
  statusCommand(roll, io)
  finishCommand(roll, io)
}

const examples = `
Examples:
  postern pki roll-ca begin --config audit/postern.yaml
  postern pki roll-ca status --config audit/postern.yaml
  postern pki roll-ca finish --config audit/postern.yaml`

interface Flags {
  readonly config: string
  readonly days?: number
  readonly json?: true
}

function beginCommand(roll: Command, io: CommandIo): void {
  roll
    .command("begin")
    .summary("a new CA beside the old one; clients here get its certificates")
    .description(
      "Makes the CA, has service and profiles here trust both, overwrites the old CA's key, and renews every certificate but the server's.",
    )
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (flags: Flags) => {
      const config = loadConfig(flags.config)
      const state = await beginRollOver(config, io.now())
      const { renewed, left } = await renewDue(config, io.now(), () => true)
      if (flags.json) return io.line(JSON.stringify({ ...state, renewed, left }))
      io.line(`new CA  ${state.issuing}\nold CA  ${state.leaving}`)
      for (const { file } of renewed) io.note(`postern: ${file} has a certificate of the new CA`)
      for (const { file, reason } of left) io.note(`postern: ${file} stays: ${reason}`)
      io.note("postern: give the profiles to those who use them elsewhere; then renew the server")
    })
}

function daysOption(command: Command): Command {
  return command.option(
    "--days <n>",
    `how long ago a peer may have come under the old CA and counts (default: ${daysDefault})`,
    wholeNumber("--days", 0, 400),
  )
}

function statusCommand(roll: Command, io: CommandIo): void {
  daysOption(roll.command("status"))
    .summary("who still uses the old CA")
    .description("Looks at the files and at who came to port and reader, up to a minute ago.")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action((flags: Flags) => {
      const days = flags.days ?? daysDefault
      const state = readRollOver(loadConfig(flags.config), io.now(), days)
      if (flags.json) return io.line(JSON.stringify(state ?? null))
      io.line(state === undefined ? "no change of the CA is under way" : describe(state, io))
    })
}

function describe({ leaving, issuing, inUse }: RollOver, io: CommandIo): string {
  const lines = [`new CA  ${issuing ?? "its key is not here"}`, `old CA  ${leaving}`]
  if (inUse.length === 0) return [...lines, "nobody uses the old CA any more"].join("\n")
  const rows = inUse.map(({ by, how }) => [by, how])
  return [...lines, formatTable(["uses the old CA", ""], rows, { color: io.color })].join("\n")
}

function finishCommand(roll: Command, io: CommandIo): void {
  daysOption(roll.command("finish"))
    .summary("drop the old CA")
    .description("Takes the old CA out of pki.ca and the profiles. Refused while it is in use.")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action((flags: Flags) => {
      const days = flags.days ?? daysDefault
      const state = finishRollOver(loadConfig(flags.config), io.now(), days)
      if (flags.json) return io.line(JSON.stringify(state))
      io.line(`${state.leaving} is not trusted any more`)
    })
}
