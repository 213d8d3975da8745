import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs"
import { dirname, join, resolve } from "node:path"
import { loadProfile } from "@postern/client"
import { isPosternError, PosternError } from "@postern/log/base"
import {
  evidenceFileStart,
  type KeyProof,
  parseKeyProofs,
  pinnedPolicy,
  readKeyChange,
  rootKeyName,
} from "@postern/log/evidence"
import { parsePolicy, parseVkey, type TrustPolicy } from "@postern/log/tlog"
import { type Config, dataDirectories, loadConfig, readTextFile } from "../config/index.ts"
import { openDisclosures } from "../disclosures/index.ts"
import { logVerifierKey } from "../guard/setup/index.ts"
import type { AskDisclosure } from "../guard/verify/index.ts"
import { openEncryptedOf } from "./installation.ts"
import { keysFile } from "./remembering-reader.ts"

/** What `postern verify` was asked to look at. */
export type VerifyTarget =
  | {
      readonly kind: "directory"
      readonly path: string
      readonly vkey: string | undefined
      readonly others: readonly string[]
      /** The values kept beside the log, if it is that of an installation here. */
      readonly disclosures: AskDisclosure | undefined
    }
  | { readonly kind: "tiles"; readonly path: string; readonly vkey: string }
  | { readonly kind: "receipt"; readonly path: string; readonly vkeys: readonly string[] }
  | {
      readonly kind: "evidence"
      readonly path: string
      readonly policy: TrustPolicy
      /** Changes of the log key that the profile's readers have learned. */
      readonly known: readonly KeyProof[]
    }
  | { readonly kind: "profile"; readonly path: string }

export interface VerifyFlags {
  /** A trust policy (C2SP tlog-policy). */
  readonly policy?: string
  readonly vkey?: string
  readonly config?: string
  readonly profile?: string
}

/** Errors: USAGE if it is not clear what is meant, or a key is needed; CONFIG_INVALID, PROFILE_INVALID, NOTE_INVALID. */
export function findTarget(path: string | undefined, flags: VerifyFlags): VerifyTarget {
  if (path === undefined) {
    if (flags.profile !== undefined) return { kind: "profile", path: flags.profile }
    throw new PosternError(
      "USAGE",
      "name a directory, an evidence or receipt file, or a reader's --profile",
    )
  }
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw new PosternError("USAGE", `there is no ${path}`)
  if (!stat.isDirectory() && isEvidenceFile(path)) {
    return { kind: "evidence", path, policy: policyOf(flags), known: learnedBy(flags.profile) }
  }
  const given = givenKeys(flags)
  if (!stat.isDirectory()) {
    const learned = learnedKeys(flags.profile, originOf(given))
    return { kind: "receipt", path, vkeys: [...demandKeys(given), ...learned] }
  }
  const log = logDirectory(path)
  if (log !== undefined) {
    const config = configBeside(log)
    const named = flags.config === undefined ? config : loadConfig(flags.config)
    if (named !== undefined) openEncryptedOf(named)
    const [vkey, ...others] = given ?? (config && ownKeys(config)) ?? []
    return { kind: "directory", path: log, vkey, others, disclosures: config && valuesOf(config) }
  }
  if (existsSync(join(path, "checkpoint")) && existsSync(join(path, "tile"))) {
    return { kind: "tiles", path, vkey: demandKeys(given)[0] }
  }
  throw new PosternError("USAGE", `${path} holds neither a log nor an export of one`)
}

/** Whom to believe about an evidence file. Errors: USAGE, POLICY_INVALID, and those of findTarget. */
export function policyOf(flags: VerifyFlags): TrustPolicy {
  if (flags.policy !== undefined) return parsePolicy(readTextFile(flags.policy))
  return pinnedPolicy(demandKeys(givenKeys(flags)))
}

/** By its first bytes: packed with gzip, as nothing else is that is verified here, or the head of one. */
function isEvidenceFile(path: string): boolean {
  const file = openSync(path, "r")
  try {
    const bytes = Buffer.alloc(evidenceFileStart.length)
    const start = bytes.subarray(0, readSync(file, bytes))
    const isPacked = start[0] === 0x1f && start[1] === 0x8b
    return isPacked || start.toString() === evidenceFileStart
  } finally {
    closeSync(file)
  }
}

type Keys = readonly [string, ...string[]]

/** A key of the log, and what else is pinned beside it. */
function givenKeys({ policy, vkey, config, profile }: VerifyFlags): Keys | undefined {
  if (policy !== undefined) return keysOf(parsePolicy(readTextFile(policy)))
  if (vkey !== undefined) {
    parseVkey(vkey)
    return [vkey]
  }
  if (config !== undefined) return keysIn(loadConfig(config))
  if (profile === undefined) return undefined
  const { log, policy: pinned } = loadProfile(profile)
  const logs = pinned === undefined ? [] : parsePolicy(pinned).logs.map((one) => one.vkey)
  const others = logs.filter((one) => one !== log.vkey && isOf(log.origin, one))
  return [log.vkey, ...others]
}

function keysIn(config: Config): Keys {
  return [logVerifierKey(config), ...(config.rootVkey === undefined ? [] : [config.rootVkey])]
}

/** Where the keys of one log are asked for. */
function keysOf({ logs }: TrustPolicy): Keys {
  const names = logs.map(({ vkey }) => parseVkey(vkey).name)
  const origins = new Set(names.filter((name) => !names.some((one) => name === rootKeyName(one))))
  const [origin, ...more] = [...origins]
  if (origin === undefined || more.length > 0) {
    throw new PosternError("USAGE", `the policy names ${origins.size} logs: say which with --vkey`)
  }
  const [first = "", ...others] = logs
    .map(({ vkey }) => vkey)
    .toSorted((a, b) => Number(isRoot(origin, a)) - Number(isRoot(origin, b)))
  return [first, ...others]
}

function isRoot(origin: string, vkey: string): boolean {
  return parseVkey(vkey).name === rootKeyName(origin)
}

function isOf(origin: string, vkey: string): boolean {
  return parseVkey(vkey).name === origin || isRoot(origin, vkey)
}

function originOf(vkeys: Keys | undefined): string {
  return parseVkey(demandKeys(vkeys)[0]).name
}

/** What readers with this profile were told, and have believed. */
function learnedBy(profile: string | undefined): readonly KeyProof[] {
  const file = profile === undefined ? undefined : keysFile(profile)
  return file === undefined || !existsSync(file) ? [] : parseKeyProofs(readFileSync(file, "utf8"))
}

/** Keys that the log has come to, as readers with this profile have believed it. */
export function learnedKeys(profile: string | undefined, origin: string): string[] {
  const changes = learnedBy(profile).map(({ leaf }) => readKeyChange(leaf, origin))
  return changes.flatMap((change) => (change.action === "rolled" ? [change.new] : []))
}

function demandKeys(vkeys: Keys | undefined): Keys {
  if (vkeys !== undefined) return vkeys
  throw new PosternError("USAGE", "the log's verifier key is needed: --vkey, --policy or --profile")
}

/** The log directory that is this directory, or lies in it as a data directory or an installation. */
function logDirectory(path: string): string | undefined {
  if (existsSync(join(path, "log.json"))) return path
  if (existsSync(join(path, "log", "log.json"))) return join(path, "log")
  const config = join(path, "postern.yaml")
  return existsSync(config) ? dataDirectories(loadConfig(config)).log : undefined
}

/** The configuration of the installation that the directory is the log of; undefined if there is none that can be read. */
function configBeside(log: string): Config | undefined {
  for (let at = dirname(resolve(log)), up = 0; up < 3; at = dirname(at), up++) {
    const file = join(at, "postern.yaml")
    if (!existsSync(file)) continue
    const config = unlessInvalid(() => loadConfig(file))
    if (config === undefined) return undefined
    const own = dataDirectories(config).log
    return existsSync(own) && realpathSync(own) === realpathSync(log) ? config : undefined
  }
  return undefined
}

/** Who trusts these keys trusts the machine that holds the log. Undefined if its log key is not ours to read. */
function ownKeys(config: Config): Keys | undefined {
  return unlessInvalid(() => keysIn(config))
}

function unlessInvalid<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!isPosternError(error)) throw error
    return undefined
  }
}

function valuesOf(config: Config): AskDisclosure {
  const source = openDisclosures({
    sealed: dataDirectories(config).disclosures,
    keys: config.sealing,
  })
  return (index, digest) => source.read(digest, index)
}
