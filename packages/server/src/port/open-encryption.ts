import { existsSync } from "node:fs"
import { PosternError } from "@postern/log/base"
import { type Config, dataDirectories } from "../config/index.ts"
import {
  makeKeyDirectory,
  makeSegmentKeys,
  openSegmentKeys,
  segmentKeyFiles,
} from "../disclosures/index.ts"
import { lendSegmentKeys, listCompressed, type SegmentKeys } from "../disk/index.ts"
import type { OwnStream } from "./own-stream.ts"
import type { Tell } from "./port.ts"
import { announcer } from "./strongroom.ts"

/** What becomes of segments when they are compressed (docs/spec/disk.md, Encrypted segments). */
export interface Encryption {
  /** The directory of the keys; undefined: what is compressed stays in clear. */
  readonly sealing: string | undefined
  /** Writes the entry about another key, if it is another one than at the start before. */
  announce(own: Pick<OwnStream, "record">): Promise<void>
}

/**
 * Has this process open the segments that are encrypted already, also where none is encrypted any more, and makes the first key if they
 * are to be. A key that is away keeps nobody from writing on: what it opens is said. Errors: CONFIG_INVALID, DISK_FULL, DISK_FAILED.
 */
export async function openEncryption(
  config: Pick<Config, "data" | "sealing" | "encryption">,
  tell: Tell,
): Promise<Encryption> {
  const { sealing, encryption } = config
  const keys = openSegmentKeys(sealing)
  lendSegmentKeys(keys)
  const isLocked = await tellOfLocked(dataDirectories(config).log, keys, tell)
  if (encryption === undefined) return { sealing: undefined, announce: async () => undefined }
  const { current: file } = segmentKeyFiles(sealing)
  // Another one in its place would be in the way of the one that comes back from the backup.
  if (isLocked && !existsSync(file)) {
    throw new PosternError("CONFIG_INVALID", `${file} is missing: bring it back from its backup`)
  }
  await makeKeyDirectory(sealing)
  const { current, all } = await makeSegmentKeys(sealing)
  return {
    sealing,
    async announce(own) {
      const say = announcer(dataDirectories(config).portState, own)
      await say("encryption", current.kid, all[1]?.kid)
    },
  }
}

/** Whether there are some. */
async function tellOfLocked(log: string, keys: SegmentKeys, tell: Tell): Promise<boolean> {
  const segments = await listCompressed(log)
  const kids = new Set(segments.flatMap(({ kid }) => kid ?? []))
  const missing = [...kids].filter((kid) => keys.find(kid) === undefined)
  if (missing.length === 0) return false
  const locked = segments.filter(({ kid = "" }) => missing.includes(kid)).map(({ first }) => first)
  tell("error", "segments are encrypted under keys that are not here", {
    ...{ keys: missing, segments: locked.length, first: locked[0] },
  })
  return true
}
