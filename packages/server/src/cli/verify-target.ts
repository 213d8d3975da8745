import { existsSync, realpathSync, statSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { loadProfile } from "@postern/client"
import { isPosternError, PosternError } from "@postern/log/base"
import { parseVkey } from "@postern/log/tlog"
import { type Config, dataDirectories, loadConfig, readSecretFile } from "../config/index.ts"
import { verifierKey } from "../guard/pki/index.ts"

/** What `postern verify` was asked to look at. */
export type VerifyTarget =
  | { readonly kind: "directory"; readonly path: string; readonly vkey: string | undefined }
  | { readonly kind: "tiles"; readonly path: string; readonly vkey: string }
  | { readonly kind: "receipt"; readonly path: string; readonly vkey: string }
  | { readonly kind: "profile"; readonly path: string }

export interface VerifyFlags {
  readonly vkey?: string
  readonly config?: string
  readonly profile?: string
}

/** Errors: USAGE if it is not clear what is meant, or a key is needed; CONFIG_INVALID, PROFILE_INVALID, NOTE_INVALID. */
export function findTarget(path: string | undefined, flags: VerifyFlags): VerifyTarget {
  if (path === undefined) {
    if (flags.profile !== undefined) return { kind: "profile", path: flags.profile }
    throw new PosternError("USAGE", "name a directory, a receipt file or a reader's --profile")
  }
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw new PosternError("USAGE", `there is no ${path}`)
  const given = givenKey(flags)
  if (!stat.isDirectory()) return { kind: "receipt", path, vkey: demandKey(given) }
  const log = logDirectory(path)
  if (log !== undefined) return { kind: "directory", path: log, vkey: given ?? keyBeside(log) }
  if (existsSync(join(path, "checkpoint")) && existsSync(join(path, "tile"))) {
    return { kind: "tiles", path, vkey: demandKey(given) }
  }
  throw new PosternError("USAGE", `${path} holds neither a log nor an export of one`)
}

/** The log's verifier key as the configuration's own log key gives it. */
export function keyOf(config: Config): string {
  return verifierKey(config.origin, readSecretFile(config.pki.logKey))
}

function givenKey({ vkey, config, profile }: VerifyFlags): string | undefined {
  if (vkey !== undefined) {
    parseVkey(vkey)
    return vkey
  }
  if (config !== undefined) return keyOf(loadConfig(config))
  return profile === undefined ? undefined : loadProfile(profile).log.vkey
}

function demandKey(vkey: string | undefined): string {
  if (vkey !== undefined) return vkey
  throw new PosternError("USAGE", "the log's verifier key is needed: --vkey or --profile")
}

/** The log directory that is this directory, or lies in it as a data directory or an installation. */
function logDirectory(path: string): string | undefined {
  if (existsSync(join(path, "log.json"))) return path
  if (existsSync(join(path, "log", "log.json"))) return join(path, "log")
  const config = join(path, "postern.yaml")
  return existsSync(config) ? dataDirectories(loadConfig(config)).log : undefined
}

/**
 * The key of the installation that the directory is the log of; undefined if there is none, or if its log key is not
 * ours to read. Who trusts that key trusts the machine that holds the log.
 */
function keyBeside(log: string): string | undefined {
  for (let at = dirname(resolve(log)), up = 0; up < 3; at = dirname(at), up++) {
    const file = join(at, "postern.yaml")
    if (!existsSync(file)) continue
    try {
      const config = loadConfig(file)
      const own = dataDirectories(config).log
      const same = existsSync(own) && realpathSync(own) === realpathSync(log)
      return same ? keyOf(config) : undefined
    } catch (error) {
      if (!isPosternError(error)) throw error
      return undefined
    }
  }
  return undefined
}
