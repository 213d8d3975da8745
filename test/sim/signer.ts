import { createPrivateKey, createPublicKey, sign } from "node:crypto"
import {
  formatReceiptCertificateText,
  formatReceiptText,
  receiptKeyName,
} from "@postern/log/evidence"
import { formatCheckpoint, formatVkey, noteKeyId, signNote } from "@postern/log/tlog"
import type { Signer } from "../../packages/server/dist/port/signer/index.js"

export const origin = "simulated.test/log"

/** Signs at once, on this thread, with keys that are always the same: nothing in a run depends on the machine. */
export async function openSimulatedSigner(
  signed: (size: number, root: Uint8Array) => void,
): Promise<
  Pick<Signer, "origin" | "vkey" | "receiptVkey" | "certificate" | "signCheckpoint" | "signReceipt">
> {
  const log = noteSigner(origin, 1)
  const receipts = noteSigner(receiptKeyName(origin), 2)
  const certificateText = formatReceiptCertificateText(origin, receipts.vkey)
  return {
    origin,
    vkey: log.vkey,
    receiptVkey: receipts.vkey,
    certificate: await signNote(certificateText, log.signer),
    signCheckpoint: (size, root) => {
      signed(size, root)
      return signNote(formatCheckpoint({ origin, size, root }), log.signer)
    },
    signReceipt: (first, count, root) =>
      signNote(formatReceiptText({ origin, first, count, root }), receipts.signer),
  }
}

/** PKCS #8 of an Ed25519 key whose 32 bytes are all the same. */
function noteSigner(name: string, byte: number) {
  const prefix = Buffer.from("302e020100300506032b657004220420", "hex")
  const der = Buffer.concat([prefix, Buffer.alloc(32, byte)])
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
  const spki = createPublicKey(key).export({ type: "spki", format: "der" })
  const publicKey = new Uint8Array(spki.subarray(spki.length - 32))
  return {
    vkey: formatVkey(name, publicKey),
    signer: {
      name,
      keyId: noteKeyId(name, publicKey),
      sign: async (message: Uint8Array) => new Uint8Array(sign(null, message, key)),
    },
  }
}
