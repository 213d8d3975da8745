/**
 * RFC 3339 as events carry it: upper-case T and Z, up to nine digits of a second
 * (docs/spec/event.md).
 */

const timePattern =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/

/**
 * Microseconds since 1970-01-01 UTC; a finer fraction is rounded up, so that `time >= parsed` means
 * what it says for times in whole microseconds. Negative before 1970. undefined for anything that
 * RFC 3339 does not allow. A leap second (:60) is taken for the first instant of the next minute.
 */
export function parseTime(text: string): number | undefined {
  const match = timePattern.exec(text)
  if (match === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map(Number)
  if (hour > 23 || minute > 59 || second > 60) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  // A date that does not exist, such as 30 February, comes back as another one.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  const offset = offsetMinutes(match)
  if (offset === undefined) return undefined
  const seconds = date.getTime() / 1000 + (hour * 60 + minute - offset) * 60 + second
  return seconds * 1_000_000 + fractionMicroseconds(match[7] ?? "")
}

/**
 * UTC with six digits of a second. `microseconds`: whole, since 1970-01-01 UTC, up to the year
 * 9999.
 */
export function formatTime(microseconds: number): string {
  const milliseconds = Math.floor(microseconds / 1000)
  const rest = microseconds - milliseconds * 1000
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${String(rest).padStart(3, "0")}Z`
}

/** The second that was formatted last and its text: a busy writer stamps many events in one. */
let knownSecond = Number.NaN
let knownText = ""

/**
 * As Date.toISOString(), for any time that a Date can hold, at a small part of its price.
 * @param ms whole, since 1970-01-01 UTC
 */
export function formatInstant(ms: number): string {
  const second = Math.floor(ms / 1000)
  if (second !== knownSecond) {
    knownText = new Date(second * 1000).toISOString().slice(0, -4)
    knownSecond = second
  }
  const rest = ms - second * 1000
  const zeros = rest < 10 ? "00" : rest < 100 ? "0" : ""
  return `${knownText}${zeros}${rest}Z`
}

function offsetMinutes(match: RegExpExecArray): number | undefined {
  if (match[8] === undefined) return 0
  const hours = Number(match[9])
  const minutes = Number(match[10])
  if (hours > 23 || minutes > 59) return undefined
  return (match[8] === "-" ? -1 : 1) * (hours * 60 + minutes)
}

function fractionMicroseconds(digits: string): number {
  const whole = Number(digits.slice(0, 6).padEnd(6, "0"))
  return /[1-9]/.test(digits.slice(6)) ? whole + 1 : whole
}
