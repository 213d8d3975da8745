import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { loadProfile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import type { Command } from "commander"
import { parseAccess } from "../../access/index.ts"
import {
  type Config,
  dataDirectories,
  formatHostPort,
  loadConfig,
  readTextFile,
} from "../../config/index.ts"
import {
  apply,
  confirm,
  type Drift,
  dialects,
  driftOf,
  type LiveFirewall,
  liveFirewalls,
  makeModel,
  processUsers,
  readUnconfirmed,
  render,
  rollBack,
  stateDirectory,
} from "../../guard/firewall/index.ts"
import { makeDirectoryBelow } from "../../guard/setup/index.ts"
import { adminClient, tellOf } from "../admin-client.ts"
import { Ending, exitCodes } from "../exit-code.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { configOption, jsonOption, wholeNumber } from "../options.ts"
import { printable } from "../printable.ts"

interface Flags {
  readonly config: string
  readonly uid?: number
  readonly json?: true
}

export function registerFirewall(program: Command, io: CommandIo): void {
  const firewall = program
    .command("firewall")
    .helpGroup(helpGroups.setUp)
    .summary("open the ports to the places of the access list, and to nobody else")
    .description(
      "Makes firewall rules from the places (from:) in the access list. Writers reach the write port, readers the read port, operators " +
        "the ops port. A firewall knows addresses, not people: who somebody is, the port asks by certificate all the same.",
    )
    .addHelpText("after", examples)
  const rules = (name: string, names: readonly string[]): Command =>
    firewall
      .command(name)
      .argument("<dialect>", names.join(", "))
      .addOption(configOption())
      .option(
        "--uid <uid>",
        "user id of the service on this machine (default: who owns the data and the directories of its processes)",
        wholeNumber("--uid", 0, 4_294_967_294),
      )
  const live = liveFirewalls.map(({ dialect }) => dialect)
  rules(
    "render",
    dialects.map(({ name }) => name),
  )
    .summary("print the rules; changes nothing")
    .action((dialect: string, flags: Flags) => {
      io.stdout.write(rendered(dialect, flags, io).text)
    })
  rules("diff", live)
    .summary("show how the rules of this machine differ from the access list")
    .action(async (dialect: string, flags: Flags) => {
      const drift = await driftNow(dialect, flags, io)
      if (drift === undefined) io.note(`postern: ${dialect}: no difference`)
      else printDrift(drift, io)
    })
  rules("verify", live)
    .summary("fail with exit code 3 if they differ")
    .addOption(jsonOption())
    .action(async (dialect: string, flags: Flags) => verify(dialect, flags, io))
  rules("apply", live)
    .summary("load the rules; they are taken back unless they are confirmed")
    .option(
      "--confirm-within <seconds>",
      "how long the rules of before wait",
      wholeNumber("--confirm-within", 1, 3_600),
      60,
    )
    .action(async (dialect: string, flags: Flags & { confirmWithin: number }) =>
      applyRules(dialect, flags, io),
    )
  firewall
    .command("confirm")
    .summary("keep the rules that were applied")
    .action(async () => {
      const { dialect, config } = confirm(stateDirectory)
      io.line(`confirmed: the rules of ${dialect} stay`)
      await enter(config, "confirmed", { dialect }, io)
    })
  firewall
    .command("rollback")
    .summary("bring the rules of before back now")
    .action(async () => {
      const change = await rollBack(stateDirectory)
      if (change === undefined) throw new PosternError("FIREWALL_ROLLED_BACK")
      io.line("the rules of before are back")
      await enter(change.config, "rolled-back", { dialect: change.dialect }, io)
    })
}

const examples = `
Examples:
  postern firewall render nftables --config audit/postern.yaml
  postern firewall diff nftables --config audit/postern.yaml
  postern firewall apply nftables --config audit/postern.yaml
  postern firewall confirm`

/** A change of the rules is an entry; where no port of ours runs, as on a gateway, the person is told that it is not. */
async function enter(config: string, what: string, data: object, io: CommandIo): Promise<void> {
  const profile = join(dirname(config), "profiles", "operator.yaml")
  if (!existsSync(profile)) {
    return io.note(`postern: this is no entry of the log: there is no ${profile}`)
  }
  const act = { action: `postern.firewall.${what}`, outcome: "success", data: { ...data } } as const
  await tellOf(adminClient(loadProfile(profile)), act, io)
}

/** The text for this installation; who gets no opening is said to the person. */
function rendered(
  name: string,
  flags: Flags,
  io: CommandIo,
): { config: Config; digest: string; text: string } {
  const dialect = dialects.find((one) => one.name === name)
  if (dialect === undefined)
    throw unknown(
      name,
      dialects.map((one) => one.name),
    )
  const config = loadConfig(flags.config)
  const access = parseAccess(readTextFile(config.access))
  const uids = flags.uid === undefined ? processUsers(config) : [flags.uid]
  const model = makeModel(access, config.listen, io.now().getTime(), uids)
  const { text, notes } = render(dialect, model)
  for (const note of notes) io.note(`postern: ${note}`)
  return { config, digest: access.digest, text }
}

function liveOf(name: string): LiveFirewall {
  const live = liveFirewalls.find(({ dialect }) => dialect === name)
  if (live === undefined)
    throw unknown(
      name,
      liveFirewalls.map(({ dialect }) => dialect),
    )
  return live
}

function unknown(name: string, names: readonly string[]): PosternError {
  return new PosternError("USAGE", `${JSON.stringify(name)} is none of ${names.join(", ")}`)
}

async function driftNow(dialect: string, flags: Flags, io: CommandIo): Promise<Drift | undefined> {
  const live = liveOf(dialect)
  const { text } = rendered(dialect, flags, io)
  return driftOf(await live.present(), await live.intended(text))
}

function printDrift({ missing, foreign }: Drift, io: CommandIo): void {
  for (const line of missing) io.line(printable(`+ ${line}`))
  for (const line of foreign) io.line(printable(`- ${line}`))
  io.note("postern: + is in the access list and not in force, - is in force and not in the list")
}

async function verify(dialect: string, flags: Flags, io: CommandIo): Promise<void> {
  const drift = await driftNow(dialect, flags, io)
  const waiting = readUnconfirmed(stateDirectory)
  const until = waiting && new Date(waiting.deadlineMs).toISOString()
  if (flags.json) {
    const { missing = [], foreign = [] } = drift ?? {}
    const state = drift === undefined ? "as-rendered" : "drifted"
    io.line(JSON.stringify({ dialect, state, missing, foreign, unconfirmedUntil: until ?? null }))
  } else {
    if (drift === undefined) io.line(`${dialect}: the rules are what the access list says`)
    else printDrift(drift, io)
    if (until !== undefined)
      io.note(`postern: not confirmed yet; the rules of before come back at ${until}`)
  }
  if (drift !== undefined) throw new Ending(exitCodes.unverified)
}

async function applyRules(
  dialect: string,
  flags: Flags & { confirmWithin: number },
  io: CommandIo,
): Promise<void> {
  const live = liveOf(dialect)
  const { config, digest, text } = rendered(dialect, flags, io)
  const { write, read, ops, syslog = [] } = config.listen
  const { appliedRules } = dataDirectories(config)
  makeDirectoryBelow(dirname(appliedRules), 0o700)
  const { change, isKept } = await apply({
    ...{ live, text, uid: flags.uid },
    addresses: [...write, ...read, ...ops, ...syslog],
    confirmWithinMs: flags.confirmWithin * 1_000,
    ...{ config: config.file, directory: stateDirectory, appliedRules },
  })
  if (!isKept) io.note("postern: the data is not here, so no doctor can compare these rules")
  if (change === undefined) return io.line(`${dialect}: nothing to change`)
  const { answering, deadlineMs } = change
  io.line(`${dialect}: in force until ${new Date(deadlineMs).toISOString()} unless confirmed`)
  const { confirmWithin } = flags
  await enter(flags.config, "applied", { dialect, access: digest, confirmWithin }, io)
  io.note(
    answering.length === 0
      ? "postern: no address of the port answered before, so none was tried afterwards"
      : `postern: still answering: ${answering.map(formatHostPort).join(", ")}`,
  )
  io.note("postern: to keep the rules: postern firewall confirm")
}
