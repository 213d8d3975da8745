import type { JsonObject, Outcome } from "@postern/log/event"
import type { ForeignMembers, Party } from "./api.ts"
import { said, textOf, unknownActor } from "./members.ts"
import { objectFormat } from "./pieces.ts"
import { isObject } from "./record.ts"
import { actionOf } from "./texts.ts"
import { readInstant } from "./times.ts"

/** What Backstage's auditor service writes to the log of its backend. */
export const backstage = objectFormat(
  {
    name: "backstage",
    title: "auditor service of Backstage, as JSON",
    recognisedBy: 'a JSON object with "isAuditEvent"',
  },
  readBackstage,
)

export function isBackstage(value: JsonObject): boolean {
  return value.isAuditEvent === true || value.isAuditEvent === "true"
}

const outcomes: Readonly<Record<string, Outcome>> = { succeeded: "success", failed: "failure" }

function readBackstage(value: JsonObject): ForeignMembers | undefined {
  const plugin = textOf(value.plugin)
  const eventId = textOf(value.eventId)
  if (!isBackstage(value) || eventId === undefined) return undefined
  const { status } = value
  const time = readInstant(value.timestamp)
  const severity = textOf(value.severityLevel)
  const message = errorText(value.error)
  const actor = isObject(value.actor) ? value.actor : {}
  const { ip, hostname, userAgent } = actor
  const origin = said({ ip: textOf(ip), host: textOf(hostname), userAgent: textOf(userAgent) })
  return {
    ...(time === undefined ? {} : { time }),
    action: actionOf("backstage", plugin ?? "", eventId),
    outcome:
      typeof status === "string" && Object.hasOwn(outcomes, status)
        ? (outcomes[status] as Outcome)
        : "unknown",
    actor: actorOf(textOf(actor.actorId)),
    targets: targetsOf(value.request),
    ...(severity === undefined ? {} : { severity }),
    ...(message === undefined ? {} : { reason: { message } }),
    ...(origin === undefined ? {} : { origin }),
    ...traceOf(status),
  }
}

function errorText(error: unknown): string | undefined {
  return isObject(error) ? textOf(error.message) : textOf(error)
}

/** An entity reference (`user:default/alice`), or a plugin or an outside caller. */
function actorOf(id: string | undefined): Party {
  if (id === undefined) return unknownActor
  if (id.startsWith("user:")) return { type: "user", id }
  return { type: /^(?:plugin|external):/.test(id) ? "service" : "principal", id }
}

function targetsOf(request: unknown): Party[] {
  if (!isObject(request)) return []
  const url = textOf(request.url)
  return url === undefined
    ? []
    : [{ type: "url", id: url, ...said({ method: textOf(request.method) }) }]
}

/** Backstage names nothing by which the two entries of one act could be paired. */
function traceOf(status: unknown): { trace?: JsonObject } {
  if (status === "initiated") return { trace: { phase: "attempt" } }
  return status === "succeeded" || status === "failed" ? { trace: { phase: "result" } } : {}
}
