import type { JsonObject } from "@postern/log/event"
import type { ForeignMembers, Party } from "./api.ts"
import { said, textOf, unknownActor, wordOf } from "./members.ts"
import { objectFormat } from "./pieces.ts"
import { isObject } from "./record.ts"
import { actionOf } from "./texts.ts"
import { timeOfMs } from "./times.ts"

/** GitHub's audit log as it is streamed or exported. It does not say how an act ended. */
export const github = objectFormat(
  {
    name: "github",
    title: "audit log stream and export of GitHub, as JSON",
    recognisedBy:
      'a JSON object with "action", and "@timestamp" and "_document_id" or "created_at"',
  },
  readGithub,
)

export function isGithub(value: JsonObject): boolean {
  if (typeof value.action !== "string" || isObject(value.actor)) return false
  return (
    typeof value["@timestamp"] === "number" && ("_document_id" in value || "created_at" in value)
  )
}

/** What an act can be about, the closest first. */
const targetKeys = ["repo", "user", "team", "org", "business"] as const

function readGithub(value: JsonObject): ForeignMembers | undefined {
  if (!isGithub(value)) return undefined
  const id = textOf(value._document_id)
  const time = timeOfMs(value["@timestamp"])
  const op = textOf(value.operation_type)
  const { actor_location: place } = value
  const country = isObject(place) ? textOf(place.country_code) : undefined
  const origin = said({ ip: textOf(value.actor_ip), userAgent: textOf(value.user_agent), country })
  return {
    ...(id === undefined ? {} : { id }),
    ...(time === undefined ? {} : { time }),
    action: actionOf("github", value.action as string),
    outcome: "unknown",
    actor: actorOf(value),
    targets: targetKeys.flatMap((key) => targetOf(key, value)),
    ...(op === undefined ? {} : { op }),
    ...(origin === undefined ? {} : { origin }),
  }
}

function actorOf(value: JsonObject): Party {
  const id = textOf(value.actor)
  if (id === undefined) return unknownActor
  const isBot = value.actor_is_bot === true || id.endsWith("[bot]")
  return { type: isBot ? "service" : "user", id, ...said({ number: wordOf(value.actor_id) }) }
}

function targetOf(key: string, value: JsonObject): Party[] {
  const id = textOf(value[key])
  return id === undefined
    ? []
    : [{ type: key, id, ...said({ number: wordOf(value[`${key}_id`]) }) }]
}
