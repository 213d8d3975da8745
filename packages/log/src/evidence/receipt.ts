import { assert, formatBase64, limits, parseBase64, parseDecimal } from "../base/index.ts"
import { hashBytes, isKeyName, openNote, parseVkey } from "../tlog/index.ts"
import { demandReceipt } from "./demand.ts"

const receiptVersion = "postern-receipt/v1"
const certificateVersion = "postern-receipt-key/v1"
const indexEnd = limits.sequenceMax + 1

/** What the port signs for each slot (docs/spec/log.md, Receipt). */
export interface Receipt {
  readonly origin: string
  /** Index of the first entry of the slot; first + count is at most 10^14. */
  readonly first: number
  /** Entries in the slot, at least 1. */
  readonly count: number
  /** Range root of `[first, first + count)`, 32 bytes. */
  readonly root: Uint8Array
}

/** The text of a receipt note, four lines. */
export function formatReceiptText({ origin, first, count, root }: Receipt): string {
  assert(isKeyName(origin), "an origin is a key name")
  assert(isSlotRange(first, count), "a slot lies within the indexes and is not empty")
  assert(root.length === hashBytes, "a range root has 32 bytes")
  return `${receiptVersion}\n${origin}\n${first} ${count}\n${formatBase64(root)}\n`
}

/** @throws PosternError RECEIPT_INVALID for whatever formatReceiptText would not write */
export function parseReceiptText(text: string): Receipt {
  const [version, origin = "", range = "", rootText = "", end, ...more] = text.split("\n")
  demandReceipt(version === receiptVersion, "not the text of a receipt")
  demandReceipt(end === "" && more.length === 0, "a receipt has four lines")
  demandReceipt(isKeyName(origin), "the receipt's second line is not an origin")
  const [firstText = "", countText = "", ...parts] = range.split(" ")
  const first = parseDecimal(firstText)
  const count = parseDecimal(countText)
  const whole = first !== undefined && count !== undefined && parts.length === 0
  demandReceipt(whole && isSlotRange(first, count), "the receipt's third line is not a range")
  const root = parseBase64(rootText)
  demandReceipt(root?.length === hashBytes, "the receipt's fourth line is not a range root")
  return { origin, first, count, root }
}

function isSlotRange(first: number, count: number): boolean {
  const integers = Number.isSafeInteger(first) && Number.isSafeInteger(count)
  return integers && first >= 0 && count >= 1 && first + count <= indexEnd
}

/** The name of the key that signs the receipts of a log. */
export function receiptKeyName(origin: string): string {
  return `${origin}/receipts`
}

/** The text that the log key signs to certify a receipt key. */
export function formatReceiptCertificateText(origin: string, receiptVkey: string): string {
  assert(parseVkey(receiptVkey).name === receiptKeyName(origin), "a receipt key names its log")
  return `${certificateVersion}\n${origin}\n${receiptVkey}\n`
}

/** @throws PosternError RECEIPT_INVALID, or NOTE_INVALID for the key in it */
export function parseReceiptCertificateText(text: string): {
  readonly origin: string
  readonly receiptVkey: string
} {
  const [version, origin = "", receiptVkey = "", end, ...more] = text.split("\n")
  demandReceipt(version === certificateVersion, "not the text of a receipt key certificate")
  demandReceipt(end === "" && more.length === 0, "a receipt key certificate has three lines")
  const { name } = parseVkey(receiptVkey)
  demandReceipt(name === receiptKeyName(origin), "the certified key is not one for receipts")
  return { origin, receiptVkey }
}

/**
 * Opens the certificate of a receipt key: the verifier key of the receipts, vouched for by the log
 * key.
 * @param certificate a signed note
 * @param logVkey from somewhere else than the log: it is what all trust hangs on; or each of its keys, if it has had several
 * @throws PosternError NOTE_INVALID · RECEIPT_INVALID
 */
export async function openReceiptCertificate(
  certificate: string,
  logVkey: string | readonly string[],
): Promise<string> {
  const { text, verifiedBy } = await openNote(certificate, [logVkey].flat())
  const { origin, receiptVkey } = parseReceiptCertificateText(text)
  const isOwn = verifiedBy.some(({ name }) => name === origin)
  demandReceipt(isOwn, "the certificate is one of another log")
  return receiptVkey
}

/**
 * Opens a receipt note with the receipt key of its log.
 * @param receiptVkey as openReceiptCertificate gives it
 * @throws PosternError NOTE_INVALID · RECEIPT_INVALID
 */
export async function openReceipt(note: string, receiptVkey: string): Promise<Receipt> {
  const { text } = await openNote(note, [receiptVkey])
  const receipt = parseReceiptText(text)
  const { name } = parseVkey(receiptVkey)
  demandReceipt(receiptKeyName(receipt.origin) === name, "the receipt is one of another log")
  return receipt
}
