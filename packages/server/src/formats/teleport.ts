import type { JsonObject, Outcome } from "@postern/log/event"
import type { ForeignMembers, Party } from "./api.ts"
import { said, textOf, unknownActor, wordOf } from "./members.ts"
import { objectFormat } from "./pieces.ts"
import { actionOf } from "./texts.ts"
import { readInstant } from "./times.ts"

/** Audit events of Teleport, as its event handler sends them and its auth server writes them to files. */
export const teleport = objectFormat(
  {
    name: "teleport",
    title: "audit events of Teleport, as JSON",
    recognisedBy: 'a JSON object with "event", "code", "time" and "cluster_name" or "uid"',
  },
  readTeleport,
)

export function isTeleport(value: JsonObject): boolean {
  const isNamed = [value.event, value.code, value.time].every((text) => typeof text === "string")
  return isNamed && (typeof value.cluster_name === "string" || typeof value.uid === "string")
}

function readTeleport(value: JsonObject): ForeignMembers | undefined {
  const event = textOf(value.event)
  if (event === undefined) return undefined
  const id = textOf(value.uid)
  const time = readInstant(value.time)
  const severity = severityOf(value.code)
  const origin = originOf(value)
  const session = textOf(value.sid)
  const error = textOf(value.error)
  return {
    ...(id === undefined ? {} : { id }),
    ...(time === undefined ? {} : { time }),
    action: actionOf("teleport", event),
    outcome: outcomeOf(value),
    ...actorsOf(value),
    targets: targetsOf(value),
    ...(severity === undefined ? {} : { severity }),
    ...(origin === undefined ? {} : { origin }),
    ...(session === undefined ? {} : { trace: { sessionId: session } }),
    ...(error === undefined ? {} : { reason: { message: error } }),
  }
}

function outcomeOf({ success, exitCode, error }: JsonObject): Outcome {
  if (typeof success === "boolean") return success ? "success" : "failure"
  const code = wordOf(exitCode)
  if (code !== undefined) return code === "0" ? "success" : "failure"
  return textOf(error) === undefined ? "unknown" : "failure"
}

/** The kind of a user that is a bot. */
const botKind = 2

/** An impersonator is who acted; the user is whose name was used. */
function actorsOf({ user, user_kind, impersonator }: JsonObject) {
  const name = textOf(user)
  if (name === undefined) return { actor: unknownActor }
  const party: Party = { type: user_kind === botKind ? "service" : "user", id: name }
  const behind = textOf(impersonator)
  if (behind === undefined) return { actor: party }
  return { actor: { type: "user", id: behind }, onBehalfOf: [party] }
}

const targetKeys = [
  ["cluster", "cluster_name"],
  ["node", "server_hostname"],
  ["node", "server_id"],
  ["database", "db_service"],
  ["kubernetes", "kubernetes_cluster"],
  ["app", "app_name"],
  ["desktop", "desktop_name"],
  ["resource", "name"],
] as const

/** The first of each type; the cluster only if nothing in it is named. */
function targetsOf(value: JsonObject): Party[] {
  const targets: Party[] = []
  for (const [type, key] of targetKeys) {
    const id = textOf(value[key])
    if (id === undefined || targets.some((target) => target.type === type)) continue
    targets.push({ type, id })
  }
  return targets.length > 1 ? targets.filter(({ type }) => type !== "cluster") : targets
}

const portPattern = /^(.+):\d{1,5}$/

function originOf(value: JsonObject): JsonObject | undefined {
  const address = textOf(value["addr.remote"])
  const ip = address === undefined ? undefined : (portPattern.exec(address)?.[1] ?? address)
  return said({ ip: ip?.replace(/^\[(.*)\]$/, "$1"), userAgent: textOf(value.user_agent) })
}

const severities: Readonly<Record<string, string>> = { I: "info", W: "warning", E: "error" }

/** By the letter at the end of an event's code, such as T1000W. */
function severityOf(code: unknown): string | undefined {
  return typeof code === "string" ? severities[code.slice(-1)] : undefined
}
