import { severities } from "./ready-made.ts"
import type { Alert, AlertRules } from "./rules.ts"
import { type AlertState, type AlertsState, raisedKeys, raisedMax } from "./state.ts"

/** So many notifications at most are made in any minute, over all alerts. The last one of them is kept for the summary. */
export const notificationsPerMinute = 30
const minuteMs = 60_000
const namesMax = 64

/** What people are told. */
export type Notice =
  | {
      readonly kind: "alert"
      readonly alert: string
      readonly description: string
      readonly severity: Alert["severity"]
      readonly state: "raised" | "cleared"
      /** Of matches, over what is raised. */
      readonly count: number
      readonly withinSeconds: number
      /** Indexes. */
      readonly first: number | undefined
      readonly last: number | undefined
      /** RFC 3339; since when the oldest of what is raised is. */
      readonly since: string | undefined
      /** Writers or actors for which it is raised. */
      readonly of: readonly string[]
      /** How often it was raised since the last notification of it. */
      readonly raises: number
      /** Names of webhooks. */
      readonly to: readonly string[]
    }
  /** Instead of those that would be too many. */
  | {
      readonly kind: "summary"
      readonly heldBack: number
      readonly alerts: readonly string[]
      readonly to: readonly string[]
    }

interface Due {
  readonly alert: Alert
  readonly one: AlertState
}

/**
 * The notifications that are due: at most one per alert and hold-down, a clearing included, and never more than the cap. What changed
 * during a hold-down is told at its end.
 * @param nowMs milliseconds since the epoch by the machine's clock
 */
export function dueNotices(state: AlertsState, rules: AlertRules, nowMs: number): Notice[] {
  state.noticesMs = state.noticesMs.filter((at) => at <= nowMs && nowMs - at < minuteMs)
  const free = notificationsPerMinute - state.noticesMs.length
  if (free <= 0) return []
  const due = dueAlerts(state, rules, nowMs)
  const apart = due.slice(0, free - 1)
  const together = due.slice(free - 1)
  const notices: Notice[] = apart.map(noticeOf)
  if (together.length > 0) notices.push(summaryOf(together))
  for (const { one } of due) settle(one, nowMs)
  for (const _ of notices) state.noticesMs.push(nowMs)
  return notices
}

/** The worst first. */
function dueAlerts(state: AlertsState, rules: AlertRules, nowMs: number): Due[] {
  const due: Due[] = []
  for (const alert of rules.alerts) {
    const one = state.alerts.get(alert.name)
    if (one === undefined || !hasNews(one)) continue
    if (alert.to.length === 0) settle(one, nowMs)
    else if (!isHeldDown(one, alert, nowMs)) due.push({ alert, one })
  }
  const rank = ({ alert }: Due) => severities.indexOf(alert.severity)
  return due.sort((a, b) => rank(b) - rank(a))
}

function isHeldDown({ noticeMs }: AlertState, { holdDownMs }: Alert, nowMs: number): boolean {
  // A clock that was set back is no reason to be silent until it is there again.
  return noticeMs !== undefined && nowMs >= noticeMs && nowMs - noticeMs < holdDownMs
}

function hasNews(one: AlertState): boolean {
  if (one.raises > 0) return true
  const raised = raisedKeys(one)
  if (raised.length !== one.told.size) return true
  return raised.some(([key, state]) => one.told.get(key) !== state.raised.sinceMs)
}

function settle(one: AlertState, nowMs: number): void {
  one.raises = 0
  one.told = new Map(raisedKeys(one).map(([key, { raised }]) => [key, raised.sinceMs]))
  one.noticeMs = nowMs
}

function noticeOf({ alert, one }: Due): Notice {
  const { name, description, severity, withinMs, to } = alert
  const raised = raisedKeys(one)
  const numbers = (pick: (pair: (typeof raised)[number]) => number) => raised.map(pick)
  const since =
    raised.length === 0 ? undefined : Math.min(...numbers(([, of]) => of.raised.sinceMs))
  return {
    ...{ kind: "alert", alert: name, description, severity, to },
    state: raised.length === 0 ? "cleared" : "raised",
    count: numbers(([, of]) => of.raised.total).reduce((sum, count) => sum + count, 0),
    withinSeconds: withinMs / 1000,
    first:
      raised.length === 0 ? one.changed?.first : Math.min(...numbers(([, of]) => of.raised.first)),
    last: raised.length === 0 ? one.changed?.last : Math.max(...numbers(([, of]) => of.last)),
    since: since === undefined ? undefined : new Date(since).toISOString(),
    of: raised.flatMap(([key]) => (key === "" ? [] : [key])).slice(0, raisedMax + 1),
    raises: one.raises,
  }
}

function summaryOf(due: readonly Due[]): Notice {
  return {
    kind: "summary",
    heldBack: due.length,
    alerts: due.map(({ alert }) => alert.name).slice(0, namesMax),
    to: [...new Set(due.flatMap(({ alert }) => alert.to))],
  }
}
