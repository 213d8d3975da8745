import { randomBytes } from "node:crypto"
import { dirname } from "node:path"
import { formatBase64, PosternError, parseBase64 } from "@postern/log/base"
import {
  diskError,
  type FileSystem,
  nodeFiles,
  type OpenFile,
  readFileIfAny,
  replaceFile,
  writeAll,
} from "../disk/index.ts"

/** Files that hold one secret each: a line with 32 bytes as base64 (docs/spec/disclosures.md, Keys). */

const secretBytes = 32

/** One line, as it stands in a key file. */
export function formatSecret(secret: Uint8Array = randomBytes(secretBytes)): string {
  return `${formatBase64(secret)}\n`
}

/** Undefined if there is no such file. Errors: CONFIG_INVALID. */
export async function readSecret(
  path: string,
  files: FileSystem = nodeFiles,
): Promise<Uint8Array | undefined> {
  const bytes = await readFileIfAny(files, path).catch((cause) => {
    throw new PosternError("CONFIG_INVALID", `${path} cannot be read`, { cause })
  })
  if (bytes === undefined) return undefined
  const secret = parseBase64(bytes.toString("latin1").trimEnd())
  if (secret?.length === secretBytes) return secret
  throw new PosternError("CONFIG_INVALID", `${path} is not one line with 32 bytes as base64`)
}

/** Durable before it is used: what is sealed with a key that is lost is lost. Errors: DISK_FULL, DISK_FAILED. */
export async function makeSecret(path: string, files: FileSystem = nodeFiles): Promise<Uint8Array> {
  const secret = new Uint8Array(randomBytes(secretBytes))
  await replaceFile(path, formatSecret(secret), files)
  return secret
}

/**
 * Overwrites a file in place, takes its name away, and makes that durable. A disk that writes elsewhere than in place may keep the old
 * bytes. Nothing happens if there is no such file. Errors: DISK_FAILED.
 */
export async function destroyFile(path: string, files: FileSystem): Promise<void> {
  try {
    const file = await openIfAny(path, files)
    if (file === undefined) return
    await overwrite(file)
    await files.remove(path)
    await files.syncDirectory(dirname(path))
  } catch (cause) {
    throw new PosternError("DISK_FAILED", `${path} could not be destroyed`, { cause })
  }
}

/** As far as the disk does it: without room for a copy, one that copies on write keeps the bytes. Closes the file. */
export async function overwrite(file: OpenFile): Promise<void> {
  try {
    const noise = randomBytes(Math.min(await file.size(), noiseBytesMax))
    for (let at = 0, left = await file.size(); left > 0; at += noise.length) {
      const bytes = noise.subarray(0, Math.min(left, noise.length))
      await writeAll(file, bytes, at)
      left -= bytes.length
    }
    await file.sync()
  } catch (cause) {
    if (diskError(cause).code !== "DISK_FULL") throw cause
  } finally {
    await file.close()
  }
}

const noiseBytesMax = 1_048_576

async function openIfAny(path: string, files: FileSystem): Promise<OpenFile | undefined> {
  try {
    const there = await files.open(path, { access: "read" })
    await there.close()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw error
  }
  return await files.open(path, { access: "write" })
}
