import { parseEntry } from "@postern/log/event"
import {
  type AlertRules,
  type Effect,
  newAlertsState,
  type Observed,
  step,
} from "../alerts/index.ts"
import { Following } from "../courier/alerts/index.ts"
import type { LogView } from "../disk/index.ts"

/** How often an alert would have been raised. */
export interface Rehearsed {
  readonly alert: string
  readonly raised: number
  /** RFC 3339; the last time, absent if never. */
  readonly last?: string
  /** Notifications that would have been made: of all alerts together they have a cap. */
  readonly notified: number
}

export interface Rehearsal {
  /** Entries [from, to) were held against the alerts. */
  readonly from: number
  readonly to: number
  /** RFC 3339, of the first and last of them. */
  readonly since: string | undefined
  readonly until: string | undefined
  readonly alerts: readonly Rehearsed[]
}

/**
 * Runs alerts over entries of the past, as the courier would have. Says how often each was raised, and nothing of what stands in an entry.
 * @param house SPIFFE IDs of the installation's own processes, the courier's first: they are not new
 */
export async function rehearse(
  view: LogView,
  rules: AlertRules,
  range: { readonly from: number; readonly to: number },
  house: readonly string[],
): Promise<Rehearsal> {
  const following = new Following(view, house[0] ?? "")
  const state = newAlertsState(range.from)
  for (const id of house) state.known.set(id, [])
  await following.learn(state)
  const effects: Effect[] = []
  let first: number | undefined
  let tickedMs = 0
  const see = (entry: Observed): void => {
    first ??= entry.receivedMs
    effects.push(...step(state, rules, { kind: "entry", entry }, entry.receivedMs))
    if (entry.receivedMs - tickedMs < 1_000) return
    tickedMs = entry.receivedMs
    effects.push(...step(state, rules, { kind: "tick", upToDate: true }, tickedMs))
  }
  for (let at = range.from; at < range.to; ) {
    const { entries, next } = await following.take(at, range.to)
    for (const entry of entries) see(entry)
    at = next
  }
  const alerts = rules.alerts.map(({ name }) => ({ alert: name, ...counted(effects, name) }))
  const until = first === undefined ? undefined : iso(state.timeMs)
  return { ...range, since: first === undefined ? undefined : iso(first), until, alerts }
}

function counted(effects: readonly Effect[], name: string): Omit<Rehearsed, "alert"> {
  const raised = effects.flatMap((one) => {
    const isIt =
      one.kind === "entry" && one.action === "postern.alert.raised" && one.data.alert === name
    return isIt ? [String(one.data.since)] : []
  })
  const notified = effects.filter((one) => {
    return one.kind === "notice" && one.notice.kind === "alert" && one.notice.alert === name
  }).length
  const last = raised.at(-1)
  return { raised: raised.length, notified, ...(last === undefined ? {} : { last }) }
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

/** Index of the first entry that was received at or after a time, by halving; received times hardly ever go back. */
export async function indexAt(view: LogView, timeMs: number): Promise<number> {
  let low = view.head().minimum
  let high = view.head().size
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const [leaf] = await view.leaves(middle, middle + 1)
    const received = leaf === undefined ? 0 : parseEntry(leaf).stamp.received / 1000
    if (received < timeMs) low = middle + 1
    else high = middle
  }
  return low
}
