import { loadProfile } from "@postern/client"
import type { Command } from "commander"
import { loadConfig } from "../../config/index.ts"
import type { RetentionRule } from "../../policy/rules/index.ts"
import { forecast, type Hold, upcoming } from "../../retention/index.ts"
import { adminClient } from "../admin-client.ts"
import { operatorOf } from "../break-glass.ts"
import { helpGroups } from "../help-group.ts"
import { loadInstallation } from "../installation.ts"
import type { CommandIo } from "../io.ts"
import { configOption, jsonOption } from "../options.ts"
import { printable } from "../printable.ts"
import {
  type DueEntries,
  findDue,
  gatherRetention,
  type RetentionFacts,
  runRetention,
} from "../retention-facts.ts"
import { formatTable } from "../table.ts"

interface Flags {
  readonly config: string
  readonly operator?: string
  readonly json?: true
}

const examples = `
Examples:
  postern retention plan --config audit/postern.yaml
  postern retention run --config audit/postern.yaml
  postern retention hold add --query 'actor:user/u-1842' --reason 'case 2026-118' --config audit/postern.yaml`

const upcomingMax = 10

export function registerRetention(program: Command, io: CommandIo): void {
  const retention = program
    .command("retention")
    .helpGroup(helpGroups.check)
    .summary("let go what is due, and hold what must stay")
    .description(
      "How long entries stay stands in policy.yaml under retention. What goes leaves an entry, and everything that stays proves as before.",
    )
    .addHelpText("after", examples)
  common(retention.command("plan"))
    .summary("show what falls due when, and what room the log will need")
    .description("Looks at the log on this machine. Changes nothing.")
    .action(async (flags: Flags) => runPlan(flags, io))
  common(retention.command("run"))
    .summary("have the port remove what is due, and destroy the keys that are")
    .description("The port removes whole segments that are due and not held. May be repeated.")
    .action(async (flags: Flags) => runNow(flags, io))
  registerHold(retention, io)
}

function common(command: Command): Command {
  return command
    .addOption(configOption())
    .option("--operator <file>", "operator's profile (default: profiles/operator.yaml)")
    .addOption(jsonOption())
    .addHelpText("after", examples)
}

async function runPlan(flags: Flags, io: CommandIo): Promise<void> {
  const config = loadInstallation(flags.config)
  const facts = await gatherRetention(config, operatorOf(config, flags.operator))
  const { rule, ages, freeBytes } = facts
  const now = io.now().getTime()
  const due = await findDue(config, facts, now)
  const expected = forecast(ages, rule, { now: now * 1000, freeBytes })
  const next = rule === undefined ? [] : upcoming(ages, rule)
  if (flags.json) {
    const classes = Object.fromEntries(rule?.classes ?? [])
    const said = rule && { ...rule, classes }
    return io.line(
      JSON.stringify({
        rule: said,
        due,
        upcoming: next,
        ...expected,
        freeBytes,
        holds: facts.holds,
      }),
    )
  }
  io.line(printable(ruleText(rule)))
  io.line(logText(facts, expected.bytesPerDay))
  if (expected.bytesAtKeep !== undefined && rule !== undefined)
    io.line(
      `room   ${bytesText(expected.bytesAtKeep)} at ${rule.keep} days, ${bytesText(freeBytes)} free`,
    )
  if (expected.fullInDays !== undefined)
    io.line(`room   at this rate the disk is full in ${Math.floor(expected.fullInDays)} days`)
  io.line(dueText(due))
  const rows = next.slice(0, upcomingMax).map(({ first, end, bytes, due: at }) => {
    return [`${first} to ${end}`, bytesText(bytes), new Date(at / 1000).toISOString().slice(0, 10)]
  })
  if (rows.length > 0) io.line(formatTable(["entries", "size", "due"], rows))
  if (next.length > rows.length) io.line(`and ${next.length - rows.length} segments after these`)
}

function ruleText(rule: RetentionRule | undefined): string {
  if (rule === undefined) return "rule   none: everything stays"
  const classes = [...rule.classes].map(([name, days]) => `, ${name} readable for ${days} days`)
  const preset = rule.preset === undefined ? "" : ` (supports ${rule.preset})`
  return `rule   entries ${rule.keep} days${classes.join("")}${preset}`
}

function logText({ ages, isRunning }: RetentionFacts, bytesPerDay: number | undefined): string {
  const bytes = ages.reduce((sum, segment) => sum + segment.bytes, 0)
  const rate = bytesPerDay === undefined ? "" : `, ${bytesText(bytesPerDay)} a day`
  const how = isRunning ? "" : "; the port does not run: rule and holds are those of the files"
  return `log    begins at entry ${ages[0]?.first ?? 0}, ${ages.length} segments, ${bytesText(bytes)}${rate}${how}`
}

function dueText({ from, to, segments, bytes, heldBy }: DueEntries): string {
  const held =
    heldBy === undefined
      ? ""
      : `; hold ${heldBy.hold} keeps entry ${heldBy.entry} and what is behind it`
  if (to === from) return `due    nothing${held}`
  return `due    entries ${from} to ${to}, ${segments} segments, ${bytesText(bytes)}${held}`
}

async function runNow(flags: Flags, io: CommandIo): Promise<void> {
  const config = loadInstallation(flags.config)
  const done = await runRetention(config, operatorOf(config, flags.operator), io.now().getTime())
  if (flags.json) return io.line(JSON.stringify(done ?? {}))
  if (done === undefined) return io.line("the policy has no retention: everything stays")
  const { from, to, bytes, keys, heldBy } = done
  if (to === from) io.line("no entry is due")
  else io.line(`entries ${from} to ${to} are gone by rule, ${bytesText(bytes)}`)
  if (keys.length > 0) io.line(printable(`keys destroyed: ${keys.join(", ")}`))
  if (heldBy !== undefined)
    io.line(`hold ${heldBy.hold} keeps entry ${heldBy.entry} and what is behind it`)
}

function registerHold(retention: Command, io: CommandIo): void {
  const hold = retention
    .command("hold")
    .summary("keep entries whatever their age")
    .description(
      "A hold keeps every entry that matches, and what is behind it: files go from the beginning of the log.",
    )
    .addHelpText("after", examples)
  common(hold.command("add"))
    .summary("hold what matches a query")
    .requiredOption("--query <query>", "which entries (docs/spec/query.md)")
    .requiredOption("--reason <text>", "why; stands in the log")
    .action(async (flags: Flags & { query: string; reason: string }) => {
      const { query, reason } = flags
      const { hold: id } = await adminOf(flags).hold({ query, reason })
      io.line(flags.json ? JSON.stringify({ hold: id }) : `hold ${id}`)
    })
  common(hold.command("list"))
    .summary("list what is held")
    .action(async (flags: Flags) => {
      const { holds } = await adminOf(flags).retention()
      if (flags.json) return io.line(JSON.stringify(holds))
      io.line(holds.length === 0 ? "nothing is held" : holdTable(holds))
    })
  common(hold.command("remove"))
    .summary("end a hold")
    .argument("<id>", "as list names it")
    .requiredOption("--reason <text>", "why; stands in the log")
    .action(async (id: string, flags: Flags & { reason: string }) => {
      await adminOf(flags).release({ hold: id, reason: flags.reason })
      io.line(flags.json ? JSON.stringify({ released: id }) : printable(`hold ${id} is over`))
    })
}

function adminOf(flags: Flags) {
  return adminClient(loadProfile(operatorOf(loadConfig(flags.config), flags.operator)))
}

function holdTable(holds: readonly Hold[]): string {
  const rows = holds.map(({ id, since, query, reason, operator }) => [
    ...[id, since.slice(0, 10), query, reason, operator],
  ])
  return formatTable(["hold", "since", "query", "reason", "operator"], rows)
}

function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"]
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3))
  const number = bytes / 1000 ** power
  return `${number >= 100 || power === 0 ? Math.round(number) : number.toFixed(1)} ${units[power]}`
}
