import type { Command } from "commander"
import { diffAccess, formatAccessSchema, type Identity, parseAccess } from "../../access/index.ts"
import { loadConfig, readTextFile } from "../../config/index.ts"
import { formatChanges } from "../access-changes.ts"
import { type AskedList, addSourceOptions, askedList, type SourceFlags } from "../access-source.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { applyAccess, describeState, listInForce } from "../live-access.ts"
import { configOption, jsonOption } from "../options.ts"
import { printable } from "../printable.ts"
import { formatTable } from "../table.ts"
import { registerApprove } from "./access-approve.ts"
import { registerBreakGlass } from "./access-break-glass.ts"
import { registerExplain } from "./access-explain.ts"
import { registerReview } from "./access-review.ts"
import { registerRevoke } from "./access-revoke.ts"

export function registerAccess(program: Command, io: CommandIo): void {
  const access = program
    .command("access")
    .helpGroup(helpGroups.setUp)
    .summary("who may do what: look, compare, apply, revoke")
    .description("The access list: as it is on disk, as it is in force, and as it was.")
    .addHelpText("after", examples)
  access
    .command("schema")
    .summary("print the JSON Schema of access.yaml, for editors")
    .description("As `postern init` wrote it beside access.yaml; renew it there after an upgrade.")
    .action(() => void io.stdout.write(formatAccessSchema()))
  listCommand(access, io)
  registerExplain(access, io)
  diffCommand(access, io)
  reloadCommand(access, io)
  registerApprove(access, io)
  registerRevoke(access, io)
  registerReview(access, io)
  registerBreakGlass(access, io)
}

const examples = `
Examples:
  postern access list --config audit/postern.yaml
  postern access list --at 2026-11-20 --profile reader.yaml
  postern access diff --live access.yaml --config audit/postern.yaml
  postern access reload --config audit/postern.yaml`

function listCommand(access: Command, io: CommandIo): void {
  const command = access
    .command("list")
    .summary("everybody who may do something, now or at a time")
    .description(
      "Lists the identities of access.yaml, or of the list that was in force at a time, rebuilt from the log.",
    )
  addSourceOptions(command)
    .addHelpText("after", examples)
    .action(async (flags: SourceFlags & { json?: true }) => {
      const asked = await askedList(flags, io)
      const { digest, identities, revoked } = asked.list
      const all = identities.map((one) => ({ ...one, expired: isExpired(one, asked) }))
      if (flags.json) {
        const shown = all.map(({ expires, ...one }) =>
          expires === undefined ? one : { ...one, expires: new Date(expires).toISOString() },
        )
        return io.line(JSON.stringify({ digest, from: asked.from, identities: shown, revoked }))
      }
      const head = ["id", "role", "may", "owner", "until"]
      io.line(formatTable(head, all.map(row), { color: io.color }))
      for (const { serial, key, reason } of revoked) {
        const what = serial === undefined ? `key ${key}` : `serial ${serial}`
        io.line(printable(`revoked ${what}${reason === undefined ? "" : `: ${reason}`}`))
      }
      io.note(`postern: list ${digest} from ${printable(asked.from)}`)
    })
}

function isExpired({ expires }: Identity, { atMs }: AskedList): boolean {
  return expires !== undefined && atMs >= expires
}

function row(one: Identity & { readonly expired: boolean }): string[] {
  const until = one.expires === undefined ? "" : new Date(one.expires).toISOString()
  return [one.id, one.role, mayOf(one), one.owner ?? "", one.expired ? `${until} expired` : until]
}

function mayOf(one: Identity): string {
  if (one.role === "reader") {
    const { see, query } = one.grant
    const what = query === undefined ? see : `${see} of ${query}`
    return one.breakGlass ? `${what}, break-glass` : what
  }
  if (one.role !== "writer") return ""
  const { adapters, sources, actions, internal } = one.grant
  const special = internal === true ? " (internal)" : ""
  return `${adapters.join(",")}: ${sources.join(",")} ${actions.join(",")}${special}`
}

interface DiffFlags {
  readonly live?: true
  readonly config?: string
  readonly operator?: string
  readonly json?: true
}

function diffCommand(access: Command, io: CommandIo): void {
  access
    .command("diff")
    .summary("what a changed list would change, and what of it weakens")
    .description("Compares two access lists, or a list with the one that the service works by.")
    .argument("<files...>", "OLD NEW; with --live, NEW alone")
    .option("--live", "against the list in force")
    .addOption(configOption().makeOptionMandatory(false))
    .option("--operator <file>", "operator's profile (default: profiles/operator.yaml)")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (files: string[], flags: DiffFlags, command: Command) => {
      const wanted = flags.live === true ? 1 : 2
      if (files.length !== wanted || (flags.live && flags.config === undefined))
        command.error("error: it takes OLD NEW, or --live NEW --config FILE")
      const news = parseAccess(readTextFile(files.at(-1) ?? ""))
      const before =
        flags.live === true
          ? (await listInForce(loadConfig(flags.config ?? ""), flags.operator)).text
          : readTextFile(files[0] ?? "")
      const olds = parseAccess(before)
      const changes = diffAccess(olds, news)
      if (flags.json)
        return io.line(JSON.stringify({ before: olds.digest, after: news.digest, changes }))
      io.line(formatChanges(changes, io.color))
    })
}

function reloadCommand(access: Command, io: CommandIo): void {
  access
    .command("reload")
    .summary("have the service take the list on disk over")
    .description(
      "Port and reader take over access.yaml and the certificates as a whole, or refuse them as a whole and keep the old ones.",
    )
    .addOption(configOption())
    .option("--operator <file>", "operator's profile (default: profiles/operator.yaml)")
    .addHelpText("after", examples)
    .action(async (flags: { config: string; operator?: string }) => {
      const config = loadConfig(flags.config)
      const profile = flags.operator === undefined ? {} : { profile: flags.operator }
      io.line(describeState(await applyAccess({ config, ...profile })))
    })
}
