import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { isPosternError } from "@postern/log/base"
import {
  type KeyChange,
  type KeyProof,
  KeyTrust,
  parseKeyProofs,
  pinnedPolicy,
  readKeyChange,
} from "@postern/log/evidence"
import { parsePolicy, type TrustPolicy } from "@postern/log/tlog"
import { type Config, dataDirectories, readSecretFile, readTextFile } from "../../config/index.ts"
import { verifierKey } from "../pki/index.ts"
import { logVerifierKey } from "../setup/index.ts"

export interface ReportedKey {
  readonly vkey: string
  readonly state: "signs" | "signs-too" | "begins-at-next-start" | "ends-at-next-start" | "ended"
  /** Index of the entry with which it began; undefined for the first key, and for one whose entry is not proven yet. */
  readonly since: number | undefined
  /** Its checkpoints count up to this size; undefined while it has not ended. */
  readonly bound: number | undefined
  readonly stolen: boolean
}

export interface KeyReport {
  readonly origin: string
  readonly rootVkey: string | undefined
  /** Oldest first. */
  readonly keys: readonly ReportedKey[]
  /** Whether each change is proven for somebody who pinned the first key, with the quorum if the port has witnesses; and why not. */
  readonly proven: boolean
  readonly problem: string | undefined
}

/** What the log's own proofs and the configuration say of its keys. Errors: CONFIG_INVALID · KEY_CHANGE_INVALID */
export async function reportKeys(config: Config): Promise<KeyReport> {
  const { origin, rootVkey } = config
  const proofs = readProofs(config)
  const changes = proofs.map(({ index, leaf }) => ({ index, ...readKeyChange(leaf, origin) }))
  const [first] = changes
  const signing = logVerifierKey(config)
  const retiring = retiringVkey(config)
  const vkeys = orderOf(changes, [retiring, signing])
  const trust = new KeyTrust(
    policyOf(config, first?.action === "rolled" ? first.old : signing),
    origin,
  )
  let problem: string | undefined
  try {
    for (const proof of proofs) await trust.learn(proof)
  } catch (error) {
    if (!isPosternError(error)) throw error
    problem = error.detail
  }
  const newest = changes.flatMap((one) => (one.action === "rolled" ? [one.new] : [])).at(-1)
  const isBegun = newest === undefined ? vkeys.length > 1 : newest !== signing
  const keys = vkeys.map((vkey) => standingOf(vkey, changes, { signing, retiring, isBegun }))
  return { origin, rootVkey, keys, proven: problem === undefined && !isBegun, problem }
}

type Change = KeyChange & { readonly index: number }

function orderOf(
  changes: readonly Change[],
  configured: readonly (string | undefined)[],
): string[] {
  const rolled = changes.flatMap((one) => (one.action === "rolled" ? [one.old, one.new] : []))
  return [...new Set([...rolled, ...configured.filter((vkey) => vkey !== undefined)])]
}

function standingOf(
  vkey: string,
  changes: readonly Change[],
  named: { signing: string; retiring: string | undefined; isBegun: boolean },
): ReportedKey {
  const began = changes.find((one) => one.action === "rolled" && one.new === vkey)
  const stolen = changes.find(
    (one) => one.action === "rolled" && one.reason === "compromised" && one.old === vkey,
  )
  const ended = stolen ?? changes.find((one) => one.action === "retired" && one.vkey === vkey)
  const about = { vkey, since: began?.index, bound: ended?.index, stolen: stolen !== undefined }
  return { ...about, state: stateOf(vkey, ended !== undefined, named) }
}

function stateOf(
  vkey: string,
  hasEnded: boolean,
  {
    signing,
    retiring,
    isBegun,
  }: { signing: string; retiring: string | undefined; isBegun: boolean },
): ReportedKey["state"] {
  if (hasEnded) return "ended"
  if (vkey === signing) return isBegun ? "begins-at-next-start" : "signs"
  if (vkey === retiring) return isBegun ? "signs" : "signs-too"
  return "ends-at-next-start"
}

/**
 * Every log key of this installation, the one that signs first: as its own files say, for what its own processes have signed.
 * Errors: CONFIG_INVALID
 */
export function everyLogKey(config: Config): [string, ...string[]] {
  const named = readProofs(config).flatMap(({ leaf }) => {
    const change = readKeyChange(leaf, config.origin)
    return change.action === "rolled" ? [change.new, change.old] : []
  })
  const retiring = retiringVkey(config)
  const signing = logVerifierKey(config)
  const others = [...(retiring === undefined ? [] : [retiring]), ...named]
  return [signing, ...new Set(others.filter((vkey) => vkey !== signing))]
}

/** From the log directory, or where that is gone from the port's copy. */
function readProofs(config: Config): KeyProof[] {
  const { log, portState } = dataDirectories(config)
  for (const file of [join(log, "keys"), join(portState, "keys")]) {
    try {
      const proofs = existsSync(file) ? parseKeyProofs(readFileSync(file, "utf8")) : []
      for (const { leaf } of proofs) readKeyChange(leaf, config.origin)
      if (proofs.length > 0) return proofs
    } catch (error) {
      if (!isPosternError(error)) throw error // Damaged, or of an epoch before.
    }
  }
  return []
}

export function retiringVkey({ origin, pki }: Config): string | undefined {
  const { retiringLogKey } = pki
  if (retiringLogKey === undefined) return undefined
  return verifierKey(origin, readSecretFile(retiringLogKey))
}

/** Somebody who pinned the first key and the root key, and asks for the quorum that the port asks for. */
function policyOf({ witnesses, rootVkey }: Config, first: string): TrustPolicy {
  const { logs } = pinnedPolicy([first, ...(rootVkey === undefined ? [] : [rootVkey])])
  if (witnesses === undefined) return { ...pinnedPolicy([]), logs }
  return { ...parsePolicy(readTextFile(witnesses)), logs }
}
