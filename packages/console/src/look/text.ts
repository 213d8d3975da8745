import type { Zone } from "../kept/index.ts"

/** Microseconds since 1970 as `2026-11-22 13:05:09.123`, in the zone that was chosen; `µs` gives all six digits. */
export function formatMoment(
  microseconds: number,
  zone: Zone,
  digits: "s" | "ms" | "µs" = "ms",
): string {
  const moment = new Date(Math.floor(microseconds / 1000))
  if (Number.isNaN(moment.getTime())) return `${microseconds} µs`
  const shifted = zone === "utc" ? moment : new Date(moment.getTime() - offsetMs(moment))
  const text = shifted.toISOString().replace("T", " ").slice(0, -1)
  if (digits === "s") return text.slice(0, -4)
  if (digits === "ms") return text
  return `${text}${String(microseconds % 1000).padStart(3, "0")}`
}

function offsetMs(moment: Date): number {
  return moment.getTimezoneOffset() * 60_000
}

/** Both zones, to the microsecond: what is shown on hover. */
export function exactMoment(microseconds: number): string {
  const moment = new Date(Math.floor(microseconds / 1000))
  if (Number.isNaN(moment.getTime())) return `${microseconds} µs`
  const minutes = -moment.getTimezoneOffset()
  const sign = minutes < 0 ? "−" : "+"
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  const offset = `UTC${sign}${String(hours).padStart(2, "0")}:${String(rest).padStart(2, "0")}`
  return `${formatMoment(microseconds, "utc", "µs")} UTC\n${formatMoment(microseconds, "local", "µs")} ${offset}\n${microseconds} µs`
}

const steps: readonly [number, string][] = [
  [86_400, "day"],
  [3600, "hour"],
  [60, "minute"],
  [1, "second"],
]

/** `3 hours ago`, `in 12 days`, `just now`. @param microseconds of the moment and of now */
export function formatAge(microseconds: number, now: number): string {
  const seconds = Math.round((now - microseconds) / 1_000_000)
  const size = Math.abs(seconds)
  for (const [length, name] of steps) {
    if (size < length * (length === 1 ? 2 : 1.5)) continue
    const count = counted(Math.round(size / length), name)
    return seconds < 0 ? `in ${count}` : `${count} ago`
  }
  return "just now"
}

/** `90 s`, `5 min`, `6 h`, `2 d`: an interval of microseconds. */
export function formatSpan(microseconds: number): string {
  const seconds = microseconds / 1_000_000
  if (seconds < 1) return `${trim(microseconds / 1000)} ms`
  if (seconds < 120) return `${trim(seconds)} s`
  if (seconds < 7200) return `${trim(seconds / 60)} min`
  if (seconds < 172_800) return `${trim(seconds / 3600)} h`
  return `${trim(seconds / 86_400)} d`
}

function trim(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: 1 })
}

export function formatCount(value: number): string {
  return value.toLocaleString("en")
}

/** `1 entry`, `12,000 entries`. */
export function counted(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`
  const plural = /[^aeo]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`
  return `${formatCount(count)} ${/(?:s|sh|ch)$/.test(noun) ? `${noun}es` : plural}`
}

export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"]
  let size = bytes
  let unit = 0
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000
    unit++
  }
  return `${size.toLocaleString("en", { maximumFractionDigits: size < 10 && unit > 0 ? 1 : 0 })} ${units[unit]}`
}

/** Characters that reorder or hide text would let one thing look like another: they are shown by their number. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, (character) => {
    if (character === "\n") return character
    const code = character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")
    return `\u27e8U+${code}\u27e9`
  })
}

/** What tells identities of one installation apart: a SPIFFE ID without its trust domain and its role. */
export function shortIdentity(id: string): string {
  return visible(id.replace(/^spiffe:\/\/[^/]+\/(?:(?:writer|reader|operator)\/)?/, ""))
}

/** One line for a cell, whatever the value is. */
export function lineOf(value: unknown): string {
  if (value === undefined || value === null) return ""
  const text = typeof value === "string" ? value : JSON.stringify(value)
  return visible(text.length > 300 ? `${text.slice(0, 300)}…` : text).replaceAll("\n", "⏎")
}
