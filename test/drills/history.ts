import { generateKeyPairSync, type KeyObject, sign } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { concatBytes, encodeUtf8, formatBase64 } from "@postern/log/base"
import {
  formatReceiptCertificateText,
  formatReceiptFile,
  formatReceiptText,
  receiptKeyName,
} from "@postern/log/evidence"
import { consistencyProof, leafHash, rangePath, rangeRoot, signNote } from "@postern/log/tlog"
import { followLog } from "../../packages/server/dist/disk/index.js"
import {
  createKey,
  type Key,
  origin,
  WrittenLog,
} from "../../packages/server/src/guard/verify/written-log.test.support.ts"

export { origin }

/** What the operator holds: with these keys any history can be written and signed. */
export interface OperatorKeys {
  readonly log: Key
  readonly receipts: Key
}

export function createOperatorKeys(): OperatorKeys {
  return { log: createKey(origin), receipts: createKey(receiptKeyName(origin)) }
}

/** The key of a writer's certificate, which the operator does not hold. */
export function createWriterKey(): { readonly publicKey: string; readonly key: KeyObject } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  const spki = publicKey.export({ type: "spki", format: "der" })
  return { publicKey: formatBase64(new Uint8Array(spki)), key: privateKey }
}

export function signAs(key: KeyObject, text: string): string {
  return formatBase64(new Uint8Array(sign(null, encodeUtf8(text), key)))
}

/** A whole log directory, in every byte as the port would have written it. */
export interface History {
  readonly path: string
  /** The checkpoints that were signed, oldest first. */
  readonly checkpoints: readonly string[]
}

/**
 * Writes a history with these keys. Two that are told alike are alike up to the first entry that differs, times and
 * nonces included: that is what an operator who rewrites has.
 */
export async function writeHistory(
  directory: string,
  keys: OperatorKeys,
  tell: (log: WrittenLog, checkpoint: () => Promise<void>) => Promise<void>,
): Promise<History> {
  const log = await WrittenLog.open(directory)
  log.log = keys.log
  log.receipts = keys.receipts
  const checkpoints: string[] = []
  await tell(log, async () => {
    await log.checkpoint()
    checkpoints.push(readFileSync(join(log.path, "checkpoint"), "utf8"))
  })
  await log.close()
  return { path: log.path, checkpoints }
}

/** The receipt that the writer of one entry of the honest history holds. */
export async function receiptOf(
  { path }: History,
  keys: OperatorKeys,
  index: number,
  slot: readonly [first: number, end: number],
): Promise<string> {
  const view = await followLog(path)
  const [first, end] = slot
  const leaves = await view.leaves(first, end)
  await view.close()
  const hashes = leaves.map(leafHash)
  const root = rangeRoot(first, concatBytes(...hashes))
  const nodeAt = (level: number, i: number) => {
    const width = 2 ** level
    return rangeRoot(
      i * width,
      concatBytes(...hashes.slice(i * width - first, (i + 1) * width - first)),
    )
  }
  const receiptText = formatReceiptText({ origin, first, count: end - first, root })
  const certificateText = formatReceiptCertificateText(origin, keys.receipts.vkey)
  return formatReceiptFile({
    index,
    leaf: leaves[index - first] as Uint8Array,
    path: rangePath(index, index + 1, first, end, nodeAt),
    note: await signNote(receiptText, keys.receipts.signer),
    certificate: await signNote(certificateText, keys.log.signer),
  })
}

/** Base64 lines of the proof that the history's tree of `to` entries continues that of `from`. */
export async function proofLines({ path }: History, from: number, to: number): Promise<string> {
  const view = await followLog(path)
  const proof = await consistencyProof(from, to, (level, a, b) => view.hashes(level, a, b))
  await view.close()
  return proof.map((hash) => `${formatBase64(hash)}\n`).join("")
}
