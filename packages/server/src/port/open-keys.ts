import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert } from "@postern/log/base"
import { formatKeyCertificateText, keyActions } from "@postern/log/evidence"
import { signNote } from "@postern/log/tlog"
import { type Config, dataDirectories, readSecretFile, readTextFile } from "../config/index.ts"
import { replaceFile } from "../disk/index.ts"
import { KeyLedger } from "./key-ledger.ts"
import { type KeyPlan, planKeys } from "./key-plan.ts"
import type { OwnStream } from "./own-stream.ts"
import {
  openKeyFile,
  openKeySocket,
  openSigner,
  type Signer,
  type SigningKey,
} from "./signer/index.ts"

/** The keys of this life of the port, and what has to be said of them in the log. */
export interface OpenedKeys {
  readonly signer: Signer
  readonly ledger: KeyLedger
  /** Every key whose signature stands for this log, the one that signs first. */
  readonly live: readonly string[]
  /** Every key that ever did. */
  readonly known: readonly string[]
  /** Writes the entries about a change of the key, if there is one. */
  record(own: Pick<OwnStream, "record">): void
}

/**
 * Opens the keys of the configuration and compares them with those that the log knows.
 * @throws PosternError CONFIG_INVALID · LOG_KEY_UNKNOWN · KEY_CHANGE_INVALID · those of a signer
 */
export async function openKeys(config: Config): Promise<OpenedKeys> {
  const { origin, pki } = config
  const { log: directory, portState: state } = dataDirectories(config)
  mkdirSync(state, { recursive: true, mode: 0o700 })
  const key = logKeyOf(config)
  const retiring =
    pki.retiringLogKey === undefined
      ? undefined
      : openKeyFile(origin, readSecretFile(pki.retiringLogKey))
  const ledger = await KeyLedger.open({ origin, directory, state })
  const plan = await planKeys(
    {
      origin,
      proofs: ledger.proofs,
      begun: ledger.begun,
      before: readIfThere(join(state, "vkey"))?.trim(),
      checkpoint: readIfThere(join(directory, "checkpoint")),
    },
    {
      vkey: key.vkey,
      retiring: retiring?.vkey,
      certificate: certificateIn(config),
      rootVkey: config.rootVkey,
    },
  )
  const rolled = await rolledData(origin, key.vkey, retiring, plan)
  if (rolled !== undefined) await ledger.begin({ old: rolled.old, new: rolled.new })
  const besides = plan.together && retiring !== undefined ? [retiring] : []
  const signer = await openSigner(origin, key, readSecretFile(pki.receiptKey), besides)
  // For the other processes of this installation, which have no business with the keys.
  await replaceFile(join(state, "vkey"), `${key.vkey}\n`)
  const record: OpenedKeys["record"] = (own) => {
    const say = (action: string, data: Record<string, unknown>) =>
      own.record({ action, outcome: "success", data, placed: ledger.await() })
    if (rolled !== undefined) say(keyActions.rolled, rolled)
    for (const vkey of plan.retire) say(keyActions.retired, { vkey })
  }
  return { signer, ledger, live: plan.live, known: plan.known, record }
}

function logKeyOf({ origin, signer, pki }: Config): SigningKey {
  if (signer !== undefined) return openKeySocket(signer.socket, signer.vkey)
  assert(pki.logKey !== undefined, "a configuration says where the log key is")
  return openKeyFile(origin, readSecretFile(pki.logKey))
}

function certificateIn({ pki }: Config): string | undefined {
  return pki.logKeyCertificate === undefined ? undefined : readTextFile(pki.logKeyCertificate)
}

/** What the entry about the change says; without a certificate from elsewhere the old key, which is here, makes one. */
async function rolledData(
  origin: string,
  vkey: string,
  retiring: SigningKey | undefined,
  { roll }: KeyPlan,
) {
  if (roll === undefined) return undefined
  const { old, reason, certificate: given } = roll
  assert(given !== undefined || retiring !== undefined, "the old key is here, or certified before")
  const certificate =
    given ??
    (await signNote(formatKeyCertificateText(origin, vkey), (retiring as SigningKey).signer))
  return { old, new: vkey, certificate, reason }
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined
}
