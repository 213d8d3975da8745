import { equalBytes, sha256 } from "@postern/log/base"
import { alignedZeros } from "./aligned.ts"
import type { SlotPlan } from "./log-store.ts"
import { offsetRows } from "./recovery.ts"
import {
  batchRowBytes,
  decodeBatchRow,
  decodeSlotHeader,
  slotBytesMax,
  slotHeaderBytes,
  tailOf,
} from "./slot.ts"
import type { ReadSlot } from "./slot-walker.ts"
import type { TreeBuilder } from "./tree-builder.ts"

const tileLevels = 7

/**
 * A slot that somebody else wrote and sent. Undefined unless these bytes are one slot and nothing else: own hash, length,
 * digest of the tail. Its records are not checked yet. Views into `bytes`.
 */
export function decodeRawSlot(bytes: Uint8Array): ReadSlot | undefined {
  const decoded = bytes.length <= slotBytesMax ? decodeSlotHeader(bytes) : undefined
  if (decoded === undefined || decoded.header.bytes !== bytes.length) return undefined
  const { header, hash } = decoded
  const tail = tailOf(bytes, header)
  if (!equalBytes(sha256(tail), header.tail)) return undefined
  const rows = Array.from({ length: header.batches }, (_, i) => {
    return decodeBatchRow(tail, i * batchRowBytes)
  })
  const records = bytes.subarray(slotHeaderBytes, slotHeaderBytes + header.recordsBytes)
  const receipt = tail.subarray(header.batches * batchRowBytes)
  return { header, hash, at: 0, records, rows, receipt }
}

/**
 * Makes what the store needs to keep a slot byte for byte. Owns the page-aligned memory that the store writes from: one
 * plan at a time, it holds until the next.
 */
export class RawSlotPlanner {
  readonly #memory = alignedZeros(slotBytesMax)

  /** The tree has just grown by the slot's records and has its root: nodes are taken from there, never from the sender. */
  plan(bytes: Uint8Array, slot: ReadSlot, tree: TreeBuilder): SlotPlan {
    const aligned = this.#memory.subarray(0, bytes.length)
    aligned.set(bytes)
    return planSlot(aligned, slot, tree)
  }
}

function planSlot(bytes: Uint8Array, slot: ReadSlot, tree: TreeBuilder): SlotPlan {
  const { header, hash } = slot
  const nodes: { level: number; from: number; hashes: Uint8Array }[] = []
  for (let level = 0; level < tileLevels; level++) {
    const { from, hashes } = tree.completed(level)
    if (hashes.length === 0) break
    nodes.push({ level, from, hashes: new Uint8Array(hashes) })
  }
  const { first, entries, time, root } = header
  return {
    ...{ bytes, slot: header.slot, first, entries, time, root, hash, nodes },
    recordOffsets: (segmentFirst) => recordOffsets(slot, segmentFirst),
  }
}

function recordOffsets(
  slot: ReadSlot,
  segmentFirst: number,
): { row: number; offsets: readonly number[] } {
  const { at, bytes } = offsetRows(slot, segmentFirst)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const offsets: number[] = []
  for (let row = 0; row < bytes.length; row += 8) offsets.push(view.getUint32(row + 4))
  return { row: at / 8, offsets }
}
