import { existsSync } from "node:fs"
import { join } from "node:path"
import { isPosternError } from "@postern/log/base"
import { parseTime } from "@postern/log/event"
import {
  type AlertRules,
  type AlertStanding,
  alertsFileName,
  alertTestKind,
  type LastDelivery,
  parseAlerts,
  parseAlertsFile,
  parseAlertTestAnswer,
} from "../alerts/index.ts"
import { type Config, dataDirectories, readTextFile } from "../config/index.ts"
import { openAsking } from "../postbox/index.ts"
import type { AlertsDesk, AlertsWord } from "./api/index.ts"
import { textIfAny } from "./text-if-any.ts"

/** Webhooks may be slow; the courier gives up before. */
const testMs = 30_000

/** What the courier knows of questions and alerts, from its files; and the way to have it test one. */
export function openAlertsDesk(config: Config): AlertsDesk & { close(): void } {
  const { readerState, courierState } = dataDirectories(config)
  const asking = openAsking(readerState, courierState)
  return {
    word: () => readWord(config, courierState),
    async test(name) {
      const answer = await asking.ask(alertTestKind, { alert: name }, testMs)
      return parseAlertTestAnswer(answer).results.map(({ webhook, status, answer: text }) => ({
        ...{ webhook, status: status ?? null, answer: text },
      }))
    },
    close: () => asking.close(),
  }
}

async function readWord(config: Config, courierState: string): Promise<AlertsWord> {
  // The courier keeps the text that is in force; the one that people edit may not be acceptable.
  const kept = join(courierState, "alerts.yaml")
  const rules = rulesIn(existsSync(kept) ? kept : config.alerts)
  const standings = await standingsIn(join(courierState, alertsFileName))
  return {
    questions: rules?.questions ?? [],
    alerts: (rules?.alerts ?? []).map((alert) => {
      const { name, severity, queryText: query, count: threshold, withinMs } = alert
      const standing = standings.find((one) => one.name === name)
      const window = withinMs / 1000
      return { name, severity, query, threshold, window, ...describe(standing ?? {}) }
    }),
  }
}

function describe({ state = "clear", since, raised = [], lastDelivery }: Partial<AlertStanding>) {
  return {
    state,
    since: parseTime(since ?? "") ?? null,
    count: raised.reduce((sum, { count }) => sum + count, 0),
    delivered: lastDelivery === undefined ? null : describeDelivery(lastDelivery),
  }
}

function describeDelivery({ atMs, webhook, outcome, detail }: LastDelivery) {
  return { at: atMs * 1000, webhook, outcome, detail }
}

/** Undefined if there is no file, or none that can be used: the courier says why. */
function rulesIn(file: string | undefined): AlertRules | undefined {
  if (file === undefined) return undefined
  try {
    return parseAlerts(readTextFile(file))
  } catch (error) {
    if (!isPosternError(error)) throw error
    return undefined
  }
}

async function standingsIn(file: string): Promise<readonly AlertStanding[]> {
  const text = await textIfAny(file)
  if (text === undefined) return []
  try {
    return parseAlertsFile(text).alerts
  } catch (error) {
    if (!isPosternError(error)) throw error
    return []
  }
}
