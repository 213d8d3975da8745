import { encodeUtf8, formatHex, sha256 } from "@postern/log/base"
import { type JsonObject, type Outcome, parseTime } from "@postern/log/event"
import type { ForeignMembers, Party } from "./api.ts"
import { objectFormat } from "./pieces.ts"
import { isObject } from "./record.ts"
import { clipText } from "./texts.ts"

/**
 * Lines of an API server's audit log file: audit.k8s.io/v1, an Event a line. The envelope is that of docs/spec/event.md;
 * the port's adapter for the webhook makes the same on bytes, and a test holds the two against each other.
 */
export const kubernetes = objectFormat(
  {
    name: "kubernetes",
    title: "audit log file of a Kubernetes API server, audit.k8s.io/v1",
    recognisedBy: 'a JSON object with "auditID" and "stage"',
  },
  readKubernetes,
)

export function isKubernetes(value: JsonObject): boolean {
  return typeof value.auditID === "string" && typeof value.stage === "string"
}

/** As the adapter: of what the API server itself writes nothing may be missing or odd. */
const idBytesMax = 128
const stageBytesMax = 40
const timeBytesMax = 35
const actionPartMax = { resource: 63, subresource: 31, verb: 24 } as const

function readKubernetes(value: JsonObject): ForeignMembers | undefined {
  const fields = readFields(value)
  if (fields === undefined) return undefined
  const { auditID, stage, time, username, impersonated } = fields
  const stageBytes = quoted(stage).length
  if (
    auditID === "" ||
    stage === "" ||
    stageBytes > stageBytesMax ||
    quoted(stage).includes("\\")
  ) {
    return undefined
  }
  if (time.length > timeBytesMax || parseTime(time) === undefined) return undefined
  const origin = originOf(fields)
  return {
    id: idOf(auditID, stage),
    time,
    action: actionName(fields),
    outcome: outcomeOf(fields),
    actor: actorOf(username),
    ...(impersonated === "" ? {} : { onBehalfOf: [actorOf(impersonated)] }),
    targets: targetsOf(fields),
    ...(Object.keys(origin).length === 0 ? {} : { origin }),
    trace: {
      pairId: clipText(auditID),
      phase: stage === "RequestReceived" ? "attempt" : "result",
    },
  }
}

interface Fields {
  readonly auditID: string
  readonly stage: string
  readonly time: string
  readonly verb: string
  readonly uri: string
  readonly username: string
  readonly impersonated: string
  readonly agent: string | undefined
  readonly addresses: readonly string[]
  readonly object: Readonly<Record<ObjectKey, string>>
  readonly code: number
  readonly isForbidden: boolean
}

const objectKeys = ["resource", "subresource", "namespace", "name", "apiGroup"] as const
type ObjectKey = (typeof objectKeys)[number]

/** Thrown within readFields only, for a member of the wrong type. */
class OddType extends Error {}

/** undefined if a member has a type that the API server does not give it. */
function readFields(value: JsonObject): Fields | undefined {
  try {
    const object = members(value.objectRef)
    const texts = objectKeys.map((key) => [key, text(object[key])] as const)
    const { code } = members(value.responseStatus)
    const decision = members(value.annotations)["authorization.k8s.io/decision"]
    return {
      auditID: text(value.auditID),
      stage: text(value.stage),
      time:
        value.stageTimestamp == null
          ? text(value.requestReceivedTimestamp)
          : text(value.stageTimestamp),
      verb: text(value.verb),
      uri: text(value.requestURI),
      username: text(members(value.user).username),
      impersonated: text(members(value.impersonatedUser).username),
      agent: value.userAgent == null ? undefined : text(value.userAgent),
      addresses: addressesOf(value.sourceIPs),
      object: Object.fromEntries(texts) as Record<ObjectKey, string>,
      code: typeof code === "number" ? code : 0,
      isForbidden: decision === "forbid",
    }
  } catch (error) {
    if (error instanceof OddType) return undefined
    throw error
  }
}

/** Go writes null for what was never set. */
function text(value: unknown): string {
  if (value === undefined || value === null) return ""
  if (typeof value !== "string") throw new OddType("no text")
  return value
}

function members(value: unknown): JsonObject {
  if (value === undefined || value === null) return {}
  if (!isObject(value)) throw new OddType("no object")
  return value
}

/** First and last; most of the list is the client's own header. */
function addressesOf(value: unknown): readonly string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new OddType("no list")
  return value.length < 2 ? value.map(text) : [text(value[0]), text(value.at(-1))]
}

const plainText = /^[\w ./:@+-]*$/

/** As Go writes a string in JSON. */
function quoted(value: string): string {
  if (plainText.test(value)) return `"${value}"`
  return JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )
}

function idOf(auditID: string, stage: string): string {
  const written = quoted(auditID)
  const bytes = encodeUtf8(written)
  const length = bytes.length + encodeUtf8(quoted(stage)).length - 3
  if (length <= idBytesMax && !written.includes("\\")) return `${auditID}/${stage}`
  return `sha256:${formatHex(sha256(bytes))}/${stage}`
}

function actionName({ object, verb }: Fields): string {
  const { resource, subresource } = object
  const last = verb === "" ? "unknown" : actionPart(verb, actionPartMax.verb)
  if (resource === "") return `k8s.nonresource.${last}`
  const below = subresource === "" ? "" : `.${actionPart(subresource, actionPartMax.subresource)}`
  return `k8s.${actionPart(resource, actionPartMax.resource)}${below}.${last}`
}

const plainPart = /^[a-z0-9._:/-]*$/

function actionPart(value: string, bytesMax: number): string {
  if (value.length <= bytesMax && plainPart.test(value)) return value
  const bytes = Buffer.from(quoted(value)).subarray(1, -1).subarray(0, bytesMax)
  return bytes
    .toString("latin1")
    .replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
    .replaceAll(/[^a-z0-9._:/-]/g, "_")
}

function outcomeOf({ code, isForbidden }: Fields): Outcome {
  if (isForbidden || code === 401 || code === 403) return "denied"
  if (code < 100 || code > 599) return "unknown"
  if (code < 400) return "success"
  return code < 500 ? "failure" : "error"
}

function actorOf(name: string): Party {
  if (name === "") return { type: "unknown", id: "" }
  const id = clipText(name)
  if (name.startsWith("system:serviceaccount:")) return { type: "service", id }
  return { type: name.startsWith("system:") ? "system" : "user", id }
}

function targetsOf({ object, uri }: Fields): Party[] {
  const { resource, subresource, namespace, name, apiGroup } = object
  if (resource === "") return uri === "" ? [] : [{ type: "path", id: clipText(uri) }]
  const place = namespace === "" ? "" : `${clipText(namespace)}/`
  return [
    {
      type: clipText(resource),
      id: `${place}${name === "" ? "*" : clipText(name)}`,
      ...(apiGroup === "" ? {} : { apiGroup: clipText(apiGroup) }),
      ...(subresource === "" ? {} : { subresource: clipText(subresource) }),
    },
  ]
}

function originOf({ addresses, agent }: Fields): JsonObject {
  const [ip, peer] = addresses
  return {
    ...(ip === undefined ? {} : { ip: clipText(ip) }),
    ...(peer === undefined ? {} : { peer: clipText(peer) }),
    ...(agent === undefined ? {} : { userAgent: clipText(agent) }),
  }
}
