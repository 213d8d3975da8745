import type { JsonObject, Outcome } from "@postern/log/event"
import type { Decoder, ForeignMembers, Party } from "./api.ts"
import { elementsOf } from "./elements.ts"
import { said, textOf, unknownActor } from "./members.ts"
import { type BuiltFormat, objectFormat, readObject } from "./pieces.ts"
import { isObject } from "./record.ts"
import { actionOf, listMax } from "./texts.ts"
import { readInstant } from "./times.ts"

const single = objectFormat(
  {
    name: "cloudtrail",
    title: "AWS CloudTrail: log files, or a record a line",
    recognisedBy: 'a JSON object with "eventSource" and "eventName", or "Records" of these',
  },
  readCloudtrail,
)

/** CloudTrail's records, and its log files, which are one object: each of its records is an event with bytes of its own. */
export const cloudtrail: BuiltFormat = { ...single, open: openCloudtrail }

export function isCloudtrail(value: JsonObject): boolean {
  return typeof value.eventSource === "string" && typeof value.eventName === "string"
}

/** Of a log file; a document whose only member is another one is read as one record. */
export const fileStart = /^\s*\{\s*"Records"\s*:\s*\[/

function openCloudtrail(): Decoder {
  return {
    take(record, give) {
      const records = fileStart.test(Buffer.from(record.subarray(0, 256)).toString("latin1"))
        ? elementsOf(record, "Records")
        : undefined
      // Of a file without records there would be nothing left.
      const all = records === undefined || records.length === 0 ? [record] : records
      for (const one of all) give(readObject("cloudtrail", one, readCloudtrail))
    },
    end: () => undefined,
  }
}

function readCloudtrail(value: JsonObject): ForeignMembers | undefined {
  if (!isCloudtrail(value)) return undefined
  const { eventSource, eventName, readOnly } = value as JsonObject & Record<string, string>
  const id = textOf(value.eventID)
  const time = readInstant(value.eventTime)
  const reason = said({ code: textOf(value.errorCode), message: textOf(value.errorMessage) })
  const origin = originOf(value)
  return {
    ...(id === undefined ? {} : { id }),
    ...(time === undefined ? {} : { time }),
    action: actionOf(
      "aws",
      (eventSource as string).replace(/\.amazonaws\.com$/, ""),
      eventName as string,
    ),
    outcome: outcomeOf(value),
    actor: actorOf(value.userIdentity),
    targets: targetsOf(value.resources),
    ...(typeof readOnly === "boolean" ? { op: readOnly ? "read" : "write" } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(origin === undefined ? {} : { origin }),
  }
}

/** An error code is there if, and only if, the request returned an error; signing in says it in its answer. */
function outcomeOf({ errorCode, eventName, responseElements: answer }: JsonObject): Outcome {
  if (typeof errorCode === "string") {
    return /AccessDenied|Unauthorized|Forbidden/i.test(errorCode) ? "denied" : "failure"
  }
  if (errorCode !== undefined && errorCode !== null) return "unknown"
  if (eventName !== "ConsoleLogin") return "success"
  const login = isObject(answer) ? answer.ConsoleLogin : undefined
  if (login === "Success") return "success"
  return login === "Failure" ? "denied" : "unknown"
}

const actorTypes: Readonly<Record<string, string>> = {
  Root: "user",
  IAMUser: "user",
  SAMLUser: "user",
  WebIdentityUser: "user",
  IdentityCenterUser: "user",
  AssumedRole: "role",
  Role: "role",
  FederatedUser: "role",
  AWSService: "service",
  AWSAccount: "account",
}

function actorOf(identity: unknown): Party {
  if (!isObject(identity)) return unknownActor
  const { type, arn, principalId, userName, invokedBy, accountId } = identity
  const id = textOf(arn) ?? textOf(principalId) ?? textOf(userName) ?? textOf(invokedBy)
  if (id === undefined) return unknownActor
  const known = typeof type === "string" && Object.hasOwn(actorTypes, type)
  const details = said({ name: textOf(userName), account: textOf(accountId) })
  return { type: known ? (actorTypes[type] as string) : "principal", id, ...details }
}

function targetsOf(resources: unknown): Party[] {
  if (!Array.isArray(resources)) return []
  return resources.slice(0, listMax).flatMap((resource: unknown) => {
    if (!isObject(resource)) return []
    const id = textOf(resource.ARN) ?? textOf(resource.ARNPrefix)
    const type = textOf(resource.type) ?? "resource"
    return id === undefined ? [] : [{ type, id, ...said({ account: textOf(resource.accountId) }) }]
  })
}

/** The address can be the name of a service of AWS. */
function originOf(value: JsonObject): JsonObject | undefined {
  const address = textOf(value.sourceIPAddress)
  const isIp = address !== undefined && /^[\d.]+$|:/.test(address)
  return said({
    ip: isIp ? address : undefined,
    host: isIp ? undefined : address,
    userAgent: textOf(value.userAgent),
    region: textOf(value.awsRegion),
  })
}
