import { createPrivateKey, X509Certificate } from "node:crypto"
import { chownSync, existsSync, realpathSync, renameSync, rmSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { PosternError } from "@postern/log/base"
import { readSecretFile, readTextFile } from "../../config/index.ts"
import type { KeyPair } from "../pki/index.ts"
import { createFile, syncDirectory } from "../setup/index.ts"

/** Where a certificate and its key lie. */
export interface PairFiles {
  readonly certificate: string
  readonly key: string
}

/** A change takes milliseconds; what is older than this was interrupted. */
const interruptedMs = 10_000

/** Errors: CONFIG_INVALID. */
export function readPair({ certificate, key }: PairFiles): KeyPair {
  return { certificate: readTextFile(certificate), key: readSecretFile(key) }
}

/**
 * Puts another certificate and key in the place of the two. Two files cannot change in one instant:
 * whoever reads in between finds a key that does not fit and looks again. `FILE.new` is the lock;
 * a change that was interrupted is brought to its end, or taken back, by the next one.
 * Errors: ALREADY_EXISTS if another change is under way.
 */
export function replacePair(files: PairFiles, pair: KeyPair): void {
  settlePair(files)
  const certificate = realpathSync(files.certificate)
  const key = realpathSync(files.key)
  createBeside(certificate, pair.certificate)
  try {
    rmSync(`${key}.new`, { force: true }) // Of an interrupted change: it never counted.
    createBeside(key, pair.key)
    renameSync(`${key}.new`, key) // The point of no return: from here on it is finished.
  } catch (error) {
    rmSync(`${certificate}.new`, { force: true })
    throw error
  }
  renameSync(`${certificate}.new`, certificate)
  for (const file of [key, certificate]) syncDirectory(dirname(file))
}

/** `FILE.new`, with the owner and the mode of FILE: a service under its own user can read what root renewed. */
function createBeside(file: string, text: string): void {
  const { mode, uid, gid } = statSync(file)
  const next = `${file}.new`
  createFile(next, text, mode & 0o777)
  const made = statSync(next)
  if (made.uid !== uid || made.gid !== gid) chownSync(next, uid, gid)
}

/** Ends a change that was interrupted: certificate and key fit again. Errors: ALREADY_EXISTS. */
export function settlePair(files: PairFiles): void {
  const certificate = realpathSync(files.certificate)
  const next = `${certificate}.new`
  if (!existsSync(next)) return
  if (Date.now() - statSync(next).mtimeMs < interruptedMs) {
    throw new PosternError("ALREADY_EXISTS", `${next}: another change is under way`)
  }
  if (fits(next, files.key)) renameSync(next, certificate)
  else rmSync(next)
}

function fits(certificate: string, key: string): boolean {
  try {
    const pair = readPair({ certificate, key })
    return new X509Certificate(pair.certificate).checkPrivateKey(createPrivateKey(pair.key))
  } catch {
    return false // Half a certificate: it never counted.
  }
}
