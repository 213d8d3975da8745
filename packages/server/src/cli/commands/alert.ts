import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import type { Command } from "commander"
import {
  type AlertStanding,
  type AlertsFile,
  alertsFileName,
  alertTestKind,
  parseAlertsFile,
  parseAlertTestAnswer,
} from "../../alerts/index.ts"
import { dataDirectories, loadConfig } from "../../config/index.ts"
import { openAsking } from "../../postbox/index.ts"
import { Ending, exitCodes } from "../exit-code.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { configOption, jsonOption } from "../options.ts"
import { printable } from "../printable.ts"
import { formatTable } from "../table.ts"
import { registerAlertCheck } from "./alert-check.ts"

interface Flags {
  readonly config: string
  readonly json?: true
}

/** The slowest webhook, and what the courier needs besides. */
const answerMs = 45_000

export function registerAlert(program: Command, io: CommandIo): void {
  const alert = program
    .command("alert")
    .helpGroup(helpGroups.check)
    .summary("what is raised, whether alerts.yaml is right, a test notification")
    .description("Alerts: what the courier process notices in the log while nobody looks.")
    .addHelpText("after", examples)
  listCommand(alert, io)
  registerAlertCheck(alert, io)
  testCommand(alert, io)
}

const examples = `
Examples:
  postern alert list --config audit/postern.yaml
  postern alert check audit/alerts.yaml --config audit/postern.yaml --days 7
  postern alert test many-denied --config audit/postern.yaml`

function listCommand(alert: Command, io: CommandIo): void {
  alert
    .command("list")
    .summary("alerts in force, which are raised, and how they were delivered")
    .description(
      "Lists the alerts that the courier has in force. What it knows is some seconds old at most.",
    )
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action((flags: Flags) => {
      const file = readState(flags.config)
      const { digest, refused, writtenMs, alerts, state } = file
      if (flags.json) {
        const { position } = state
        const written = new Date(writtenMs).toISOString()
        return io.line(JSON.stringify({ digest, position, written, refused, alerts }))
      }
      const head = ["alert", "severity", "state", "since", "count", "of", "delivered"]
      io.line(formatTable(head, alerts.map(row), { color: io.color }))
      if (refused !== undefined) io.note(`postern: alerts.yaml was refused: ${printable(refused)}`)
    })
}

/** Errors: NOT_FOUND if no courier has written anything yet. */
function readState(configFile: string): AlertsFile {
  const file = join(dataDirectories(loadConfig(configFile)).courierState, alertsFileName)
  if (existsSync(file)) return parseAlertsFile(readFileSync(file, "utf8"))
  throw new PosternError("UNANSWERED", `${file} is not there: is the courier running, with alerts?`)
}

function row({ name, severity, state, since, raised, lastDelivery }: AlertStanding): string[] {
  const count = raised.reduce((sum, one) => sum + one.count, 0)
  const names = raised.flatMap(({ of }) => of ?? [])
  const shown =
    names.length > 2
      ? `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`
      : names.join(", ")
  const delivered =
    lastDelivery === undefined
      ? ""
      : `${lastDelivery.outcome} by ${lastDelivery.webhook}: ${lastDelivery.detail}`
  return [
    name,
    severity,
    state,
    since ?? "",
    state === "raised" ? String(count) : "",
    shown,
    delivered,
  ]
}

function testCommand(alert: Command, io: CommandIo): void {
  alert
    .command("test")
    .summary("have the courier send a test notification")
    .description(
      "The courier sends a notification that is marked as a test to every webhook of the alert, and says what each answered. " +
        "Ends with 4 if one of them did not take it.",
    )
    .argument("<name>", "of an alert with webhooks")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (name: string, flags: Flags) => {
      const { operatorState, courierState } = dataDirectories(loadConfig(flags.config))
      const asking = openAsking(operatorState, courierState)
      try {
        const answer = await asking.ask(alertTestKind, { alert: name }, answerMs)
        const { results } = parseAlertTestAnswer(answer)
        if (flags.json) io.line(JSON.stringify({ alert: name, results }))
        else for (const one of results) io.line(describe(one))
        if (!results.every(({ status = 0 }) => status >= 200 && status < 300))
          throw new Ending(exitCodes.unreachable)
      } finally {
        asking.close()
      }
    })
}

function describe({
  webhook,
  status,
  answer,
}: {
  webhook: string
  status?: number | undefined
  answer: string
}) {
  const said = answer === "" ? "" : `: ${answer}`
  return printable(
    status === undefined
      ? `${webhook} did not answer${said}`
      : `${webhook} answered ${status}${said}`,
  )
}
