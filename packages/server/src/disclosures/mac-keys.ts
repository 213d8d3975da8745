import type { FileSystem } from "../disk/index.ts"
import {
  type KeySeries,
  openSeries,
  type SeriesFiles,
  type SeriesKey,
  seriesFiles,
  seriesKeyId,
} from "./key-series.ts"

/** A key of the policy's HMACs, tokens and samples (docs/spec/policy.md); its id stands in events. */
export type MacKey = SeriesKey
/** A value can be looked up under each. */
export type MacKeys = KeySeries

const name = { stem: "hmac", label: "postern-hmac-key-id/v1" }

/** Names a key and gives nothing of it away. */
export function macKeyId(key: Uint8Array): string {
  return seriesKeyId(name, key)
}

export function macKeyFiles(directory: string): SeriesFiles {
  return seriesFiles(directory, name)
}

/** Errors: CONFIG_INVALID, DISK_FULL, DISK_FAILED. */
export function openMacKeys(directory: string, files?: FileSystem): Promise<MacKeys> {
  return openSeries(directory, name, files)
}
