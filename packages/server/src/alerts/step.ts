import { dueNotices, type Notice } from "./notifying.ts"
import { type Hit, hitOf, Observation, type Observed, observe } from "./observing.ts"
import type { Alert, AlertRules } from "./rules.ts"
import {
  type AlertState,
  type AlertsState,
  type KeyState,
  keyOf,
  keysMax,
  newAlertState,
  others,
  raisedKeys,
  raisedMax,
} from "./state.ts"
import { burstAbove, goOn, newUsual } from "./usual.ts"
import { count, inWindow } from "./window.ts"

export type { Notice }

/** What is to be done: an entry of the log, or a notification. */
export type Effect =
  | {
      readonly kind: "entry"
      readonly action: "postern.alert.raised" | "postern.alert.cleared"
      readonly data: Readonly<Record<string, unknown>>
    }
  | { readonly kind: "notice"; readonly notice: Notice }

/** What happened: an entry went by, or nothing but time. */
export type Step =
  | { readonly kind: "entry"; readonly entry: Observed }
  /** @member upToDate whether every entry has been seen: then the log's time is the machine's */
  | { readonly kind: "tick"; readonly upToDate: boolean }

/** A log's time that goes back by more than this was set back, and counts. */
const setBackMs = 3_600_000

/**
 * Takes the state one step on, in place: entries in the order of the log, in between the time. The same steps from the same
 * state come to the same state and the same effects. Notifications come of ticks alone.
 * @param nowMs milliseconds since the epoch by the machine's clock; holds for notifications, everything else goes by the log's time
 */
export function step(state: AlertsState, rules: AlertRules, what: Step, nowMs: number): Effect[] {
  const effects: Effect[] = []
  if (what.kind === "entry") {
    const { entry } = what
    passTime(state, rules, entry.receivedMs, effects)
    state.position = entry.index + 1
    const seen = new Observation(entry)
    for (const alert of rules.alerts) {
      const hit = hitOf(seen, alert, state)
      if (hit !== undefined)
        take(stateOf(state, alert), { alert, hit, entry, state, rules }, effects)
    }
    observe(seen, state)
    return effects
  }
  if (what.upToDate) passTime(state, rules, nowMs, effects)
  for (const notice of dueNotices(state, rules, nowMs)) effects.push({ kind: "notice", notice })
  return effects
}

/** Ends what alerts said that are no more, or not the same any more. To be called when `rules` come into force. */
export function retire(state: AlertsState, rules: AlertRules): Effect[] {
  const effects: Effect[] = []
  for (const [name, one] of state.alerts) {
    const alert = rules.alerts.find((known) => known.name === name)
    if (alert?.definition === one.definition) continue
    for (const [key, { raised, last }] of raisedKeys(one)) {
      const data = { alert: name, ...named(key), first: raised.first, last, reason: "changed" }
      const more = { since: iso(raised.sinceMs), digest: rules.digest }
      effects.push({ kind: "entry", action: "postern.alert.cleared", data: { ...data, ...more } })
    }
    if (alert === undefined) state.alerts.delete(name)
    else {
      const { noticeMs, told, raises } = one
      state.alerts.set(name, { ...newAlertState(alert), noticeMs, told, raises })
    }
  }
  return effects
}

function stateOf(state: AlertsState, alert: Alert): AlertState {
  let one = state.alerts.get(alert.name)
  if (one === undefined) {
    one = newAlertState(alert)
    state.alerts.set(alert.name, one)
  }
  return one
}

interface Taken {
  readonly alert: Alert
  readonly hit: Hit
  readonly entry: Observed
  readonly state: AlertsState
  readonly rules: AlertRules
}

function take(one: AlertState, taken: Taken, effects: Effect[]): void {
  const { alert, hit, entry, state, rules } = taken
  if (hit.clears) {
    const known = one.keys.get(hit.key)
    if (known?.raised !== undefined)
      clear(one, { alert, key: hit.key, of: known, rules }, state.timeMs, effects)
    one.keys.delete(hit.key)
    return
  }
  const most = keysMax(rules.alerts.length)
  let key = hit.key
  let of = keyOf(one.keys, key, most)
  note(of, alert, hit.weight, entry, state.timeMs)
  if (of.raised !== undefined || !isOver(of, alert, state.timeMs)) return
  if (key !== others && raisedKeys(one).length >= raisedMax) {
    one.keys.delete(key)
    key = others
    of = keyOf(one.keys, key, most + 1)
    note(of, alert, hit.weight, entry, state.timeMs)
    if (of.raised !== undefined) return
  }
  raise(one, { alert, key, of, rules }, state.timeMs, effects)
}

/** Counts a match. */
function note(
  of: KeyState,
  alert: Alert,
  weight: number,
  { index }: Observed,
  timeMs: number,
): void {
  of.last = index
  if (of.raised !== undefined) of.raised.total += weight
  count(of, { timeMs, index }, weight, alert.withinMs)
  if (alert.shape !== "burst") return
  of.usual ??= newUsual(timeMs)
  goOn(of.usual, timeMs, alert.count)
  of.usual.current += weight
}

function isOver(of: KeyState, alert: Alert, timeMs: number): boolean {
  if (alert.shape !== "burst") return inWindow(of, timeMs, alert.withinMs).count >= alert.count
  if (of.usual === undefined) return false
  goOn(of.usual, timeMs, alert.count)
  return of.usual.current > burstAbove(of.usual, alert.count)
}

interface Keyed {
  readonly alert: Alert
  readonly key: string
  readonly of: KeyState
  readonly rules: AlertRules
}

function raise(one: AlertState, keyed: Keyed, timeMs: number, effects: Effect[]): void {
  const { alert, of } = keyed
  const { count: total, first } = inWindow(of, timeMs, alert.withinMs)
  of.raised = { sinceMs: timeMs, first, total }
  of.quietMs = undefined
  one.raises += 1
  one.changed = { timeMs, first, last: of.last }
  effects.push({ kind: "entry", action: "postern.alert.raised", data: dataOf(keyed, of.raised) })
}

function clear(one: AlertState, keyed: Keyed, timeMs: number, effects: Effect[]): void {
  const { raised } = keyed.of
  if (raised === undefined) return
  const data = dataOf(keyed, raised)
  effects.push({ kind: "entry", action: "postern.alert.cleared", data })
  keyed.of.raised = undefined
  keyed.of.quietMs = undefined
  one.changed = { timeMs, first: raised.first, last: keyed.of.last }
}

function dataOf({ alert, key, of, rules }: Keyed, raised: NonNullable<KeyState["raised"]>) {
  const { name, severity, withinMs } = alert
  return {
    ...{ alert: name, severity, ...named(key) },
    ...{ count: raised.total, withinSeconds: withinMs / 1000 },
    ...{ first: raised.first, last: of.last, since: iso(raised.sinceMs), digest: rules.digest },
  }
}

function named(key: string): { readonly of?: string } {
  return key === "" ? {} : { of: key }
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

/** Everything that only time does. Looked at once a second of the log's time. */
function passTime(state: AlertsState, rules: AlertRules, timeMs: number, effects: Effect[]): void {
  const before = state.timeMs
  state.timeMs = timeMs < before - setBackMs ? timeMs : Math.max(before, timeMs)
  if (Math.floor(before / 1000) === Math.floor(state.timeMs / 1000)) return
  for (const alert of rules.alerts) {
    const one = state.alerts.get(alert.name)
    if (one === undefined || alert.shape === "until") continue
    for (const [key, of] of one.keys) settle(one, { alert, key, of, rules }, state.timeMs, effects)
  }
}

function settle(one: AlertState, keyed: Keyed, timeMs: number, effects: Effect[]): void {
  const { alert, key, of } = keyed
  const left = inWindow(of, timeMs, alert.withinMs).count
  if (of.raised === undefined) {
    // What is usual is worth keeping over a pause.
    if (left === 0 && of.usual === undefined) one.keys.delete(key)
    return
  }
  if (isOver(of, alert, timeMs)) {
    of.quietMs = undefined
    return
  }
  of.quietMs ??= timeMs
  if (timeMs - of.quietMs >= alert.clearAfterMs) clear(one, keyed, timeMs, effects)
}
