import { existsSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import type { Config } from "../../config/index.ts"
import {
  macKeyFiles,
  saltKeyFiles,
  segmentKeyFiles,
  wrappingDaysMax,
  wrappingKeyFiles,
} from "../../disclosures/index.ts"

/** How old a key may become, in days, until somebody should have changed it. */
export const keyDaysMax = {
  ...{ log: 365, receipt: 90, salt: 365, hmac: 365, segments: 365 },
  /** Behind that the port makes another one at its next start. */
  personal: wrappingDaysMax,
} as const

/** From this share of it on, `postern key list` warns. */
const warnAt = 0.8
const dayMs = 86_400_000

export interface KeyAge {
  readonly purpose: keyof typeof keyDaysMax | "sealing"
  readonly file: string
  /** When the file was written; undefined if the key is not in a file of ours. */
  readonly since: string | undefined
  /** Undefined for sealing keys: each month begins with another one. */
  readonly daysMax: number | undefined
  readonly state: "ok" | "warn" | "over" | "unknown"
}

/** The keys that sign and seal, by the times of their files; those of TLS are as old as their certificates. */
export function listKeyAges(config: Config, now: Date): KeyAge[] {
  const { logKey = "signer", receiptKey } = config.pki
  return [
    ageOf("log", logKey, now),
    ageOf("receipt", receiptKey, now),
    ...[saltKeyFiles(config.sealing).current]
      .filter((file) => existsSync(file)) // The port makes it at its first start.
      .map((file) => ageOf("salt", file, now)),
    ...[macKeyFiles(config.sealing).current]
      .filter((file) => existsSync(file)) // The port makes it when a policy asks for it.
      .map((file) => ageOf("hmac", file, now)),
    ...[segmentKeyFiles(config.sealing).current]
      .filter((file) => existsSync(file)) // The port makes it when segments are to be encrypted.
      .map((file) => ageOf("segments", file, now)),
    ...wrappingFiles(config.sealing).map((file) => ageOf("personal", file, now)),
    ...sealingFiles(config.sealing).map((file) => ageOf("sealing", file, now)),
  ]
}

function ageOf(purpose: KeyAge["purpose"], file: string, now: Date): KeyAge {
  const daysMax = purpose === "sealing" ? undefined : keyDaysMax[purpose]
  const stat = statSync(file, { throwIfNoEntry: false })
  if (stat === undefined) return { purpose, file, since: undefined, daysMax, state: "unknown" }
  const days = (now.getTime() - stat.mtimeMs) / dayMs
  const used = daysMax === undefined ? 0 : days / daysMax
  const state = used >= 1 ? "over" : used >= warnAt ? "warn" : "ok"
  return { purpose, file, since: stat.mtime.toISOString(), daysMax, state }
}

/** One, but for a moment: what wraps the keys of persons and classes. */
function wrappingFiles(directory: string): string[] {
  if (!existsSync(directory)) return []
  return wrappingKeyFiles(readdirSync(directory)).map((name) => join(directory, name))
}

/** The newest one: the others open what was sealed with them, and seal nothing any more. */
function sealingFiles(directory: string): string[] {
  if (!existsSync(directory)) return [] // Nothing was sealed yet.
  const names = readdirSync(directory).filter((name) => /^bodies-.*\.key$/.test(name))
  const made = (name: string) => statSync(join(directory, name)).mtimeMs
  return names
    .sort((a, b) => made(b) - made(a))
    .slice(0, 1)
    .map((name) => join(directory, name))
}
