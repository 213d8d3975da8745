import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { PosternError, parseBase64 } from "@postern/log/base"
import type { FileSystem, SegmentKey, SegmentKeyMaker, SegmentKeys } from "../disk/index.ts"
import { decrypt, encrypt, nonceBytes } from "./aes-gcm.ts"
import { secretBytes } from "./key-name.ts"
import {
  type KeySeries,
  openSeries,
  type SeriesFiles,
  type SeriesKey,
  seriesFiles,
  seriesKeyId,
} from "./key-series.ts"
import { readSecret } from "./secret-file.ts"

const name = { stem: "segments", label: "postern-segments-key-id/v1" }

/** Where the keys lie that wrap those of encrypted segments (docs/spec/disclosures.md, Keys of segments), in the directory of the keys. */
export function segmentKeyFiles(directory: string): SeriesFiles {
  return seriesFiles(directory, name)
}

/** Names a key and gives nothing of it away. */
export function segmentKeyId(key: Uint8Array): string {
  return seriesKeyId(name, key)
}

/** All of them; the first one is made if there is none. Errors: CONFIG_INVALID, DISK_FULL, DISK_FAILED. */
export function makeSegmentKeys(directory: string, files?: FileSystem): Promise<KeySeries> {
  return openSeries(directory, name, files)
}

/** The one that the next segment goes by; never made here. Errors: CONFIG_INVALID if it is not there. */
export async function currentSegmentKey(directory: string): Promise<SeriesKey> {
  const { current: path } = segmentKeyFiles(directory)
  const key = await readSecret(path)
  if (key !== undefined) return { kid: segmentKeyId(key), key }
  throw new PosternError("CONFIG_INVALID", `${path} is missing: bring it back from its backup`)
}

/** For whoever reads segments: the keys as they lie there when one is asked for. None is made, and none need be there. */
export function openSegmentKeys(directory: string): SegmentKeys {
  const { current, former } = segmentKeyFiles(directory)
  return {
    find(kid) {
      const found = [current, former(kid)].map(readIfAny).find((key) => {
        return key !== undefined && segmentKeyId(key) === kid
      })
      return (
        found && {
          unwrap(wrapped, bound) {
            const nonce = wrapped.subarray(0, nonceBytes)
            const secret = decrypt(found, nonce, bound, wrapped.subarray(nonceBytes))
            return secret && segmentKey(secret)
          },
        }
      )
    },
  }
}

/** For whoever encrypts them. */
export function segmentKeyMaker({ kid, key: wrapping }: SeriesKey): SegmentKeyMaker {
  return {
    make() {
      const secret = randomBytes(secretBytes)
      return {
        kid,
        key: segmentKey(secret),
        wrap(bound) {
          const nonce = randomBytes(nonceBytes)
          return Buffer.concat([nonce, encrypt(wrapping, nonce, bound, secret)])
        },
      }
    },
  }
}

function segmentKey(secret: Uint8Array): SegmentKey {
  return {
    seal: (block, bound, bytes) => encrypt(secret, nonceOfBlock(block), bound, bytes),
    open: (block, bound, sealed) => decrypt(secret, nonceOfBlock(block), bound, sealed),
  }
}

/** Each block is sealed once under a key that no other segment has. */
function nonceOfBlock(block: number): Uint8Array {
  const nonce = Buffer.alloc(nonceBytes)
  nonce.writeUInt32BE(block, nonceBytes - 4)
  return nonce
}

/** Without waiting, for those who cannot. Undefined if it is not there. Errors: SEGMENT_LOCKED if it may not be read, CONFIG_INVALID. */
function readIfAny(path: string): Uint8Array | undefined {
  const text = textIfAny(path)
  if (text === undefined) return undefined
  const secret = parseBase64(text.trimEnd())
  if (secret?.length === secretBytes) return secret
  throw new PosternError("CONFIG_INVALID", `${path} is not one line with 32 bytes as base64`)
}

function textIfAny(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1")
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw new PosternError("SEGMENT_LOCKED", `${path} cannot be read`, { cause })
  }
}
