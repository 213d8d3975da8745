/**
 * Most messages of most senders: RFC 5424 without structured data, with a time in UTC, in printable ASCII that JSON writes as it
 * stands, and with nothing in them that another format could know. Their events are written by one template; the format `syslog`
 * makes the same of them (plain-message.test.ts), at three times the cost.
 */

const facilities = [
  ...["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron"],
  ...["authpriv", "ftp", "ntp", "audit", "alert", "clock"],
  ...["local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"],
]
const severities = [
  ...["emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"],
]

const priority = /<(0|[1-9]\d?|1[0-8]\d|19[01])>1 /
/** Of the days that every month has. */
const stamp =
  /(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?)(?:Z|\+00:00) /
/** So short, and of such letters, that no bound on texts in members can cut them. */
const name = /([\w.:/@-]{1,40}) /
/** What begins otherwise may be JSON or a record of a format that is carried; a line end at the end is all that is escaped. */
const contents = /- [ !#-/:-?A-KM-Z\]-mo-su-z|}~][ !#-[\]-~]*(\n?)/
const plain = new RegExp(
  `^${[priority, stamp, name, name, name, name, contents].map(({ source }) => source).join("")}$(?![\\s\\S])`,
)

export interface PlainWorld {
  readonly id: string
  readonly source: string
}

/** The event of a plain message, all ASCII; undefined for any other message. */
export function writePlain(message: Uint8Array, { id, source }: PlainWorld): string | undefined {
  const text = Buffer.from(message.buffer, message.byteOffset, message.length).toString("latin1")
  const match = plain.exec(text)
  if (match === null) return undefined
  const [, number, time, host = "", app = "", procId = "", msgId = "", end] = match
  const facility = facilities[Number(number) >> 3]
  const severity = severities[Number(number) & 7]
  const line = end === "" ? text : `${text.slice(0, -1)}\\n`
  const origin = host === "-" ? "" : `"origin":{"host":"${host}"},`
  const names = `${member("app", app)}${member("procId", procId)}${member("msgId", msgId)}`
  return `{"id":"${id}","time":"${time}Z","source":"${source}","action":"syslog.${facility}","outcome":"unknown","actor":{"type":"system","id":"unknown"},"targets":[],"severity":"${severity}",${origin}"data":{"format":"syslog","syslog":{"facility":"${facility}"${names}},"line":"${line}"}}`
}

function member(key: string, value: string): string {
  return value === "-" ? "" : `,"${key}":"${value}"`
}
