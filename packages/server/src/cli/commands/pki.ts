import { resolve } from "node:path"
import { PosternError } from "@postern/log/base"
import type { Command } from "commander"
import { loadConfig } from "../../config/index.ts"
import {
  type HeldCertificate,
  issueFiles,
  keyExchange,
  listCertificates,
  type RenewalPlan,
  type Renewed,
  renewDue,
  renewFile,
} from "../../guard/certificates/index.ts"
import { Ending, exitCodes } from "../exit-code.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { configOption, jsonOption, wholeNumber } from "../options.ts"
import { formatTable } from "../table.ts"
import { registerRollCa } from "./roll-ca.ts"

export function registerPki(program: Command, io: CommandIo): void {
  const pki = program
    .command("pki")
    .helpGroup(helpGroups.setUp)
    .summary("certificates: how old, renewed, and a new CA")
    .description(
      "The certificates of the installation (docs/operating/rotation.md). The running service takes changed files over by itself.",
    )
    .addHelpText("after", examples)
  statusCommand(pki, io)
  issueCommand(pki, io)
  renewCommand(pki, io)
  registerRollCa(pki, io)
}

const examples = `
Examples:
  postern pki status --config audit/postern.yaml
  postern pki issue spiffe://postern.local/writer/app app --config audit/postern.yaml
  postern pki renew --config audit/postern.yaml
  postern pki roll-ca begin --config audit/postern.yaml`

interface Flags {
  readonly config: string
  readonly json?: true
}

function statusCommand(pki: Command, io: CommandIo): void {
  pki
    .command("status")
    .summary("every certificate, and how much of its life is over")
    .description(
      "Reads the files of the installation; asks nobody. Ends with 3 if one has expired or is of no use otherwise, else with 0.",
    )
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action((flags: Flags) => {
      const held = listCertificates(loadConfig(flags.config), io.now())
      const groups = keyExchange()
      if (flags.json) io.line(JSON.stringify({ certificates: held, groups }))
      else {
        const head = ["", "life used", "until", "holder", "id", "serial", "ca", "file"]
        io.line(formatTable(head, held.map(row), { color: io.color }))
        io.line(`key exchange: ${groups.join(", ")}`)
        for (const one of held) for (const text of remarks(one)) io.note(`postern: ${text}`)
      }
      if (held.some(({ state }) => state === "fail")) throw new Ending(exitCodes.unverified)
    })
}

function row(one: HeldCertificate): string[] {
  const used = one.serial === "" ? "" : `${Math.round(one.lifeUsed * 100)} %`
  const authority = one.authority?.slice(0, 8) ?? ""
  const until = one.notAfter.slice(0, 16).replace("T", " ")
  return [one.state, used, until, one.holder, one.id, one.serial, authority, one.file]
}

function remarks({ file, state, lifeUsed, holder, problem }: HeldCertificate): string[] {
  if (problem !== undefined) return [`${file}: ${problem}`]
  if (state !== "warn") return []
  const how = holder === "ca" ? "postern pki roll-ca begin" : `postern pki renew ${file}`
  return [`${file}: ${Math.round(lifeUsed * 100)} % of its life is over: ${how}`]
}

function issueCommand(pki: Command, io: CommandIo): void {
  pki
    .command("issue")
    .summary("a certificate for an identity of the access list")
    .description(
      "Makes STEM.crt and STEM.key (0600), for whoever keeps no profile of ours: a sender over HTTP, a program of your own.",
    )
    .argument("<id>", "SPIFFE ID, as access.yaml names it")
    .argument("<stem>", "files without their ending")
    .option("--days <n>", "validity (default: 1)", wholeNumber("--days", 1, 3650))
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (id: string, stem: string, flags: Flags & { days?: number }) => {
      const life = { days: flags.days ?? 1, now: io.now() }
      const made = await issueFiles(loadConfig(flags.config), id, resolve(stem), life)
      if (flags.json) return io.line(JSON.stringify(made))
      io.line(`certificate  ${made.certificate}\nkey          ${made.key}`)
    })
}

function renewCommand(pki: Command, io: CommandIo): void {
  pki
    .command("renew")
    .summary("new keys and certificates in the place of old ones")
    .description(
      "Renews what is past half of its life; with FILE these (certificate with its key beside it, or profile), with --all everything. " +
        "The old key must be there: whoever does not hold it gets no new certificate.",
    )
    .argument("[file...]", "certificate files or profiles")
    .option("--all", "whatever its age")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (files: string[], flags: Flags & { all?: true }) => {
      if (files.length > 0 && flags.all) throw new PosternError("USAGE", "FILE or --all, not both")
      const config = loadConfig(flags.config)
      if (files.length === 0) {
        const isMeant = ({ state }: HeldCertificate) => flags.all === true || state !== "ok"
        return reportRenewed(await renewDue(config, io.now(), isMeant), flags, io)
      }
      const renewed: Renewed[] = []
      for (const file of files) renewed.push(await renewFile(config, resolve(file), io.now()))
      reportRenewed({ renewed, left: [] }, flags, io)
    })
}

/** What could not be renewed makes the command fail, after the rest was. */
export function reportRenewed(plan: RenewalPlan, flags: { json?: true }, io: CommandIo): void {
  if (flags.json) io.line(JSON.stringify(plan))
  else {
    const rows = plan.renewed.map(({ file, id, notAfter, serial }) => [file, id, notAfter, serial])
    if (rows.length === 0) io.line("nothing was renewed")
    else io.line(formatTable(["file", "id", "until", "serial"], rows, { color: io.color }))
  }
  for (const { file, reason } of plan.left) io.note(`postern: ${file} stays: ${reason}`)
  if (plan.left.length > 0) throw new Ending(exitCodes.failed)
}
