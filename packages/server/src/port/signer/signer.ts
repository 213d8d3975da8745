import {
  formatReceiptCertificateText,
  formatReceiptText,
  receiptKeyName,
} from "@postern/log/evidence"
import { formatCheckpoint, signNote } from "@postern/log/tlog"
import { openKeyFile, type SigningKey } from "./key-file.ts"

/**
 * What the port signs with. Whoever has the log key can sign a second history that verifiers without an older
 * checkpoint or a receipt would believe; whoever has the receipt key can promise what was never kept.
 */
export interface Signer {
  readonly origin: string
  readonly vkey: string
  readonly receiptVkey: string
  /** The note by which the log key, and those of before that are still in use, certify the receipt key. */
  readonly certificate: string
  /**
   * The caller has made the tree head durable, and `last-signed` too. Errors of a log key that is not ours: SIGNER_UNAVAILABLE (it may be
   * asked for again), LOG_ROLLED_BACK if it has signed what this contradicts.
   */
  signCheckpoint(size: number, root: Uint8Array): Promise<string>
  /** May be asked for while the slot is on its way to disk; the answer is released only after it is there. */
  signReceipt(first: number, count: number, rangeRoot: Uint8Array): Promise<string>
}

/**
 * @param besides log keys of before, which sign with it
 * @param receiptKey Ed25519 private key, PKCS #8 PEM. Errors: CONFIG_INVALID; those of the log key
 */
export async function openSigner(
  origin: string,
  log: SigningKey,
  receiptKey: string,
  besides: readonly SigningKey[] = [],
): Promise<Signer> {
  const receipts = openKeyFile(receiptKeyName(origin), receiptKey)
  const certificateText = formatReceiptCertificateText(origin, receipts.vkey)
  const signers = [log, ...besides].map(({ signer }) => signer)
  const certificate = await signNote(certificateText, ...signers)
  return {
    origin,
    vkey: log.vkey,
    receiptVkey: receipts.vkey,
    certificate,
    signCheckpoint: (size, root) => signNote(formatCheckpoint({ origin, size, root }), ...signers),
    signReceipt: (first, count, rangeRoot) =>
      signNote(formatReceiptText({ origin, first, count, root: rangeRoot }), receipts.signer),
  }
}
