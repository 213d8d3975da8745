import { PosternError } from "@postern/log/base"
import {
  checkBatchReceipt,
  type ProvenBatch,
  type ReceiptFile,
  receiptFileOf,
} from "@postern/log/evidence"
import { splitRegion } from "@postern/log/wire"
import type { Delivered } from "./delivery.ts"
import { knownCode } from "./problem.ts"

export interface Waiting {
  readonly position: number
  readonly resolve: (receipt: ReceiptFile) => void
  readonly reject: (error: PosternError) => void
}

/** Who waits for the receipts of single events, in the order of their positions. */
export class Confirmations {
  #waiting: Waiting[] = []

  get size(): number {
    return this.#waiting.length
  }

  /** The lowest position that is waited for. */
  get first(): number | undefined {
    return this.#waiting[0]?.position
  }

  /** @param position higher than all before */
  add(position: number): Promise<ReceiptFile> {
    return new Promise((resolve, reject) => this.#waiting.push({ position, resolve, reject }))
  }

  /** Those who wait for events below `end`; they are not waited for any more. */
  take(end: number): readonly Waiting[] {
    const later = this.#waiting.findIndex(({ position }) => position >= end)
    return this.#waiting.splice(0, later < 0 ? this.#waiting.length : later)
  }

  /** Tells all who still wait. */
  rejectAll(error: PosternError): void {
    for (const { reject } of this.take(Number.POSITIVE_INFINITY)) reject(error)
  }
}

/** Tells those who waited for events of a frame. `proof` is what prove() made of it. */
export function answer(
  waiting: readonly Waiting[],
  delivered: Delivered,
  proof: ProvenBatch | PosternError,
): void {
  for (const { position, resolve, reject } of waiting) {
    const at = position - delivered.frame.position
    const error = refusalOf(delivered, at)
    if (error !== undefined) reject(error)
    else if (proof instanceof PosternError) reject(proof)
    else resolve(fileOf(delivered, proof, at))
  }
}

function refusalOf({ frame, refused }: Delivered, at: number): PosternError | undefined {
  if (frame.kind === "gap") return new PosternError("SPOOL_FULL", "the event was given up")
  const refusal = refused.find(({ positions }) => positions.includes(at))
  return refusal && new PosternError(knownCode(refusal.code), refusal.hint)
}

function fileOf(delivered: Delivered, proof: ProvenBatch, at: number): ReceiptFile {
  const refusedBefore = delivered.refused
    .flatMap(({ positions }) => positions)
    .filter((position) => position < at).length
  const { certificate = "" } = delivered.receiptKey ?? {}
  return receiptFileOf(proof, proof.firstIndex + at - refusedBefore, certificate)
}

/**
 * Checks the receipt of a frame against the events as they were sent. Resolves with the reason if it proves nothing: RECEIPT_GONE if
 * there is none to check, RECEIPT_INVALID or NOTE_INVALID if it is wrong.
 */
export async function prove(delivered: Delivered): Promise<ProvenBatch | PosternError> {
  const { frame, region, altered, ack, note, receiptKey } = delivered
  const refused = delivered.refused.flatMap(({ positions }) => positions).sort((a, b) => a - b)
  if (ack === undefined || note === "" || region === undefined)
    return new PosternError("RECEIPT_GONE")
  if (ack.accepted === 0)
    return new PosternError("RECEIPT_GONE", "no event of the batch was accepted")
  if (refused.length === 0 && ack.accepted < ack.events) {
    // A port that repeats an acknowledgement does not name again what it refused.
    return new PosternError("RECEIPT_GONE", "the port no longer says which events it refused")
  }
  if (receiptKey === undefined) return new PosternError("NOTE_INVALID", "the receipt key")
  try {
    const events = splitRegion(region, frame.count)
    const { vkey: receiptVkey } = receiptKey
    return await checkBatchReceipt({ ack, events, altered, refused, note, receiptVkey })
  } catch (error) {
    if (error instanceof PosternError) return error
    throw error
  }
}
