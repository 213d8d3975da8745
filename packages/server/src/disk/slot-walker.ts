import { equalBytes, PosternError, sha256 } from "@postern/log/base"
import { type FileSystem, readAll } from "./file-system.ts"
import { nodeFiles } from "./node-files.ts"
import { type OnDamage, openSegment } from "./segment-bytes.ts"
import {
  type BatchRow,
  batchRowBytes,
  decodeBatchRow,
  decodeSlotHeader,
  type SlotHeader,
  slotAlign,
  slotHeaderBytes,
  tailOf,
} from "./slot.ts"

/** A slot as read from disk: its own hash and the hash of its tail were right, its records are not yet checked. */
export interface ReadSlot {
  readonly header: SlotHeader
  readonly hash: Uint8Array
  /** Offset in the segment file. */
  readonly at: number
  readonly records: Uint8Array
  readonly rows: readonly BatchRow[]
  /** The receipt note of the slot before, empty if there was none. */
  readonly receipt: Uint8Array
}

/** Whoever follows a log reads one slot most of the time; whoever goes through it soon reads in long stretches. */
const windowBytesStart = 64 * 1024
const windowBytesMost = 1024 * 1024

/**
 * The slots of one segment file, from `at`, up to the first place that is not a whole slot. Views into a window that
 * is reused: they hold until the next step. The last value tells where it stopped and whether the file goes on behind it.
 * Errors: LOG_DAMAGED if a block of a compressed segment is, unless `onDamage` is told.
 */
export async function* walkSlots(
  path: string,
  at = 0,
  files: FileSystem = nodeFiles,
  onDamage?: OnDamage,
): AsyncGenerator<ReadSlot, SlotsEnd> {
  const file = await openSegment(path, files, onDamage)
  try {
    let window: Uint8Array = new Uint8Array(windowBytesStart)
    let windowAt = at
    let filled = 0
    for (;;) {
      let slot = slotAt(window.subarray(at - windowAt, filled), at)
      if (slot === undefined) {
        const isLong = filled === window.length && window.length < windowBytesMost
        if (isLong) window = new Uint8Array(window.length * 2)
        windowAt = at
        filled = await readAll(file, window, at)
        slot = slotAt(window.subarray(0, filled), at)
      }
      // Only a header that is sound says how long its slot is: where a segment is not filled yet, nothing more is read.
      const needed = slot ? 0 : (decodeSlotHeader(window.subarray(0, filled))?.header.bytes ?? 0)
      if (needed > window.length) {
        window = new Uint8Array(needed)
        filled = await readAll(file, window, at)
        slot = slotAt(window.subarray(0, filled), at)
      }
      if (slot === undefined) return { at, bytes: await file.size() }
      yield slot
      at += slot.header.bytes
    }
  } finally {
    await file.close()
  }
}

export interface SlotsEnd {
  readonly at: number
  readonly bytes: number
}

function slotAt(bytes: Uint8Array, at: number): ReadSlot | undefined {
  const decoded = decodeSlotHeader(bytes)
  if (decoded === undefined || decoded.header.bytes > bytes.length) return undefined
  const { header, hash } = decoded
  const slot = bytes.subarray(0, header.bytes)
  const tail = tailOf(slot, header)
  if (!equalBytes(sha256(tail), header.tail)) return undefined
  const rows: BatchRow[] = []
  for (let i = 0; i < header.batches; i++) rows.push(decodeBatchRow(tail, i * batchRowBytes))
  const records = slot.subarray(slotHeaderBytes, slotHeaderBytes + header.recordsBytes)
  return { header, hash, at, records, rows, receipt: tail.subarray(header.batches * batchRowBytes) }
}

/**
 * Whether any later place of the file holds a slot that belongs behind a log ending before slot number `next`: then
 * the end is not a torn write but a hole. Looks at slot boundaries only.
 */
export async function slotBehind(
  path: string,
  end: number,
  next: number,
  generation: number,
  files: FileSystem = nodeFiles,
): Promise<number | undefined> {
  const file = await files.open(path, { access: "read" })
  try {
    const window = new Uint8Array(windowBytesMost)
    for (let at = end; ; at += window.length) {
      const filled = await readAll(file, window, at)
      for (let within = 0; within + slotAlign <= filled; within += slotAlign) {
        const found = decodeSlotHeader(window.subarray(within, within + slotHeaderBytes))?.header
        if (found?.generation === generation && found.slot > next) return at + within
      }
      if (filled < window.length) return undefined
    }
  } finally {
    await file.close()
  }
}

export function damaged(path: string, at: number, what: string): PosternError {
  return new PosternError("LOG_DAMAGED", `${path} at byte ${at}: ${what}`)
}
