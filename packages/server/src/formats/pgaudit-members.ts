import type { Outcome } from "@postern/log/event"
import type { ForeignMembers, Party } from "./api.ts"
import { csvFields } from "./csv.ts"
import { said, textOf, unknownActor, unreadable } from "./members.ts"
import type { PostgresLine } from "./postgres-line.ts"
import { actionOf } from "./texts.ts"
import { zoneData } from "./times.ts"

const auditPattern = /^AUDIT: (?=(?:SESSION|OBJECT),)/
/** Type, two numbers, class, command, type and name of the object, statement, parameters, rows. */
const fieldsMax = 10

/** pgAudit writes before the statement runs, so how it ended is not known; an error is a record of its own. */
export function membersOfPostgres(line: PostgresLine | undefined): ForeignMembers {
  if (line === undefined) return unreadable("pgaudit")
  const audit = auditPattern.exec(line.message)
  return audit === null ? plain(line) : audited(line, line.message.slice(audit[0].length))
}

function audited(line: PostgresLine, text: string): ForeignMembers {
  const [type, statement, substatement, group, command, object, name, , , rows] = csvFields(
    text,
    fieldsMax,
  )
  if (textOf(command) === undefined) return unreadable("pgaudit")
  const op = textOf(group?.toLowerCase())
  return {
    ...around(line),
    action: actionOf("pg", command as string),
    outcome: "unknown",
    targets: targetsOf(line, textOf(object), textOf(name)),
    ...(op === undefined ? {} : { op }),
    data: {
      ...zoneOf(line),
      postgres: {
        ...postgresData(line),
        ...said({
          type: textOf(type?.toLowerCase()),
          statement: textOf(statement),
          substatement: textOf(substatement),
          rows: textOf(rows),
        }),
      },
    },
  }
}

function plain(line: PostgresLine): ForeignMembers {
  const code = textOf(line.state)
  const data = postgresData(line)
  return {
    ...around(line),
    action: "pg.log",
    outcome: outcomeOf(line),
    targets: targetsOf(line),
    ...(line.severity === undefined ? {} : { severity: line.severity.toLowerCase() }),
    ...(code === undefined || code === "00000" ? {} : { reason: { code } }),
    data: { ...zoneOf(line), ...(Object.keys(data).length === 0 ? {} : { postgres: data }) },
  }
}

/** Invalid authorization (class 28) and insufficient privilege are somebody turned away. */
function outcomeOf({ severity, state }: PostgresLine): Outcome {
  if (severity !== "ERROR" && severity !== "FATAL" && severity !== "PANIC") return "unknown"
  return state === "42501" || state?.startsWith("28") ? "denied" : "failure"
}

function around(line: PostgresLine): Pick<ForeignMembers, "id" | "time" | "actor" | "origin"> {
  const { time, user, session, number } = line
  const isLocal = line.host === undefined || line.host.startsWith("[local")
  const origin = said({
    ip: isLocal ? undefined : line.host,
    port: line.port,
    application: line.application,
  })
  return {
    ...(session === undefined || number === undefined ? {} : { id: `${session}/${number}` }),
    ...(time === undefined ? {} : { time: time.time }),
    actor: user === undefined ? unknownActor : { type: "user", id: user },
    ...(origin === undefined ? {} : { origin }),
  }
}

function targetsOf({ database }: PostgresLine, type?: string, name?: string): Party[] {
  if (name !== undefined) {
    return [{ type: type?.toLowerCase() ?? "object", id: name, ...said({ database }) }]
  }
  return database === undefined ? [] : [{ type: "database", id: database }]
}

function zoneOf({ time }: PostgresLine) {
  return time === undefined ? {} : zoneData(time)
}

function postgresData({ pid, session, database }: PostgresLine) {
  return said({ pid: textOf(pid), session, database }) ?? {}
}
