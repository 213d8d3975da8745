import { assert, concatBytes, encodeUtf8 } from "../base/index.ts"
import { deriveNonce, formatStamp } from "../event/index.ts"
import { leafHash, narrowRangePath } from "../tlog/index.ts"
import type { AlteredEvent, BatchAck } from "../wire/index.ts"
import { demandAltered } from "./altered-event.ts"
import { checkCoverage } from "./coverage.ts"
import { demandReceipt } from "./demand.ts"
import { openReceipt, type Receipt } from "./receipt.ts"
import type { ReceiptFile } from "./receipt-file.ts"

export interface BatchClaim {
  /** What the port acknowledged of this batch, as it was decoded; otherwise not trusted. */
  readonly ack: Omit<BatchAck, "channel">
  /** All events of the batch in their order, refused ones included, as they were sent. */
  readonly events: readonly Uint8Array[]
  /** Those that the policy changed, as the port says that it keeps them; none if not given. */
  readonly altered?: readonly AlteredEvent[]
  /** Positions in the batch that the port refused, ascending. */
  readonly refused: readonly number[]
  /** The receipt note that came with the acknowledgement. */
  readonly note: string
  /** As openReceiptCertificate gives it. */
  readonly receiptVkey: string
}

/** A batch whose accepted events are proven to be in the log. */
export interface ProvenBatch {
  /** Index of the first leaf; leaf i of the list has index firstIndex + i. */
  readonly firstIndex: number
  readonly leaves: readonly Uint8Array[]
  /** Of the leaves, 32 bytes each, concatenated. */
  readonly leafHashes: Uint8Array
  readonly path: readonly Uint8Array[]
  readonly receipt: Receipt
  readonly note: string
}

/**
 * Proves from an acknowledgement alone that the batch is in the log: makes the leaves again from
 * the writer's own event bytes, or of what the policy left of them, and compares their range root
 * with the signed one.
 * @throws PosternError RECEIPT_INVALID if the counts contradict each other, nothing was accepted
 *   (there is nothing to prove then), an altered event cannot be what a policy left of the one that
 *   was sent, or the receipt is for something else · NOTE_INVALID if the
 *   note is not signed by the receipt key
 */
export async function checkBatchReceipt(claim: BatchClaim): Promise<ProvenBatch> {
  const { ack, note } = claim
  const leaves = leavesOf(claim)
  demandReceipt(leaves.length > 0, "no event of the batch was accepted")
  const receipt = await openReceipt(note, claim.receiptVkey)
  const leafHashes = concatBytes(...leaves.map(leafHash))
  const end = ack.firstIndex + leaves.length
  checkCoverage(receipt, ack.firstIndex, end, leafHashes, ack.path)
  return { firstIndex: ack.firstIndex, leaves, leafHashes, path: ack.path, receipt, note }
}

/** The leaves that the port must have made of the accepted events (docs/spec/log.md, Entry). */
function leavesOf({ ack, events, altered = [], refused }: BatchClaim): Uint8Array[] {
  const { received, open, seed, sequence } = ack
  demandReceipt(ack.events === events.length, `${ack.events} events, not ${events.length}`)
  const skipped = new Set(refused)
  const kept = new Map(altered.map((one) => [one.position, one]))
  const leaves: Uint8Array[] = []
  for (const [position, event] of events.entries()) {
    if (skipped.delete(position)) continue
    const nonce = deriveNonce(seed, position)
    const other = kept.get(position)
    kept.delete(position)
    if (other !== undefined) demandAltered(event, other.event)
    const { changed } = other ?? ack
    const stamp = formatStamp({ received, open, sequence: sequence + position, nonce, changed })
    leaves.push(concatBytes(encodeUtf8(`${stamp}\n`), other?.event ?? event))
  }
  demandReceipt(skipped.size === 0, "a refused position is not one of the batch")
  demandReceipt(kept.size === 0, "an altered event is none that the batch has in the log")
  const accepted = leaves.length
  demandReceipt(ack.accepted === accepted, `${ack.accepted} events accepted, not ${accepted}`)
  return leaves
}

/**
 * The receipt file of one entry of a proven batch.
 * @param index of the entry, within the batch
 * @param certificate the note that certifies the receipt key
 */
export function receiptFileOf(batch: ProvenBatch, index: number, certificate: string): ReceiptFile {
  const { firstIndex, leaves, leafHashes, receipt, note } = batch
  const leaf = leaves[index - firstIndex]
  assert(leaf !== undefined, "the entry is one of the batch")
  const range = {
    a: firstIndex,
    b: firstIndex + leaves.length,
    s: receipt.first,
    e: receipt.first + receipt.count,
  }
  const path = narrowRangePath(range, leafHashes, batch.path, index, index + 1)
  return { index, leaf, path, note, certificate }
}
