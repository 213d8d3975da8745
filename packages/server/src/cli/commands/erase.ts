import { createInterface } from "node:readline"
import { loadProfile } from "@postern/client"
import { isPosternError, PosternError } from "@postern/log/base"
import type { Command } from "commander"
import { signStatement } from "../../approval/index.ts"
import { type Config, dataDirectories } from "../../config/index.ts"
import { createFile } from "../../guard/setup/index.ts"
import { type ClearMentions, findMentions } from "../clear-mentions.ts"
import { type Erased, type LookedAt, lookAtErasure, runErasure } from "../erasure-errands.ts"
import { type EvidenceSource, makeEvidenceFile } from "../evidence-making.ts"
import { helpGroups } from "../help-group.ts"
import { loadInstallation } from "../installation.ts"
import type { CommandIo } from "../io.ts"
import { configOption, jsonOption } from "../options.ts"
import { adminOf } from "../policy-source.ts"
import { printable } from "../printable.ts"
import { createProgress } from "../progress.ts"
import { subjectOf } from "../subject-text.ts"

const examples = `
Examples:
  postern erase --subject user:alice --dry-run --config audit/postern.yaml
  postern erase approve --subject user:alice --operator bob.yaml -o audit/approvals/bob.approval --config audit/postern.yaml
  postern erase --subject user:alice --ground 'GDPR 17(1)(a)' --receipt alice.evidence --config audit/postern.yaml`

interface Flags {
  readonly config?: string
  readonly operator?: string
  readonly profile?: string
  readonly subject?: string
  readonly ground?: string
  readonly receipt?: string
  readonly dryRun?: true
  readonly yes?: true
  readonly json?: true
}

export function registerErase(program: Command, io: CommandIo): void {
  const erase = program
    .command("erase")
    .helpGroup(helpGroups.check)
    .summary("forget a person: destroy the key of all that is sealed for them")
    .description(
      "Has the port destroy the key under which a person's values are sealed. Entries, proofs and receipts go on to hold; the values are gone for good.",
    )
    .option("--subject <text>", "the person: TYPE:ID or the id alone; - for standard input")
    .option("--ground <text>", "why; stands in the log, so it must not name the person")
    .option("--dry-run", "show what would go, and where the log names the person in the clear")
    .option("--receipt <file>", "an evidence file with the entries that say so")
    .option("--yes", "ask for no confirmation")
    .addOption(configOption().makeOptionMandatory(false))
    .option("--operator <file>", "operator's profile (default: profiles/operator.yaml)")
    .option("--profile <file>", "a reader's, if the receipt is to come over the read port")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (flags: Flags) => {
      await (flags.dryRun === true ? dryRun(flags, io) : eraseNow(flags, io))
    })
  erase
    .command("approve")
    .summary("sign that a person is to be erased")
    .description(
      "Shows what would go, and signs exactly this list with the operator's key; what comes in behind it goes, too. Good for seven days.",
    )
    .requiredOption(
      "-o, --output <file>",
      "the approval; the port looks for *.approval in approvals beside access.yaml",
    )
    .addHelpText("after", examples)
    .action(async (_own: object, command: Command) => {
      await approve(command.optsWithGlobals<Flags & { readonly output: string }>(), io)
    })
}

async function readFlags(
  { subject, config }: Flags,
  io: CommandIo,
): Promise<{ readonly subject: string; readonly config: Config }> {
  if (config === undefined)
    throw new PosternError("USAGE", "--config is missing: which service is asked?")
  if (subject === undefined) throw new PosternError("USAGE", "--subject is missing: who is it?")
  return { subject: await subjectOf(subject, io), config: loadInstallation(config) }
}

async function dryRun(flags: Flags, io: CommandIo): Promise<void> {
  const { subject, config } = await readFlags(flags, io)
  const found = await lookAtErasure(adminOf(config, flags.operator), subject, io)
  const progress = createProgress(io, "entries", false)
  const mentions = await findMentions(dataDirectories(config).log, subject, (done, of) =>
    progress.at(done, of),
  ).finally(() => progress.end())
  if (flags.json) return io.line(JSON.stringify({ ...found, inTheClear: mentions }))
  io.line([describe(found), ...mentionLines(mentions)].join("\n"))
}

async function eraseNow(flags: Flags, io: CommandIo): Promise<void> {
  const { subject, config } = await readFlags(flags, io)
  const { ground, receipt } = flags
  if (ground === undefined) throw new PosternError("USAGE", "--ground is missing: on what ground?")
  const admin = adminOf(config, flags.operator)
  const found = await lookAtErasure(admin, subject, io)
  const [held] = found.held
  if (held !== undefined)
    throw new PosternError("ERASURE_HELD", `hold ${held.hold} keeps entry ${held.entry}`)
  if (!flags.yes) await confirm(found, io)
  const { values, digest } = found
  const done = await runErasure(admin, { subject, ground, values, digest }, io).catch((error) => {
    if (isPosternError(error) && error.code === "APPROVAL_MISSING")
      io.note("postern: each approver signs it: postern erase approve (docs/operating/erasure.md)")
    throw error
  })
  const source: EvidenceSource =
    flags.profile === undefined
      ? { kind: "config", path: flags.config ?? "" }
      : { kind: "profile", path: flags.profile }
  if (receipt !== undefined) {
    const indexes = [done.began, done.entry]
    await makeEvidenceFile(
      source,
      { ask: { kind: "indexes", indexes }, disclosed: false },
      receipt,
      io,
    )
  }
  if (flags.json) return io.line(JSON.stringify({ ...done, receipt }))
  io.line(receiptText(done, receipt))
}

async function approve(flags: Flags & { readonly output: string }, io: CommandIo): Promise<void> {
  const { subject, config } = await readFlags(flags, io)
  const { operator, output } = flags
  if (operator === undefined) throw new PosternError("USAGE", "--operator is missing: who signs?")
  const profile = loadProfile(operator)
  const found = await lookAtErasure(adminOf(config, operator), subject, io)
  const fields = { subject: found.subject, list: found.digest, count: String(found.values) }
  const time = `${io.now().toISOString().slice(0, 19)}Z`
  const { origin } = profile.log
  createFile(
    output,
    signStatement({ kind: "approve-erasure", origin, time, fields }, profile),
    0o644,
  )
  io.line(describe(found))
  io.note(`postern: ${profile.id} approves of erasing ${found.subject}`)
}

/** Whoever is to type a number has read it. */
async function confirm(found: LookedAt, io: CommandIo): Promise<void> {
  io.note(describe(found))
  io.stderr.write(`These values are gone for good then. Type how many they are (${found.values}): `)
  const lines = createInterface({ input: io.stdin })
  for await (const line of lines) {
    lines.close()
    if (line.trim() === String(found.values)) return
    break
  }
  throw new PosternError("USAGE", "not confirmed: nothing was erased")
}

function describe({ subject, values, inside, entries, ...more }: LookedAt): string {
  const { first, last, from, to, held, approvals } = more
  const lines = [
    `subject    ${subject}`,
    `values     ${values} of ${entries} entries${inside > 0 ? `, and ${inside} inside of other values` : ""}`,
  ]
  if (first !== undefined)
    lines.push(
      `entries    ${first} to ${last}, received ${from?.slice(0, 19)}Z to ${to?.slice(0, 19)}Z`,
    )
  for (const { hold, reason, entry } of held)
    lines.push(printable(`held       by ${hold} from entry ${entry} on: ${reason}`))
  if (approvals > 0) lines.push(`approvals  ${approvals} operators must sign it`)
  return lines.join("\n")
}

function mentionLines({ looked, entries, first, last, mirrors }: ClearMentions): string[] {
  const where =
    entries === 0 ? "" : `, the first ${first}, the last ${last}: these stay as they are`
  const lines = [`in clear   ${entries} of ${looked} entries name the person${where}`]
  const copies = mirrors.length === 0 ? "none has begun to copy this log" : mirrors.join(" ")
  return [...lines, printable(`mirrors    ${copies}: a mirror has entries and no values`)]
}

function receiptText(done: Erased, receipt: string | undefined): string {
  const { subject, values, inside, entries, began, entry, ground, approvers } = done
  const approved = approvers.length === 0 ? "" : `, approved by ${approvers.join(" ")}`
  return [
    `erased     ${values + inside} values of ${entries} entries of ${subject}`,
    printable(`ground     ${ground}${approved}`),
    `entries    ${began} says that it began, ${entry} that it is done`,
    receipt === undefined
      ? `proof      postern evidence make --index ${began},${entry} -o FILE`
      : printable(`proof      ${receipt}: postern verify checks it`),
    "backups    of data/disclosures and of the sealing keys can bring the values back while both are kept",
  ].join("\n")
}
