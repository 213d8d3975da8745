import type { JsonObject } from "@postern/log/event"
import type { ForeignMembers, Party } from "./api.ts"
import { said, textOf, unknownActor } from "./members.ts"
import { objectFormat } from "./pieces.ts"
import { actionOf, clipText } from "./texts.ts"
import { readInstant } from "./times.ts"

/** CloudEvents 1.0 in their JSON form, and the extensions of theirs that say who did something and in which trace. */
export const cloudevents = objectFormat(
  {
    name: "cloudevents",
    title: "CloudEvents 1.0, as JSON",
    recognisedBy: 'a JSON object with "specversion", "id", "source" and "type"',
  },
  readCloudEvent,
)

export function isCloudEvent({ specversion, id, source, type }: JsonObject): boolean {
  return [specversion, id, source, type].every((text) => typeof text === "string" && text !== "")
}

function readCloudEvent(value: JsonObject): ForeignMembers | undefined {
  if (!isCloudEvent(value)) return undefined
  const time = readInstant(value.time)
  const subject = textOf(value.subject)
  const severity = textOf(value.severitytext)
  const trace = traceOf(value.traceparent)
  return {
    id: joinId(String(value.source), String(value.id)),
    ...(time === undefined ? {} : { time }),
    action: actionOf(String(value.type)),
    outcome: "unknown",
    actor: actorOf(value),
    targets: subject === undefined ? [] : [{ type: "subject", id: subject }],
    ...(severity === undefined ? {} : { severity }),
    ...(trace === undefined ? {} : { trace }),
  }
}

/** Source and id name an event together. The length in front keeps two pairs from looking like one. */
function joinId(source: string, id: string): string {
  return `${id.length}:${id}@${source}`
}

/** What the extension "auth context" calls whoever caused an event. */
const actorTypes: ReadonlyMap<unknown, string> = new Map([
  ["app_user", "user"],
  ["user", "user"],
  ["service_account", "service"],
  ["api_key", "key"],
  ["system", "system"],
  ["unauthenticated", "anonymous"],
])

function actorOf({ authtype, authid }: JsonObject): Party {
  const type = actorTypes.get(authtype)
  if (type === "anonymous") return { type, id: textOf(authid) ?? "anonymous" }
  const id = textOf(authid)
  return type === undefined || id === undefined ? unknownActor : { type, id }
}

const traceParent = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/

/** The extension "distributed tracing". */
function traceOf(traceparent: unknown): JsonObject | undefined {
  if (typeof traceparent !== "string") return undefined
  const [, traceId, spanId] = traceParent.exec(clipText(traceparent)) ?? []
  return said({ traceId, spanId })
}
