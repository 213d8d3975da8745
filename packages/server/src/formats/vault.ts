import type { JsonObject, Outcome } from "@postern/log/event"
import type { ForeignMembers, Party } from "./api.ts"
import { said, textOf, unknownActor, wordOf } from "./members.ts"
import { objectFormat } from "./pieces.ts"
import { isObject } from "./record.ts"
import { actionOf } from "./texts.ts"
import { readInstant } from "./times.ts"

/** What the audit devices of Vault and OpenBao write. Values they have put through HMAC stay as they are. */
export const vault = objectFormat(
  {
    name: "vault",
    title: "audit devices of Vault and OpenBao, as JSON",
    recognisedBy:
      'a JSON object with "type":"request" or "response", and "request" with "id" and "path"',
  },
  readVault,
)

export function isVault(value: JsonObject): boolean {
  const { type, request } = value
  return (type === "request" || type === "response") && isObject(request) && "operation" in request
}

function readVault(value: JsonObject): ForeignMembers | undefined {
  if (!isVault(value)) return undefined
  const { type, request, error } = value as JsonObject & { type: string; request: JsonObject }
  const id = textOf(request.id)
  const path = textOf(request.path)
  const operation = textOf(request.operation)
  if (id === undefined || path === undefined || operation === undefined) return undefined
  const message = textOf(error)
  const time = readInstant(value.time)
  const mount = textOf(request.mount_point) ?? path
  const origin = said({ ip: textOf(request.remote_address), port: wordOf(request.remote_port) })
  return {
    id: `${id}/${type}`,
    ...(time === undefined ? {} : { time }),
    action: actionOf("vault", mount.split("/")[0] ?? "", operation),
    outcome: outcomeOf(type, error),
    actor: actorOf(value.auth),
    targets: [targetOf(request, path)],
    ...(origin === undefined ? {} : { origin }),
    ...(message === undefined ? {} : { reason: { message } }),
    trace: { pairId: id, phase: type === "request" ? "attempt" : "result" },
  }
}

/** A request has not ended yet, unless it went wrong before it was answered. */
function outcomeOf(type: string, error: unknown): Outcome {
  if (error === undefined || error === "" || error === null) {
    return type === "response" ? "success" : "unknown"
  }
  if (typeof error !== "string") return "unknown"
  return error.includes("permission denied") ? "denied" : "failure"
}

function actorOf(auth: unknown): Party {
  if (!isObject(auth)) return unknownActor
  const name = textOf(auth.display_name)
  const id = textOf(auth.entity_id) ?? name
  if (id === undefined) return unknownActor
  return name === undefined ? { type: "principal", id } : { type: "principal", id, name }
}

function targetOf(request: JsonObject, path: string): Party {
  const namespace = isObject(request.namespace) ? wordOf(request.namespace.path) : undefined
  const mount = textOf(request.mount_type)
  return { type: "path", id: path, ...said({ mount, namespace }) }
}
