import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto"
import { PosternError } from "@postern/log/base"
import {
  formatReceiptCertificateText,
  formatReceiptText,
  receiptKeyName,
} from "@postern/log/evidence"
import {
  formatCheckpoint,
  formatVkey,
  type NoteSigner,
  noteKeyId,
  signNote,
} from "@postern/log/tlog"

/**
 * The only holder of the log's private keys. Whoever has the log key can sign a second history that verifiers without
 * an older checkpoint or a receipt would believe; whoever has the receipt key can promise what was never kept.
 */
export interface Signer {
  readonly origin: string
  readonly vkey: string
  readonly receiptVkey: string
  /** The note by which the log key certifies the receipt key. */
  readonly certificate: string
  /** The caller has made the tree head durable, and `last-signed` too. */
  signCheckpoint(size: number, root: Uint8Array): Promise<string>
  /** May be asked for while the slot is on its way to disk; the answer is released only after it is there. */
  signReceipt(first: number, count: number, rangeRoot: Uint8Array): Promise<string>
}

/** @param logKey, receiptKey Ed25519 private keys, PKCS #8 PEM. Errors: CONFIG_INVALID */
export async function openSigner(
  origin: string,
  logKey: string,
  receiptKey: string,
): Promise<Signer> {
  const log = noteSigner(origin, logKey)
  const receipts = noteSigner(receiptKeyName(origin), receiptKey)
  const certificateText = formatReceiptCertificateText(origin, receipts.vkey)
  const certificate = await signNote(certificateText, log.signer)
  return {
    origin,
    vkey: log.vkey,
    receiptVkey: receipts.vkey,
    certificate,
    signCheckpoint: (size, root) => signNote(formatCheckpoint({ origin, size, root }), log.signer),
    signReceipt: (first, count, rangeRoot) =>
      signNote(formatReceiptText({ origin, first, count, root: rangeRoot }), receipts.signer),
  }
}

function noteSigner(name: string, pem: string): { vkey: string; signer: NoteSigner } {
  const key = readKey(name, pem)
  const spki = createPublicKey(key).export({ type: "spki", format: "der" })
  const publicKey = new Uint8Array(spki.subarray(spki.length - 32))
  const signer: NoteSigner = {
    name,
    keyId: noteKeyId(name, publicKey),
    sign: (message) => signOnPool(key, message),
  }
  return { vkey: formatVkey(name, publicKey), signer }
}

function readKey(name: string, pem: string): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch (cause) {
    throw new PosternError("CONFIG_INVALID", `the key of ${name} cannot be read`, { cause })
  }
  if (key.asymmetricKeyType === "ed25519") return key
  throw new PosternError("CONFIG_INVALID", `the key of ${name} is not an Ed25519 key`)
}

/** On the thread pool, beside the write and the fdatasync of the slot that it signs for. */
function signOnPool(key: KeyObject, message: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    sign(null, message, key, (error, signature) => {
      if (error === null) resolve(signature)
      else reject(error)
    })
  })
}
