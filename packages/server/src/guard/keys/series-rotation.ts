import { chmodSync, chownSync, existsSync, statSync } from "node:fs"
import { PosternError, parseBase64 } from "@postern/log/base"
import { readSecretFile } from "../../config/index.ts"
import { formatSecret } from "../../disclosures/index.ts"
import { createFile, replaceSecret } from "../setup/index.ts"

/** A key that has been followed by another one. */
export interface SeriesRotation {
  readonly file: string
  /** Where the key of before lies: what was made with it needs it further on. */
  readonly former: string
  /** Ids. */
  readonly key: string
  readonly previous: string
}

/** The files of a series of keys, and the id of a key. */
export interface RotatedSeries {
  readonly files: { readonly current: string; former(kid: string): string }
  idOf(key: Uint8Array): string
  /** When the port makes the first one, for whoever asks before. */
  readonly madeWhen: string
}

/**
 * Puts a new key in the place of the current one, which is kept under its id.
 * Errors: NOT_FOUND while no port has made one · CONFIG_INVALID
 */
export function rotateSeries({ files, idOf, madeWhen }: RotatedSeries): SeriesRotation {
  const { current: file } = files
  if (!existsSync(file)) {
    throw new PosternError("NOT_FOUND", `${file}: the port makes it ${madeWhen}`)
  }
  const old = readSecretFile(file)
  const previous = idOf(parseBase64(old.trimEnd()) ?? new Uint8Array())
  const former = files.former(previous)
  // A rotation that was cut short left it: the same key under its id, too.
  if (!existsSync(former)) {
    createFile(former, old, 0o600)
    const { uid, gid, mode } = statSync(file)
    chownSync(former, uid, gid) // Other processes read it, under users of their own.
    chmodSync(former, mode & 0o777)
  }
  const made = formatSecret()
  replaceSecret(file, made)
  return { file, former, key: idOf(parseBase64(made.trimEnd()) ?? new Uint8Array()), previous }
}
