import { existsSync } from "node:fs"
import { join } from "node:path"
import { loadProfile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { type Command, Option } from "commander"
import { z } from "zod"
import { breakGlassOf, parseAccess } from "../../access/index.ts"
import { loadConfig, readTextFile } from "../../config/index.ts"
import { createPassphrase, halvesOf, sealProfile } from "../../guard/break-glass/index.ts"
import { createFile, enrolBreakGlass } from "../../guard/setup/index.ts"
import { adminClient } from "../admin-client.ts"
import { askPassphrase } from "../asked-passphrase.ts"
import { breakGlassDirectory, breakSeal, operatorOf, signAs } from "../break-glass.ts"
import { Ending, exitCodes } from "../exit-code.ts"
import type { CommandIo } from "../io.ts"
import { applyAccess, describeState } from "../live-access.ts"
import { configOption, jsonOption, wholeNumber } from "../options.ts"
import { printable } from "../printable.ts"
import { formatTable } from "../table.ts"

const examples = `
Examples:
  postern access break-glass seal night --halves --config audit/postern.yaml
  postern access break-glass open audit/break-glass/night.sealed --reason 'INC-42: the auditor cannot be reached' --config audit/postern.yaml
  postern access break-glass review night --verdict justified --note 'INC-42, as agreed' --config audit/postern.yaml`

export function registerBreakGlass(access: Command, io: CommandIo): void {
  const command = access
    .command("break-glass")
    .summary("read access for emergencies: sealed, for an hour, announced, reviewed")
    .description(
      "A reader's access that is made beforehand and lies sealed. To open it takes a passphrase, an operator and a reason; the log says so " +
        "before it works, it ends after an hour, and an operator reviews it within a day.",
    )
    .addHelpText("after", examples)
  sealCommand(command, io)
  openCommand(command, io)
  reviewCommand(command, io)
  statusCommand(command, io)
}

interface Common {
  readonly config: string
  readonly operator?: string
}

function addCommon(command: Command): Command {
  return command
    .addOption(configOption())
    .option("--operator <file>", "operator's profile (default: profiles/operator.yaml)")
    .addHelpText("after", examples)
}

interface SealFlags extends Common {
  readonly owner?: string
  readonly days: number
  readonly address?: string
  readonly output?: string
  readonly halves?: true
}

function sealCommand(breakGlass: Command, io: CommandIo): void {
  const command = breakGlass
    .command("seal")
    .summary("make a sealed credential, and print its passphrase once")
    .description(
      "Adds a sealed identity to access.yaml and writes its profile encrypted. The passphrase is printed and kept nowhere.",
    )
    .argument("<name>", "end of its SPIFFE ID")
    .option("--owner <text>", "who answers for it")
    .option("--days <n>", "validity of its certificate", wholeNumber("--days", 1, 3650), 365)
    .option("--address <host:port>", "address for the profile (default: the first in listen)")
    .option("-o, --output <file>", "the sealed credential (default: break-glass/NAME.sealed)")
    .option("--halves", "print the passphrase in two halves, for two envelopes")
  addCommon(command).action(async (name: string, flags: SealFlags) => {
    const config = loadConfig(flags.config)
    const { owner, days, address } = flags
    const passphrase = createPassphrase()
    const file = flags.output ?? join(breakGlassDirectory(config), `${name}.sealed`)
    const { id } = await enrolBreakGlass({
      ...{ config, name, days, file, now: io.now() },
      ...(owner === undefined ? {} : { owner }),
      ...(address === undefined ? {} : { address }),
      seal: (sealed, profile) => sealProfile(sealed, profile, passphrase),
    })
    // Before the service is asked: the file is there already, and nobody could open it.
    io.line(`id          ${id}\nsealed      ${file}`)
    if (flags.halves) for (const half of halvesOf(passphrase)) io.line(`half        ${half}`)
    else io.line(`passphrase  ${passphrase}`)
    const state = await applyAccess({ config, profile: operatorOf(config, flags.operator) })
    io.note(`postern: ${describeState(state)}`)
    io.note("postern: the passphrase is printed this once; keep it and the file in two places")
  })
}

interface OpenFlags extends Common {
  readonly reason: string
  readonly passphraseFile?: string
  readonly output?: string
}

function openCommand(breakGlass: Command, io: CommandIo): void {
  const command = breakGlass
    .command("open")
    .summary("break the seal: an hour of read access")
    .description(
      "Asks for the passphrase, signs for the opening with the operator's key, and writes the reader's profile. Once the command ends, it reads.",
    )
    .argument("<file>", "the sealed credential")
    .requiredOption("--reason <text>", "why; it stands in the log")
    .option("--passphrase-file <file>", "one line, or two with a half each (default: asked)")
    .option("-o, --output <file>", "the reader's profile (default: FILE.profile.yaml)")
  addCommon(command).action(async (sealed: string, flags: OpenFlags) => {
    const config = loadConfig(flags.config)
    const { passphraseFile: file, output = `${sealed}.profile.yaml` } = flags
    if (existsSync(output)) throw new PosternError("ALREADY_EXISTS", output)
    const { id, until, state } = await breakSeal({
      ...{ config, file: sealed, output, now: io.now() },
      reason: flags.reason,
      passphrase: file === undefined ? await askPassphrase(io) : readTextFile(file),
      operator: operatorOf(config, flags.operator),
    })
    io.line(output)
    io.note(`postern: ${describeState(state)}`)
    io.note(`postern: ${id} may read until ${until}; everything that it reads is in the log`)
    io.note(
      "postern: within a day an operator says whether that was right: postern access break-glass review",
    )
  })
}

const waitingSchema = z.object({
  ...{ identity: z.string(), by: z.string(), reason: z.string() },
  ...{ opened: z.string(), until: z.string(), due: z.string(), overdue: z.boolean() },
})
const statusSchema = z.object({
  breakGlass: z.object({ open: z.array(z.string()), waiting: z.array(waitingSchema) }),
})

async function askPort(operator: string) {
  const answer = statusSchema.safeParse(await adminClient(loadProfile(operator)).status())
  if (answer.success) return answer.data.breakGlass
  throw new PosternError("UNREACHABLE", "the service does not say how break-glass access stands")
}

interface ReviewFlags extends Common {
  readonly verdict: string
  readonly note: string
}

function reviewCommand(breakGlass: Command, io: CommandIo): void {
  const command = breakGlass
    .command("review")
    .summary("say whether an opening was right, signed, in the log")
    .description(
      "For the oldest opening of that name that was not reviewed, once it has ended. Whoever opened it cannot, unless there is no other operator.",
    )
    .argument("<name>", "SPIFFE ID, or its end")
    .addOption(
      new Option("--verdict <verdict>", "was it right")
        .choices(["justified", "unjustified"])
        .makeOptionMandatory(),
    )
    .requiredOption("--note <text>", "what was looked at, and what follows; it stands in the log")
  addCommon(command).action(async (name: string, flags: ReviewFlags) => {
    const config = loadConfig(flags.config)
    const operator = operatorOf(config, flags.operator)
    const { waiting } = await askPort(operator)
    const opening = waiting.find(
      ({ identity }) => identity === name || identity.endsWith(`/${name}`),
    )
    if (opening === undefined)
      throw new PosternError("NOT_FOUND", `no opening of ${name} waits for a review`)
    const { identity, until } = opening
    const fields = { identity, until, verdict: flags.verdict, note: flags.note }
    const statement = signAs(config, operator, "review-break-glass", { fields, now: io.now() })
    await adminClient(loadProfile(operator)).review(statement)
    const stem = `${identity.split("/").at(-1)}-${until.replaceAll(":", "")}`
    createFile(join(breakGlassDirectory(config), `${stem}.reviewed`), statement, 0o644)
    io.line(printable(`${identity}, opened by ${opening.by} (${opening.reason}): ${flags.verdict}`))
    io.note("postern: signed and in the log; make another one: postern access break-glass seal")
  })
}

function statusCommand(breakGlass: Command, io: CommandIo): void {
  const command = breakGlass
    .command("status")
    .summary("what is sealed, what is open, what waits for its review")
    .description("Ends with 3 if a review is overdue.")
    .addOption(jsonOption())
  addCommon(command).action(async (flags: Common & { json?: true }) => {
    const config = loadConfig(flags.config)
    const { open, waiting } = await askPort(operatorOf(config, flags.operator))
    const all = breakGlassOf(parseAccess(readTextFile(config.access)).identities)
    const sealed = all.filter(({ expires }) => expires === undefined).map(({ id }) => id)
    if (flags.json) io.line(JSON.stringify({ sealed, open, waiting }))
    else {
      const rows = [
        ...sealed.map((id) => ["sealed", id, ""]),
        ...open.map((id) => ["open", id, ""]),
        ...waiting.map(({ identity, by, reason, due, overdue }) => [
          overdue ? "overdue" : "to review",
          identity,
          `opened by ${by}: ${reason}; review due ${due}`,
        ]),
      ]
      io.line(formatTable(["", "id", ""], rows, { color: io.color }))
    }
    if (waiting.some(({ overdue }) => overdue)) throw new Ending(exitCodes.unverified)
  })
}
