import { parseTime } from "@postern/log/event"

/** Times as sources write them, made RFC 3339 in UTC. Fractions of a second stay as they were, to nine digits. */

export interface SaidTime {
  readonly time: string
  /** False: the source named no zone, or one that has more than one meaning; the time was read as UTC. */
  readonly hasZone: boolean
}

const timeBytesMax = 35
const secondsPattern = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)?(.*)$/s
const offsetPattern = /^([+-])(\d\d):?(\d\d)?$/

/** RFC 3339, also with a space for the T, with an offset in hours, or without a zone; undefined for anything else. */
export function readTime(text: string): SaidTime | undefined {
  if (isUtc(text)) return { time: text, hasZone: true }
  const match = secondsPattern.exec(text)
  if (match === null) return undefined
  const [, date, clock, digits, rest = ""] = match
  const fraction = digits === undefined ? "" : `.${digits}`
  const zone = rest.trim()
  const offset = offsetPattern.exec(zone)
  if (offset !== null) return shift(`${date}T${clock}${fraction}`, offset)
  if (zone !== "" && !/^(?:[A-Za-z]{1,5}|[A-Z][A-Za-z_]+(?:\/[A-Za-z_+-]+)+)$/.test(zone)) {
    return undefined
  }
  const time = `${date}T${clock}${fraction}Z`
  if (parseTime(time) === undefined) return undefined
  return { time, hasZone: /^(?:z|utc|gmt)$/i.test(zone) }
}

/** RFC 3339 with a zone, as the same instant in UTC; undefined for anything else. */
export function readInstant(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined
  const said = readTime(value)
  return said?.hasZone ? said.time : undefined
}

/** The days that every month has, so that nothing is left to look up. */
const usualUtc =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$/

function isUtc(text: string): boolean {
  if (usualUtc.test(text)) return true
  if (text.length > timeBytesMax || !text.endsWith("Z")) return false
  return parseTime(text) !== undefined
}

/** The same instant, written in UTC. */
function shift(local: string, offset: RegExpExecArray): SaidTime | undefined {
  const text = `${local}${offset[1]}${offset[2]}:${offset[3] ?? "00"}`
  const microseconds = parseTime(text)
  if (microseconds === undefined) return undefined
  const [, fraction = ""] = /(\.\d+)$/.exec(local) ?? []
  // Of the whole second, so that a fraction is neither rounded nor lost.
  const second = parseTime(text.replace(fraction, "")) as number
  return { time: `${textOfMs(second / 1000).slice(0, 19)}${fraction}Z`, hasZone: true }
}

/** Of whole or broken milliseconds since 1970; undefined outside of the years 1970 to 9999. */
export function timeOfMs(ms: unknown): string | undefined {
  if (typeof ms !== "number" || !(ms >= 0 && ms < 253_402_300_800_000)) return undefined
  return textOfMs(Math.floor(ms))
}

function textOfMs(ms: number): string {
  return new Date(ms).toISOString()
}

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
const bsdPattern = /^([A-Za-z]{3}) ([ \d]?\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?$/

/**
 * The time of RFC 3164, `Oct 11 22:14:15`, which names neither year nor zone: the year that puts it nearest to now, and
 * UTC. undefined for anything else.
 */
export function readBsdTime(text: string, now: () => number): string | undefined {
  const match = bsdPattern.exec(text)
  if (match === null) return undefined
  const [, name = "", dayText = "", hour = "", minute = "", second = "", fraction] = match
  const month = months.indexOf(name.toLowerCase())
  const day = Number(dayText)
  if (month < 0 || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  const year = nearestYear(month, day, now())
  if (year === undefined) return undefined
  const date = `${year}-${String(month + 1).padStart(2, "0")}-${String(day).padStart(2, "0")}`
  return `${date}T${hour}:${minute}:${second}${fraction === undefined ? "" : `.${fraction}`}Z`
}

const sureMs = 150 * 86_400_000

/** undefined: the day is in no month. To the day, which is all that can be said without a zone. */
function nearestYear(month: number, day: number, nowMs: number): number | undefined {
  const thisYear = new Date(nowMs).getUTCFullYear()
  if (day <= 28 && Math.abs(Date.UTC(thisYear, month, day) - nowMs) < sureMs) return thisYear
  let nearest: number | undefined
  let nearestMs = Number.POSITIVE_INFINITY
  for (const year of [thisYear - 1, thisYear, thisYear + 1]) {
    const at = Date.UTC(year, month, day)
    if (new Date(at).getUTCDate() !== day || Math.abs(at - nowMs) >= nearestMs) continue
    nearest = year
    nearestMs = Math.abs(at - nowMs)
  }
  return nearest
}

/** What an event says of a time that named no zone. */
export function zoneData({ hasZone }: SaidTime): { timeZone?: "unknown" } {
  return hasZone ? {} : { timeZone: "unknown" }
}
