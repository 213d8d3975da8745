import { X509Certificate } from "node:crypto"
import { PosternError } from "@postern/log/base"
import { type Command, Option } from "commander"
import { spiffeIdOf } from "../../access/index.ts"
import { type AlertRules, parseAlerts } from "../../alerts/index.ts"
import { type Config, dataDirectories, readTextFile } from "../../config/index.ts"
import { followLog, type LogView } from "../../disk/index.ts"
import { indexAt, type Rehearsal, rehearse } from "../alert-rehearsal.ts"
import { loadInstallation } from "../installation.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption, wholeNumber } from "../options.ts"
import { formatTable } from "../table.ts"

interface Flags {
  readonly config?: string
  readonly entries?: number
  readonly days?: number
  readonly json?: true
}

const entriesDefault = 100_000
const dayMs = 86_400_000

export function registerAlertCheck(alert: Command, io: CommandIo): void {
  alert
    .command("check")
    .summary("is the file right, and how often would each alert have been raised")
    .description(
      "Checks a file of questions and alerts; what is wrong is named with its line. With --config it then runs the alerts over " +
        "entries of the log directory and counts. Nothing that stands in an entry is shown.",
    )
    .argument("<file>", "e.g. alerts.yaml, or a copy of it that is being worked on")
    .addOption(
      new Option("--config <file>", "postern.yaml of the installation: count over its log").env(
        "POSTERN_CONFIG",
      ),
    )
    .option(
      "--entries <number>",
      `so many of the newest entries (default: ${entriesDefault})`,
      wholeNumber("--entries", 1, 1_000_000_000),
    )
    .option("--days <number>", "the entries of the last days", wholeNumber("--days", 1, 3_660))
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  postern alert check alerts.yaml\n  postern alert check alerts.new.yaml --config audit/postern.yaml --days 30",
    )
    .action((file: string, flags: Flags) => check(file, flags, io))
}

async function check(file: string, flags: Flags, io: CommandIo): Promise<void> {
  if (flags.config === undefined && (flags.entries ?? flags.days) !== undefined)
    throw new PosternError("USAGE", "--entries and --days need --config")
  if (flags.entries !== undefined && flags.days !== undefined)
    throw new PosternError("USAGE", "either --entries or --days")
  const rules = parseAlerts(readTextFile(file))
  const { digest, questions, alerts, webhooks } = rules
  const found = {
    digest,
    questions: questions.length,
    alerts: alerts.length,
    webhooks: webhooks.length,
  }
  const rehearsal =
    flags.config === undefined
      ? undefined
      : await overLog(rules, loadInstallation(flags.config), flags, io)
  if (flags.json) return io.line(JSON.stringify({ ...found, rehearsal }))
  io.line(
    `${file}: ${found.alerts} alerts, ${found.questions} questions, ${found.webhooks} webhooks`,
  )
  if (rehearsal !== undefined) print(rehearsal, io)
}

async function overLog(
  rules: AlertRules,
  config: Config,
  { entries = entriesDefault, days }: Flags,
  io: CommandIo,
): Promise<Rehearsal> {
  const view = await followLog(dataDirectories(config).log)
  try {
    const to = view.head().size
    const from = await beginOf(view, to, entries, days, io)
    return await rehearse(view, rules, { from, to }, houseOf(config))
  } finally {
    await view.close()
  }
}

async function beginOf(
  view: LogView,
  to: number,
  entries: number,
  days: number | undefined,
  io: CommandIo,
): Promise<number> {
  if (days === undefined) return Math.max(0, to - entries)
  return Math.min(to, await indexAt(view, io.now().getTime() - days * dayMs))
}

function houseOf({ pki: { courier, reader } }: Config): readonly string[] {
  const certificates = courier === undefined ? [] : [courier.certificate, reader.certificate]
  return certificates.map((path) => spiffeIdOf(new X509Certificate(readTextFile(path))))
}

function print({ from, to, since, until, alerts }: Rehearsal, io: CommandIo): void {
  const when = since === undefined ? "" : `, ${since} to ${until}`
  io.line(`over the entries ${from} to ${to}${when}:`)
  const rows = alerts.map(({ alert, raised, notified, last }) => {
    return [alert, String(raised), String(notified), last ?? ""]
  })
  io.line(formatTable(["alert", "raised", "notifications", "last"], rows, { color: io.color }))
}
