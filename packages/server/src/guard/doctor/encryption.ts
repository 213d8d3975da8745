import { existsSync } from "node:fs"
import { type Config, dataDirectories } from "../../config/index.ts"
import { openSegmentKeys } from "../../disclosures/index.ts"
import { type CompressedSegment, listCompressed } from "../../disk/index.ts"
import type { Finding } from "../exposure/index.ts"

/**
 * Whether every encrypted segment can be opened, and which ones are not encrypted. Nothing where none is and none is to be.
 * Errors: CONFIG_INVALID, SEGMENT_LOCKED if this user may not read the keys.
 */
export async function examineEncryption(config: Config): Promise<Finding[]> {
  const { log } = dataDirectories(config)
  if (!existsSync(log)) return []
  const segments = await listCompressed(log)
  const keys = openSegmentKeys(config.sealing)
  const kids = new Set(segments.flatMap(({ kid }) => kid ?? []))
  const missing = [...kids].filter((kid) => keys.find(kid) === undefined)
  return judgeEncryption(config.encryption !== undefined, segments, missing)
}

/** Pure. @param isOn what is compressed from now on is encrypted @param missing ids of keys that are not there */
export function judgeEncryption(
  isOn: boolean,
  segments: readonly CompressedSegment[],
  missing: readonly string[],
): Finding[] {
  const encrypted = segments.filter(({ kid }) => kid !== undefined)
  if (!isOn && encrypted.length === 0) return []
  const about = { subject: "log", severity: "high" } as const
  const inClear = segments.length - encrypted.length
  const stay = inClear === 0 ? "" : `, ${inClear} were compressed in clear and stay so`
  const next = isOn ? "" : "; encryption is off, and what is compressed now is in clear"
  const evidence = `${encrypted.length} segments are encrypted${stay}${next}`
  const locked = encrypted.filter(({ kid = "" }) => missing.includes(kid))
  const names = missing.map((kid) => `segments-${kid}.key`).join(", ")
  return [
    { ...about, id: "encryption.segments", result: "ok", evidence, fix: "" },
    locked.length === 0
      ? { ...about, id: "encryption.keys", result: "ok", evidence: "their keys are here", fix: "" }
      : {
          ...{ ...about, id: "encryption.keys", result: "fail" },
          evidence: `${locked.length} segments, the first with entry ${locked[0]?.first}, open to nobody: ${names} is not here`,
          fix: "bring the directory that sealing names back from its backup",
        },
  ]
}
