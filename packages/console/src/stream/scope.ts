import { formatTime, parseTime } from "@postern/log/event"
import type { Scope } from "../api/index.ts"

/** Which part of the log a question is about, as it stands in the address. */
export interface StreamQuestion {
  readonly q: string
  /** A preset, or undefined for the times below. */
  readonly range: RangeName | undefined
  /** RFC 3339. */
  readonly since: string | undefined
  readonly until: string | undefined
  readonly order: "desc" | "asc"
}

export const ranges = {
  "15m": { label: "Last 15 minutes", seconds: 900 },
  "1h": { label: "Last hour", seconds: 3600 },
  "24h": { label: "Last 24 hours", seconds: 86_400 },
  "7d": { label: "Last 7 days", seconds: 604_800 },
  "30d": { label: "Last 30 days", seconds: 2_592_000 },
  all: { label: "All time", seconds: undefined },
} as const

export type RangeName = keyof typeof ranges

const rangeByDefault: RangeName = "24h"

/** Times that are none are left out, so that an address that was cut still opens. */
export function readQuestion(parameters: URLSearchParams): StreamQuestion {
  const since = timeIn(parameters.get("since"))
  const until = timeIn(parameters.get("until"))
  const name = parameters.get("range") ?? ""
  const hasTimes = since !== undefined || until !== undefined
  const preset = Object.hasOwn(ranges, name) ? (name as RangeName) : rangeByDefault
  return {
    q: parameters.get("q") ?? "",
    range: hasTimes ? undefined : preset,
    since,
    until,
    order: parameters.get("order") === "asc" ? "asc" : "desc",
  }
}

function timeIn(text: string | null): string | undefined {
  return text !== null && parseTime(text) !== undefined ? text : undefined
}

/** What is asked of the API: a preset becomes a time, reckoned from `now` (ms), to the second. */
export function scopeOf({ q, range, since, until }: StreamQuestion, now: number): Scope {
  const seconds = range === undefined ? undefined : ranges[range].seconds
  const from = seconds === undefined ? since : formatTime((Math.floor(now / 1000) - seconds) * 1e6)
  return { ...(q === "" ? {} : { q }), since: from, until }
}

/** Whether entries that come in now belong to the answer, at its top. */
export function canBeLive({ until, order }: StreamQuestion): boolean {
  return until === undefined && order === "desc"
}

/** `2026-11-22 13:05:09` of an input field, in the zone that was chosen, as RFC 3339; undefined for anything else. */
export function readMoment(text: string, zone: "local" | "utc"): string | undefined {
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d(?:\.\d{1,6})?))?)?(Z)?$/.exec(
    text.trim(),
  )
  if (match === null) return undefined
  const [, day = "", minute = "00:00", second = "00", isUtc] = match
  const [whole = "00", fraction = ""] = second.split(".")
  const digits = fraction.padEnd(6, "0")
  const plain = `${day}T${minute}:${whole}`
  if (parseTime(`${plain}Z`) === undefined) return undefined
  if (zone === "utc" || isUtc !== undefined) return `${plain}.${digits}Z`
  const moment = new Date(plain)
  return Number.isNaN(moment.getTime())
    ? undefined
    : formatTime(moment.getTime() * 1000 + Number(digits))
}
