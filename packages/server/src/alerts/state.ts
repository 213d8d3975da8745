import type { Alert } from "./rules.ts"

/** What a writer or actor that found no room is called: these are held together. */
export const others = "(others)"

/** So many writers and actors are counted apart, over all alerts. */
const keysMaxOverall = 8_192
/** So many of one alert are raised apart; others are one. Bounds what an alert can write about an attacker's names. */
export const raisedMax = 20

/** How much of something is usual in a minute. */
export interface Usual {
  /** The minute that is being counted: number of it since the epoch. */
  minute: number
  current: number
  mean: number
  variance: number
  /** Minutes that mean and variance come from. */
  minutes: number
}

export interface Raised {
  /** Milliseconds since the epoch, by the log. */
  readonly sinceMs: number
  /** Index of the first entry that counted. */
  readonly first: number
  /** Of matches, from that one on. */
  total: number
}

/** One writer or actor of an alert, or the alert as a whole. */
export interface KeyState {
  /** What counted within the window: triples of begin (ms), count and index of the first. */
  slices: number[]
  /** Index of the last entry that counted. */
  last: number
  usual: Usual | undefined
  raised: Raised | undefined
  /** Since when it is below the threshold while raised; milliseconds. */
  quietMs: number | undefined
}

export interface AlertState {
  /** Of the alert that this is the state of: with another, it begins anew. */
  definition: string
  /** In the order of their last match. */
  readonly keys: Map<string, KeyState>
  /** Raised since the last notification. */
  raises: number
  /** What the last notification said, by key: since when raised. */
  told: Map<string, number>
  /** When the last notification was made, milliseconds by the machine's clock. */
  noticeMs: number | undefined
  /** When it was raised or cleared last, and the entries between which that was: for people. */
  changed: { readonly timeMs: number; readonly first: number; readonly last: number } | undefined
}

export interface AlertsState {
  /** Index of the next entry. */
  position: number
  /** How far the log's time went, milliseconds. */
  timeMs: number
  readonly alerts: Map<string, AlertState>
  /** The addresses of each writer, the most recent last; writers in the order of their last opening. */
  readonly known: Map<string, string[]>
  /** When the notifications of the last minute were made, milliseconds by the machine's clock. */
  noticesMs: number[]
}

/** @param position index of the first entry that counts */
export function newAlertsState(position: number): AlertsState {
  return { position, timeMs: 0, alerts: new Map(), known: new Map(), noticesMs: [] }
}

export function newAlertState({ definition }: Alert): AlertState {
  const nothing = { raises: 0, noticeMs: undefined, changed: undefined }
  return { definition, keys: new Map(), told: new Map(), ...nothing }
}

export function keysMax(alerts: number): number {
  return Math.max(32, Math.floor(keysMaxOverall / Math.max(1, alerts)))
}

/** The state of a key, made if it is new; the longest unheard of that is not raised makes room for it. */
export function keyOf(keys: Map<string, KeyState>, key: string, most: number): KeyState {
  let state = keys.get(key)
  if (state === undefined) {
    state = { slices: [], last: -1, usual: undefined, raised: undefined, quietMs: undefined }
    for (const [oldest, { raised }] of keys) {
      if (keys.size < most) break
      if (raised === undefined) keys.delete(oldest)
    }
  } else keys.delete(key)
  keys.set(key, state)
  return state
}

export function raisedKeys({ keys }: AlertState): [string, KeyState & { raised: Raised }][] {
  return [...keys].filter((pair): pair is [string, KeyState & { raised: Raised }] => {
    return pair[1].raised !== undefined
  })
}
