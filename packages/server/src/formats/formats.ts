import type { Format } from "./api.ts"
import { auditd } from "./auditd.ts"
import { backstage } from "./backstage.ts"
import { cloudevents } from "./cloudevents.ts"
import { cloudtrail } from "./cloudtrail.ts"
import { github } from "./github.ts"
import { json } from "./json.ts"
import { kubernetes } from "./kubernetes.ts"
import { line } from "./line.ts"
import { mongodb } from "./mongodb.ts"
import { pgaudit } from "./pgaudit.ts"
import { records } from "./records.ts"
import { syslog } from "./syslog.ts"
import { teleport } from "./teleport.ts"
import { vault } from "./vault.ts"

const all: readonly Format[] = [
  ...[kubernetes, syslog, auditd, pgaudit, mongodb, vault],
  ...[backstage, github, cloudtrail, teleport, cloudevents],
  ...[records, json, line],
]

/** Every format that is built in, by its name. */
export const formats: ReadonlyMap<string, Format> = new Map(
  all.map((format) => [format.name, format]),
)
