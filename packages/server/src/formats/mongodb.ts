import type { JsonObject, Outcome } from "@postern/log/event"
import type { ForeignMembers, Party } from "./api.ts"
import { said, textOf, unknownActor, wordOf } from "./members.ts"
import { objectFormat } from "./pieces.ts"
import { isObject } from "./record.ts"
import { actionOf, listMax } from "./texts.ts"
import { readInstant, timeOfMs } from "./times.ts"

/** The audit log of MongoDB Enterprise, Atlas and Percona Server for MongoDB, as JSON. */
export const mongodb = objectFormat(
  {
    name: "mongodb",
    title: "audit log of MongoDB and Percona Server, as JSON",
    recognisedBy: 'a JSON object with "atype" and "ts"',
  },
  readMongodb,
)

export function isMongodb(value: JsonObject): boolean {
  return typeof value.atype === "string" && "ts" in value
}

/** Of MongoDB's error codes: Unauthorized, UserNotFound, AuthenticationFailed. */
const deniedResults: readonly unknown[] = [11, 13, 18]

function readMongodb(value: JsonObject): ForeignMembers | undefined {
  const type = textOf(value.atype)
  if (type === undefined || !isMongodb(value)) return undefined
  const time = readDate(value.ts)
  const param = isObject(value.param) ? value.param : {}
  const { result } = value
  const origin = originOf(value.remote)
  return {
    ...(time === undefined ? {} : { time }),
    action: actionOf("mongodb", type),
    outcome: outcomeOf(result),
    actor: actorOf(value.users),
    targets: targetsOf(param),
    ...(origin === undefined ? {} : { origin }),
    ...(typeof result === "number" && result !== 0 ? { reason: { code: String(result) } } : {}),
  }
}

/** `{"$date": …}`: text, milliseconds, or these as text. */
function readDate(ts: unknown): string | undefined {
  const date = isObject(ts) ? ts.$date : ts
  if (isObject(date)) return timeOfMs(Number(wordOf(date.$numberLong)))
  return timeOfMs(date) ?? readInstant(date)
}

function outcomeOf(result: unknown): Outcome {
  if (typeof result !== "number") return "unknown"
  if (result === 0) return "success"
  return deniedResults.includes(result) ? "denied" : "failure"
}

/** Whoever was authenticated; of several the first, the others stand in the original. */
function actorOf(users: unknown): Party {
  const first: unknown = Array.isArray(users) ? users[0] : undefined
  if (!isObject(first)) return unknownActor
  const user = textOf(first.user)
  if (user === undefined) return unknownActor
  return { type: "user", id: user, ...said({ database: textOf(first.db) }) }
}

function originOf(remote: unknown): JsonObject | undefined {
  if (!isObject(remote)) return undefined
  const { ip, host, port, unix } = remote
  return said({ ip: textOf(ip) ?? textOf(host), port: wordOf(port), socket: textOf(unix) })
}

function targetsOf(param: JsonObject): Party[] {
  const targets: Party[] = []
  const database = textOf(param.db)
  const named = (type: string, name: unknown): void => {
    const id = textOf(name)
    if (id === undefined || targets.length === listMax) return
    targets.push({ type, id, ...said({ database }) })
  }
  const namespace = textOf(param.ns)
  if (namespace !== undefined) targets.push({ type: "namespace", id: namespace })
  named("user", param.user)
  named("role", param.role)
  named("command", param.command)
  if (targets.length === 0 && database !== undefined)
    targets.push({ type: "database", id: database })
  return targets
}
