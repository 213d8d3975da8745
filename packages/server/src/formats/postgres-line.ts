import type { JsonObject } from "@postern/log/event"
import { csvFields } from "./csv.ts"
import { textOf, wordOf } from "./members.ts"
import { readTime, type SaidTime } from "./times.ts"

/** One record of PostgreSQL's log, whatever it was written as. */
export interface PostgresLine {
  readonly message: string
  /** LOG, ERROR, FATAL … */
  readonly severity: string | undefined
  readonly state?: string | undefined
  readonly time: SaidTime | undefined
  readonly user: string | undefined
  readonly database: string | undefined
  readonly host: string | undefined
  readonly port?: string | undefined
  readonly pid: string | undefined
  readonly session?: string | undefined
  /** Of the session: with it, the record's own name. */
  readonly number?: string | undefined
  readonly application?: string | undefined
}

/** jsonlog (PostgreSQL 15); undefined if it is something else. */
export function readJsonLine(value: JsonObject): PostgresLine | undefined {
  const { message, error_severity: severity, timestamp } = value
  if (typeof message !== "string" || typeof severity !== "string") return undefined
  if (typeof timestamp !== "string" || value.pid === undefined) return undefined
  return {
    message,
    severity,
    state: textOf(value.state_code),
    time: readTime(timestamp),
    user: textOf(value.user),
    database: textOf(value.dbname),
    host: textOf(value.remote_host),
    port: wordOf(value.remote_port),
    pid: wordOf(value.pid),
    session: textOf(value.session_id),
    number: wordOf(value.line_num),
    application: textOf(value.application_name),
  }
}

const csvColumnsMin = 23
const csvColumnsMax = 32
export const csvStart = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [^,\s]+,/

/** A whole record of csvlog. */
export function readCsvLine(text: string): PostgresLine | undefined {
  const columns = csvFields(text, csvColumnsMax)
  if (columns.length < csvColumnsMin) return undefined
  const [stamp = "", user, database, pid, from = "", session, number] = columns
  const [severity, state, message = ""] = columns.slice(11, 14)
  const [, host, port] = /^(.*):(\d+)$/s.exec(from) ?? [undefined, from]
  return {
    message,
    severity: textOf(severity),
    state: textOf(state),
    time: readTime(stamp),
    user: textOf(user),
    database: textOf(database),
    host: textOf(host),
    port: textOf(port),
    pid: textOf(pid),
    session: textOf(session),
    number: textOf(number),
    application: textOf(columns[22]),
  }
}

const severityPattern =
  /(?:^|[\s:])(LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DEBUG[1-5]?|DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT): {1,2}/
const stampPattern =
  /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? (?:[A-Z]{1,5}|[+-]\d\d(?::?\d\d)?)(?![\w])/
const namesPattern = /user=([^,\s]*),db=([^,\s]*)(?:,app=([^,]*))?(?:,client=([^,\s]*))?/
/** As Debian's and RDS's settings have it; a name with a second @ in it is left alone. */
const atPattern = /(?:^|[\s:])([^\s@:[\]]+)@([^\s@:[\],]+)(?=[\s:]|$)/
const prefixUnitsMax = 1024

/**
 * A line of stderr or syslog: what log_line_prefix put before it is read where it is written as the usual settings have it.
 * undefined if there is no severity in it.
 */
export function readTextLine(text: string): PostgresLine | undefined {
  const match = severityPattern.exec(text.slice(0, prefixUnitsMax))
  if (match === null) return undefined
  const prefix = text.slice(0, match.index)
  const stamp = stampPattern.exec(prefix)?.[0]
  const names = namesPattern.exec(prefix)
  const [, user, database] = names ?? atPattern.exec(prefix) ?? []
  return {
    message: text.slice(match.index + match[0].length),
    severity: match[1],
    time: stamp === undefined ? undefined : readTime(stamp),
    user: known(user),
    database: known(database),
    host: known(names?.[4]),
    pid: /\[(\d+)\]/.exec(prefix)?.[1],
    application: known(names?.[3]),
  }
}

function known(name: string | undefined): string | undefined {
  return name === "[unknown]" ? undefined : textOf(name)
}
