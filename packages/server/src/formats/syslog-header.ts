import type { JsonObject } from "@postern/log/event"
import { readStructuredData } from "./structured-data.ts"
import { readBsdTime, readTime, type SaidTime } from "./times.ts"

/** What stands before a message: of RFC 5424, of RFC 3164, of /dev/log, or of a line in a file of these. */
export interface SyslogHeader {
  /** undefined: without a priority, as in files. */
  readonly facility: string | undefined
  readonly severity: string | undefined
  readonly time: SaidTime | undefined
  readonly host: string | undefined
  readonly app: string | undefined
  readonly procId: string | undefined
  readonly msgId: string | undefined
  readonly structured: JsonObject | undefined
  /** Where the message begins. */
  readonly at: number
}

const facilities = [
  ...["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron"],
  ...["authpriv", "ftp", "ntp", "audit", "alert", "clock"],
  ...["local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"],
]
const severities = [
  ...["emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"],
]
const priorityPattern = /^<(\d{1,3})>/
const nothing = { msgId: undefined, structured: undefined }

/** undefined: neither a priority nor a time, so nothing says that this is syslog. */
export function readHeader(text: string, nowMs: () => number): SyslogHeader | undefined {
  const priority = priorityPattern.exec(text)
  if (priority === null) return readBsdHeader(text, 0, undefined, nowMs)
  const number = Number(priority[1])
  if (number > 191) return undefined
  const at = priority[0].length
  return readNewHeader(text, at, number) ?? readBsdHeader(text, at, number, nowMs)
}

const newPattern = /1 (\S+) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) (?=[-[])/y

/** RFC 5424. */
function readNewHeader(text: string, at: number, priority: number): SyslogHeader | undefined {
  newPattern.lastIndex = at
  const match = newPattern.exec(text)
  if (match === null) return undefined
  const [head, stamp = "", host, app, procId, msgId] = match
  const time = stamp === "-" ? undefined : readTime(stamp)
  if (stamp !== "-" && time === undefined) return undefined
  const from = at + head.length
  const data = readStructuredData(text, from)
  return {
    ...namesOf(priority),
    time,
    host: value(host),
    app: value(app),
    procId: value(procId),
    msgId: value(msgId),
    structured: data?.elements,
    // What cannot be read as structured data is left to the message.
    at: afterSpace(text, data?.end ?? from),
  }
}

function namesOf(priority: number | undefined): Pick<SyslogHeader, "facility" | "severity"> {
  if (priority === undefined) return { facility: undefined, severity: undefined }
  return { facility: facilities[priority >> 3], severity: severities[priority & 7] }
}

function value(text: string | undefined): string | undefined {
  return text === "-" ? undefined : text
}

const bomUnit = 0xfeff
const spaceUnit = 0x20

function afterSpace(text: string, at: number): number {
  const from = text.charCodeAt(at) === spaceUnit ? at + 1 : at
  return text.charCodeAt(from) === bomUnit ? from + 1 : from
}

const bsdTimeUnits = 15
const isoPattern = /\d{4}-\d\d-\d\dT\S{8,27}(?= )/y
const hostPattern = /([^\s[\]{}"']{1,255}) /y
const tagPattern = /([\w./@()-]{1,128})(?:\[([^\]\s]{1,128})\])?:/y

/** RFC 3164, also with an RFC 3339 time as rsyslog forwards it, and without the host as programs write it to /dev/log. */
function readBsdHeader(
  text: string,
  at: number,
  priority: number | undefined,
  nowMs: () => number,
): SyslogHeader | undefined {
  const { time, end } = readBsdStamp(text, at, nowMs)
  if (time === undefined && priority === undefined) return undefined
  let next = time === undefined ? at : afterSpace(text, end)
  const first = time === undefined ? undefined : tagAt(text, next)
  let host: string | undefined
  if (time !== undefined && first === undefined) {
    hostPattern.lastIndex = next
    host = hostPattern.exec(text)?.[1]
    if (host !== undefined) next += host.length + 1
  }
  const tag = first ?? tagAt(text, next)
  return {
    ...namesOf(priority),
    ...nothing,
    time,
    host,
    app: tag?.app,
    procId: tag?.procId,
    at: afterSpace(text, tag?.end ?? next),
  }
}

function readBsdStamp(
  text: string,
  at: number,
  nowMs: () => number,
): { time: SaidTime | undefined; end: number } {
  const bsdEnd = at + bsdTimeUnits
  const bsd = readBsdTime(text.slice(at, bsdEnd), nowMs)
  if (bsd !== undefined) return { time: { time: bsd, hasZone: false }, end: bsdEnd }
  isoPattern.lastIndex = at
  const iso = isoPattern.exec(text)?.[0] ?? ""
  return { time: iso === "" ? undefined : readTime(iso), end: at + iso.length }
}

function tagAt(
  text: string,
  at: number,
): { app: string; procId: string | undefined; end: number } | undefined {
  tagPattern.lastIndex = at
  const match = tagPattern.exec(text)
  if (match === null) return undefined
  return { app: match[1] as string, procId: match[2], end: at + match[0].length }
}
