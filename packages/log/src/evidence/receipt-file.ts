import { assert, decodeUtf8, encodeUtf8, formatBase64, limits, parseBase64 } from "../base/index.ts"
import { hashBytes, leafHash } from "../tlog/index.ts"
import { checkCoverage } from "./coverage.ts"
import { demandReceipt } from "./demand.ts"
import { openReceipt, openReceiptCertificate } from "./receipt.ts"

const fileVersion = "receipt@v1"
/**
 * Two notes of four lines, a leaf that JSON may write six bytes for each of its own, a path: more
 * is no receipt.
 */
const fileCharactersMax = 1_000_000
const pathHashesMax = 255

/** The proof that one entry is in the log (docs/spec/log.md, Receipt file). */
export interface ReceiptFile {
  readonly index: number
  /** The entry's bytes: stamp, LF, event. */
  readonly leaf: Uint8Array
  /** Range path of `[index, index + 1)` in the slot, 32 bytes each. */
  readonly path: readonly Uint8Array[]
  /** The slot's receipt. */
  readonly note: string
  /** The note that certifies the receipt key. */
  readonly certificate: string
}

/** The file as text: one JSON object, one line. */
export function formatReceiptFile(file: ReceiptFile): string {
  const leaf = decodeUtf8(file.leaf)
  assert(leaf !== undefined, "an entry is UTF-8")
  return JSON.stringify({
    postern: fileVersion,
    index: file.index,
    leaf,
    path: file.path.map(formatBase64),
    note: file.note,
    certificate: file.certificate,
  })
}

/**
 * Reads a receipt file; proves nothing yet.
 * @param file its text, or what JSON.parse made of it. Exactly the members of docs/spec/log.md.
 * @throws PosternError RECEIPT_INVALID
 */
export function parseReceiptFile(file: unknown): ReceiptFile {
  const members = typeof file === "string" ? parseJson(file) : file
  demandReceipt(isRecord(members), "the receipt file is not a JSON object")
  const { postern, index, leaf, path, note, certificate, ...more } = members
  demandReceipt(postern === fileVersion, `"postern" is not "${fileVersion}"`)
  demandReceipt(Object.keys(more).length === 0, "the receipt file has a member too many")
  demandReceipt(isIndex(index), '"index" is not an index')
  demandReceipt(typeof leaf === "string" && isWellFormed(leaf), '"leaf" is not a text')
  demandReceipt(typeof note === "string", '"note" is not a text')
  demandReceipt(typeof certificate === "string", '"certificate" is not a text')
  demandReceipt(leaf.length <= limits.entryBytesMax, '"leaf" is longer than an entry')
  const bytes = encodeUtf8(leaf)
  demandReceipt(bytes.length <= limits.entryBytesMax, '"leaf" is longer than an entry')
  return { index, leaf: bytes, path: parsePath(path), note, certificate }
}

function parseJson(text: string): unknown {
  demandReceipt(text.length <= fileCharactersMax, "the receipt file is too long")
  try {
    return JSON.parse(text)
  } catch {
    return undefined // The one thing JSON.parse() throws for is a syntax error: not an object.
  }
}

function parsePath(path: unknown): Uint8Array[] {
  demandReceipt(Array.isArray(path) && path.length <= pathHashesMax, '"path" is not a path')
  return path.map((item: unknown) => {
    const hash = typeof item === "string" ? parseBase64(item) : undefined
    demandReceipt(hash?.length === hashBytes, '"path" holds something that is not a hash')
    return hash
  })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

function isIndex(value: unknown): value is number {
  return (
    typeof value === "number" &&
    Number.isInteger(value) &&
    value >= 0 &&
    value <= limits.sequenceMax
  )
}

/** Without half a surrogate pair, for which there is no UTF-8. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}

/**
 * Checks a receipt file offline: certificate, receipt, and that the slot holds this leaf at this
 * index.
 * @param file its text, or what JSON.parse made of it
 * @param logVkey from somewhere else than the file; or each key that the log has had
 * @throws PosternError RECEIPT_INVALID · NOTE_INVALID
 */
export async function checkReceipt(
  file: unknown,
  logVkey: string | readonly string[],
): Promise<{ readonly index: number; readonly leaf: Uint8Array }> {
  const { index, leaf, path, note, certificate } = parseReceiptFile(file)
  const receiptVkey = await openReceiptCertificate(certificate, logVkey)
  const receipt = await openReceipt(note, receiptVkey)
  checkCoverage(receipt, index, index + 1, leafHash(leaf), path)
  return { index, leaf }
}
