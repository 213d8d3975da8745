import { chownSync, existsSync, statSync } from "node:fs"
import { PosternError, parseBase64 } from "@postern/log/base"
import { type Config, readSecretFile } from "../../config/index.ts"
import { formatSecret, openSaltKeys, saltKeyFiles, saltKeyId } from "../../disclosures/index.ts"
import { createFile, destroyFile, replaceSecret } from "../setup/index.ts"

export interface SaltRotation {
  readonly file: string
  /** Ids, as the entry `postern.salt.began` names them. */
  readonly key: string
  readonly previous: string
}

/**
 * Puts a new salt key in the place of the old one, which is kept as the one of before, so that the port recognises repeats of what came
 * under it; the one before that is destroyed. The port uses it from its next start on. Errors: NOT_FOUND while no port has made
 * one · CONFIG_INVALID
 */
export async function rotateSaltKey({ sealing }: Pick<Config, "sealing">): Promise<SaltRotation> {
  const { current, previous } = saltKeyFiles(sealing)
  if (!existsSync(current)) {
    throw new PosternError("NOT_FOUND", `${current}: the port makes it at its first start`)
  }
  const old = readSecretFile(current)
  const { uid, gid } = statSync(current)
  if (existsSync(previous)) destroyFile(previous)
  createFile(previous, old, 0o600)
  chownSync(previous, uid, gid) // The port reads it, under a user of its own.
  replaceSecret(current, formatSecret()) // Cut short before this, both are the same, which harms nobody.
  const keys = await openSaltKeys(sealing)
  return {
    ...{ file: current, key: saltKeyId(keys.current) },
    previous: saltKeyId(parseBase64(old.trimEnd()) ?? new Uint8Array()),
  }
}
