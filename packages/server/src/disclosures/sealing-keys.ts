import { randomBytes } from "node:crypto"
import { access, mkdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { formatBase64, PosternError, parseBase64 } from "@postern/log/base"
import { replaceFile } from "../disk/index.ts"
import type { SaltKeys } from "./salts.ts"

/** A key that seals disclosures (docs/spec/disclosures.md, Keys). Whoever has it can open what was sealed with it. */
export interface SealingKey {
  readonly id: string
  /** 32 bytes, secret. */
  readonly secret: Uint8Array
}

export const keyIdPattern = /^bodies-\d{4}-\d{2}(?:-[1-9]\d{0,3})?$/
const secretBytes = 32

/** The key of that id; undefined if it is not there. Read anew each time: a key that was destroyed opens nothing. Errors: CONFIG_INVALID. */
export async function readSealingKey(
  directory: string,
  id: string,
): Promise<SealingKey | undefined> {
  const secret = await readSecret(join(directory, `${id}.key`))
  return secret && { id, secret }
}

/**
 * The key that seals at this time, made if there is none; `made` says so. Where files of a key lie whose key is gone, it was
 * destroyed, and is not made a second time. Errors: CONFIG_INVALID, DISK_FULL, DISK_FAILED.
 */
export async function currentSealingKey(
  directory: string,
  sealedDirectory: string,
  now: Date,
): Promise<{ readonly key: SealingKey; readonly made: boolean }> {
  const month = `bodies-${now.toISOString().slice(0, 7)}`
  for (let n = 1; ; n++) {
    const id = n === 1 ? month : `${month}-${n}`
    const key = await readSealingKey(directory, id)
    if (key !== undefined) return { key, made: false }
    if (await isThere(join(sealedDirectory, id))) continue
    return { key: { id, secret: await makeSecret(join(directory, `${id}.key`)) }, made: true }
  }
}

/** Where the secrets lie that make salts, in the directory of the keys. */
export function saltKeyFiles(directory: string): { current: string; previous: string } {
  return { current: join(directory, "salt.key"), previous: join(directory, "salt-previous.key") }
}

/** The secrets that make salts of what is kept out of an event; the current one is made if there is none. Errors: as currentSealingKey. */
export async function openSaltKeys(directory: string): Promise<SaltKeys> {
  const { current, previous } = saltKeyFiles(directory)
  return {
    current: (await readSecret(current)) ?? (await makeSecret(current)),
    previous: await readSecret(previous),
  }
}

/** One line, as it stands in a key file. */
export function formatSecret(secret: Uint8Array = randomBytes(secretBytes)): string {
  return `${formatBase64(secret)}\n`
}

async function readSecret(path: string): Promise<Uint8Array | undefined> {
  let text: string
  try {
    text = await readFile(path, "latin1")
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw new PosternError("CONFIG_INVALID", `${path} cannot be read`, { cause })
  }
  const secret = parseBase64(text.trimEnd())
  if (secret?.length === secretBytes) return secret
  throw new PosternError("CONFIG_INVALID", `${path} is not one line with 32 bytes as base64`)
}

/** Durable before it is used: what is sealed with a key that is lost is lost. */
async function makeSecret(path: string): Promise<Uint8Array> {
  const secret = randomBytes(secretBytes)
  await replaceFile(path, formatSecret(secret))
  return secret
}

/** Makes the directory of the keys, for its owner only. Errors: CONFIG_INVALID. */
export async function makeKeyDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new PosternError("CONFIG_INVALID", `sealing: ${directory} cannot be made`, { cause })
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false // Not there, or not to be seen, which is the same to whoever wants to seal.
  }
}
