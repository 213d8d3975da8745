import type { JsonObject } from "@postern/log/event"
import { auditd, auditdStart } from "./auditd.ts"
import { backstage, isBackstage } from "./backstage.ts"
import { cloudevents, isCloudEvent } from "./cloudevents.ts"
import { cloudtrail, isCloudtrail } from "./cloudtrail.ts"
import { github, isGithub } from "./github.ts"
import { json } from "./json.ts"
import { isKubernetes, kubernetes } from "./kubernetes.ts"
import { isMongodb, mongodb } from "./mongodb.ts"
import { pgaudit } from "./pgaudit.ts"
import type { BuiltFormat } from "./pieces.ts"
import { readJsonLine } from "./postgres-line.ts"
import { parseObject } from "./record.ts"
import { isTeleport, teleport } from "./teleport.ts"
import { isVault, vault } from "./vault.ts"

const objects: readonly (readonly [(value: JsonObject) => boolean, BuiltFormat])[] = [
  [isBackstage, backstage],
  [isKubernetes, kubernetes],
  [isCloudtrail, cloudtrail],
  [isMongodb, mongodb],
  [isVault, vault],
  [isGithub, github],
  [isTeleport, teleport],
  [isCloudEvent, cloudevents],
  [(value) => readJsonLine(value) !== undefined, pgaudit],
  [() => true, json],
]

/**
 * At its start only: what stands further on in a message may have been chosen by whoever failed to log in somewhere. Syslog
 * numbers PostgreSQL's records; on stderr the usual settings begin with the time.
 */
const postgresStart =
  /^(?:\[\d{1,10}-\d{1,10}\] |LOG: {1,2}AUDIT: |\d{4}-\d\d-\d\d \d\d:\d\d:\d\d.{0,512}?(?:LOG: {1,2}|LOG,.{0,8},"?)AUDIT: )/

/** Of all that the two patterns can begin with: most messages need no second look. */
const textStarts = new Set([..."tn[L0123456789"].map((letter) => letter.charCodeAt(0)))

export interface Recognised {
  readonly format: BuiltFormat
  /** What was read on the way, if it is JSON. */
  readonly value?: JsonObject
}

/** The format of a text that is no syslog message; undefined where only `line` is left. */
export function recogniseText(text: string): Recognised | undefined {
  if (text.startsWith("{")) {
    const value = parseObject(text)
    if (value === undefined) return undefined
    const [, format] = objects.find(([is]) => is(value)) as (typeof objects)[number]
    return { format, value }
  }
  if (!textStarts.has(text.charCodeAt(0))) return undefined
  if (auditdStart.test(text)) return { format: auditd }
  return postgresStart.test(text) ? { format: pgaudit } : undefined
}
