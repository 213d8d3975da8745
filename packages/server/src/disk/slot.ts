import { assert, encodeUtf8, equalBytes, sha256 } from "@postern/log/base"

/**
 * A slot: the unit of commit, one write and one fdatasync (docs/spec/disk.md, Slot). Arithmetic over bytes only.
 * A header read from disk is trusted only after `decodeSlotHeader` found its own hash right.
 */
export interface SlotHeader {
  readonly generation: number
  /** Length of the whole slot, a multiple of slotAlign. */
  readonly bytes: number
  readonly slot: number
  readonly first: number
  readonly entries: number
  readonly recordsBytes: number
  readonly batches: number
  readonly receiptBytes: number
  /** Microseconds since the epoch. */
  readonly time: number
  readonly previous: Uint8Array
  readonly root: Uint8Array
  readonly tail: Uint8Array
}

/** One batch of a slot, enough to make its acknowledgement again. */
export interface BatchRow {
  readonly open: number
  readonly sequence: number
  readonly events: number
  readonly accepted: number
  readonly first: number
  readonly received: number
  readonly changed: number
  readonly kind: number
  readonly seed: Uint8Array
  readonly digest: Uint8Array
}

export const batchKind = { framed: 0, serverMade: 1, port: 2, gap: 3 } as const

export const slotAlign = 4096
export const slotHeaderBytes = 256
export const batchRowBytes = 104
/** Bound on a slot in memory and on disk: two batches of the largest kind, their tables and a receipt. */
export const slotBytesMax = 6 * 1024 * 1024

const magic = encodeUtf8("postern1")
const hashAt = 224

/** Writes the header's 256 bytes to the start of `slot` and returns the slot's hash. */
export function encodeSlotHeader(header: SlotHeader, slot: Uint8Array): Uint8Array {
  assert(header.bytes % slotAlign === 0, "a slot is a multiple of 4096 bytes")
  const view = new DataView(slot.buffer, slot.byteOffset, slotHeaderBytes)
  slot.fill(0, 0, slotHeaderBytes)
  slot.set(magic, 0)
  view.setUint32(8, header.generation)
  view.setUint32(12, header.bytes)
  setUint64(view, 16, header.slot)
  setUint64(view, 24, header.first)
  view.setUint32(32, header.entries)
  view.setUint32(36, header.recordsBytes)
  view.setUint32(40, header.batches)
  view.setUint32(44, header.receiptBytes)
  setUint64(view, 48, header.time)
  slot.set(header.previous, 56)
  slot.set(header.root, 88)
  slot.set(header.tail, 120)
  const hash = sha256(slot.subarray(0, hashAt))
  slot.set(hash, hashAt)
  return hash
}

/** The header at the start of `slot`, or undefined if these bytes are not a header that was written whole. */
export function decodeSlotHeader(
  slot: Uint8Array,
): { header: SlotHeader; hash: Uint8Array } | undefined {
  if (slot.length < slotHeaderBytes || !equalBytes(slot.subarray(0, 8), magic)) return undefined
  const hash = copyOf(slot, hashAt, hashAt + 32)
  if (!equalBytes(sha256(slot.subarray(0, hashAt)), hash)) return undefined
  const view = new DataView(slot.buffer, slot.byteOffset, slotHeaderBytes)
  const header: SlotHeader = {
    generation: view.getUint32(8),
    bytes: view.getUint32(12),
    slot: getUint64(view, 16),
    first: getUint64(view, 24),
    entries: view.getUint32(32),
    recordsBytes: view.getUint32(36),
    batches: view.getUint32(40),
    receiptBytes: view.getUint32(44),
    time: getUint64(view, 48),
    previous: copyOf(slot, 56, 88),
    root: copyOf(slot, 88, 120),
    tail: copyOf(slot, 120, 152),
  }
  const used = slotHeaderBytes + header.recordsBytes + tailBytes(header)
  const possible = header.bytes % slotAlign === 0 && header.bytes <= slotBytesMax
  return possible && used <= header.bytes ? { header, hash } : undefined
}

export function tailBytes(header: Pick<SlotHeader, "batches" | "receiptBytes">): number {
  return header.batches * batchRowBytes + header.receiptBytes
}

/** The tail (batch table and receipt) of a whole slot. */
export function tailOf(slot: Uint8Array, header: SlotHeader): Uint8Array {
  const at = slotHeaderBytes + header.recordsBytes
  return slot.subarray(at, at + tailBytes(header))
}

export function encodeBatchRow(row: BatchRow, target: Uint8Array, at: number): void {
  const view = new DataView(target.buffer, target.byteOffset + at, batchRowBytes)
  setUint64(view, 0, row.open)
  setUint64(view, 8, row.sequence)
  view.setUint32(16, row.events)
  view.setUint32(20, row.accepted)
  setUint64(view, 24, row.first)
  setUint64(view, 32, row.received)
  view.setUint32(40, row.changed)
  view.setUint32(44, row.kind)
  target.set(row.seed, at + 48)
  target.set(row.digest, at + 64)
  target.fill(0, at + 96, at + batchRowBytes)
}

export function decodeBatchRow(source: Uint8Array, at: number): BatchRow {
  const view = new DataView(source.buffer, source.byteOffset + at, batchRowBytes)
  return {
    open: getUint64(view, 0),
    sequence: getUint64(view, 8),
    events: view.getUint32(16),
    accepted: view.getUint32(20),
    first: getUint64(view, 24),
    received: getUint64(view, 32),
    changed: view.getUint32(40),
    kind: view.getUint32(44),
    seed: copyOf(source, at + 48, at + 64),
    digest: copyOf(source, at + 64, at + 96),
  }
}

/** A copy, also of what happens to be a Buffer, whose slice() is a view. */
function copyOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return new Uint8Array(bytes.subarray(from, to))
}

/** Leaves of a slot's records region, in order; undefined if the lengths do not add up. Views into `records`. */
export function splitRecords(records: Uint8Array): Uint8Array[] | undefined {
  const leaves: Uint8Array[] = []
  let at = 0
  while (at + 2 <= records.length) {
    const end = at + 2 + (((records[at] ?? 0) << 8) | (records[at + 1] ?? 0))
    if (end > records.length) return undefined
    leaves.push(records.subarray(at + 2, end))
    at = end
  }
  return at === records.length ? leaves : undefined
}

export function alignSlot(bytes: number): number {
  return Math.ceil(bytes / slotAlign) * slotAlign
}

export function setUint64(view: DataView, at: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, "a u64 that a number holds exactly")
  view.setUint32(at, Math.floor(value / 0x1_0000_0000))
  view.setUint32(at + 4, value % 0x1_0000_0000)
}

export function getUint64(view: DataView, at: number): number {
  return view.getUint32(at) * 0x1_0000_0000 + view.getUint32(at + 4)
}
