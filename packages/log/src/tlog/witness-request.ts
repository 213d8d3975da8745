import { assert, formatBase64, parseBase64, parseDecimal } from "../base/index.ts"
import { demand, quote } from "./demand.ts"
import { hashBytes } from "./hash.ts"
import { formatSignatureLines, type NoteSignature, parseSignatureLines } from "./note.ts"

/** A consistency proof between any two sizes has no more (C2SP tlog-witness v1.0.0). */
const proofHashesMax = 63
/** Far above 63 hashes and a note with 100 signatures; both sides read no more. */
export const witnessBodyBytesMax = 500_000

/** What a log sends to a witness. */
export interface AddCheckpoint {
  /** Size of the last checkpoint that the witness cosigned, as far as the log knows; or 0. */
  readonly oldSize: number
  /** Consistency proof from the old size to the checkpoint's; at most 63 hashes. */
  readonly proof: readonly Uint8Array[]
  /** The signed checkpoint, verbatim. */
  readonly note: string
}

/**
 * The body of `POST <prefix>/add-checkpoint`: `old <size>`, the proof's hashes, an empty line, the
 * checkpoint.
 */
export function formatAddCheckpoint({ oldSize, proof, note }: AddCheckpoint): string {
  assert(Number.isSafeInteger(oldSize) && oldSize >= 0, "a size is a whole number below 2^53")
  assert(proof.length <= proofHashesMax, "a consistency proof has at most 63 hashes")
  return `old ${oldSize}\n${proof.map((hash) => `${formatBase64(hash)}\n`).join("")}\n${note}`
}

/**
 * Parses such a body; the note in it is cut out, not looked at.
 * @throws PosternError WITNESS_REQUEST_INVALID
 */
export function parseAddCheckpoint(body: string): AddCheckpoint {
  demandRequest(body.length <= witnessBodyBytesMax, `over ${witnessBodyBytesMax} bytes`)
  const end = body.indexOf("\n\n")
  demandRequest(end >= 0, "no empty line before the checkpoint")
  const [oldLine = "", ...hashes] = body.slice(0, end).split("\n")
  const oldSize = oldLine.startsWith("old ") ? parseDecimal(oldLine.slice(4)) : undefined
  demandRequest(oldSize !== undefined, `${quote(oldLine)} is not an old size`)
  demandRequest(hashes.length <= proofHashesMax, `a proof of ${hashes.length} hashes`)
  return { oldSize, proof: hashes.map(parseHashLine), note: body.slice(end + 2) }
}

function parseHashLine(line: string): Uint8Array {
  const hash = parseBase64(line)
  demandRequest(hash?.length === hashBytes, `${quote(line)} is not a hash`)
  return hash
}

/** What a witness may answer, as far as a log has to tell it apart. */
export type WitnessAnswer =
  /** Cosignature lines of whatever keys; nothing says yet that one of them is right. */
  | { readonly kind: "cosigned"; readonly signatures: readonly NoteSignature[] }
  /** The size that the witness cosigned last; the request named another old size. */
  | { readonly kind: "size"; readonly size: number }
  /** 403 or 404: it does not know this log, or not this key. Deployed witnesses mix the two. */
  | { readonly kind: "unknown-log" }
  /** 422, or a 409 without a size: it saw another tree of this log. */
  | { readonly kind: "contradiction" }
  /** 400: it could not read the request. */
  | { readonly kind: "malformed" }
  /** Anything else: repeat later. */
  | { readonly kind: "failed" }

/** The content type of an answer that gives the size of the witness (status 409). */
export const witnessSizeType = "text/x.tlog.size"

/**
 * Reads an answer to add-checkpoint.
 * @param contentType of the answer; decides only what a 409 means
 * @throws PosternError WITNESS_ANSWER_INVALID if a 200 or a 409 has a body that it may not have
 */
export function parseWitnessAnswer(
  status: number,
  contentType: string | undefined,
  body: string,
): WitnessAnswer {
  demandAnswer(body.length <= witnessBodyBytesMax, `over ${witnessBodyBytesMax} bytes`)
  if (status === 200) return { kind: "cosigned", signatures: parseCosignatureLines(body) }
  if (status === 409) {
    // Witnesses of the first specification answered 409, without a size, to another root at the
    // same size.
    const type = contentType?.split(";", 1)[0]?.trim().toLowerCase()
    if (type !== witnessSizeType) return { kind: "contradiction" }
    const size = body.endsWith("\n") ? parseDecimal(body.slice(0, -1)) : undefined
    demandAnswer(size !== undefined, `${quote(body)} is not a size`)
    return { kind: "size", size }
  }
  if (status === 403 || status === 404) return { kind: "unknown-log" }
  if (status === 422) return { kind: "contradiction" }
  return { kind: status === 400 ? "malformed" : "failed" }
}

function parseCosignatureLines(body: string): NoteSignature[] {
  try {
    return parseSignatureLines(body)
  } catch (error) {
    demandAnswer(!(error instanceof Error), `${quote(body)} is no cosignature`)
    throw error
  }
}

/** The body of an answer with status 200. */
export function formatCosigned(signatures: readonly NoteSignature[]): string {
  assert(signatures.length > 0, "who cosigned has a cosignature")
  return formatSignatureLines(signatures)
}

/** The body of an answer with status 409. */
export function formatWitnessSize(size: number): string {
  return `${size}\n`
}

function demandRequest(holds: boolean, detail: string): asserts holds {
  demand(holds, "WITNESS_REQUEST_INVALID", detail)
}

function demandAnswer(holds: boolean, detail: string): asserts holds {
  demand(holds, "WITNESS_ANSWER_INVALID", detail)
}
