import { access, mkdir } from "node:fs/promises"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import type { SaltKeys } from "./salts.ts"
import { makeSecret, readSecret } from "./secret-file.ts"

/** A key that seals disclosures (docs/spec/disclosures.md, Keys). Whoever has it can open what was sealed with it. */
export interface SealingKey {
  readonly id: string
  /** 32 bytes, secret. */
  readonly secret: Uint8Array
}

export const keyIdPattern = /^bodies-\d{4}-\d{2}(?:-[1-9]\d{0,3})?$/

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
