/**
 * What a spool knows beside its frames, in the file `meta`: two slots of 256 bytes, written in turn, so that a torn
 * write leaves the other one. Big-endian. A position is a number of events since the spool began.
 *
 * | offset | bytes | |
 * |---|---|---|
 * | 0 | 8 | `pspmeta1` in ASCII |
 * | 8 | 8 | generation; the higher valid slot counts |
 * | 16 | 16 | stream id |
 * | 32 | 8 | position of the stream's sequence 0 |
 * | 40 | 8 | acknowledged: position below which everything needs no resend |
 * | 48 | 8 | time of the last acknowledgement, milliseconds since 1970 |
 * | 56 | 32 | chain digest of the stream at `acknowledged` |
 * | 88 | 128 | up to eight ranges of positions that were dropped on purpose, the spool being full: from, end |
 * | 216 | 36 | zeros |
 * | 252 | 4 | CRC-32 of bytes 0-251 |
 */
import { crc32 } from "node:zlib"
import { formatHex, parseHex } from "@postern/log/base"
import { readU64, writeU64 } from "./record.ts"

/** Half-open. */
export interface Range {
  readonly from: number
  readonly end: number
}

export interface Meta {
  /** 32 hex digits. */
  readonly stream: string
  readonly start: number
  readonly acked: number
  readonly ackedAtMs: number
  readonly digest: Uint8Array
  /** Ascending, apart from each other, at most droppedRangesMax. */
  readonly dropped: readonly Range[]
}

export const metaSlotBytes = 256
const droppedRangesMax = 8
const magic = Buffer.from("pspmeta1", "ascii")

/** One slot. The caller writes it at `(generation % 2) * metaSlotBytes`. */
export function encodeMeta(meta: Meta, generation: number): Buffer {
  const slot = Buffer.alloc(metaSlotBytes)
  magic.copy(slot)
  writeU64(slot, generation, 8)
  slot.set(parseHex(meta.stream) ?? [], 16)
  writeU64(slot, meta.start, 32)
  writeU64(slot, meta.acked, 40)
  writeU64(slot, meta.ackedAtMs, 48)
  slot.set(meta.digest, 56)
  for (const [at, { from, end }] of meta.dropped.entries()) {
    writeU64(slot, from, 88 + 16 * at)
    writeU64(slot, end, 96 + 16 * at)
  }
  slot.writeUInt32BE(crc32(slot.subarray(0, 252)), 252)
  return slot
}

/** The newest whole slot of the file's bytes; undefined if there is none. */
export function decodeMeta(file: Buffer): { meta: Meta; generation: number } | undefined {
  const slots = [file.subarray(0, metaSlotBytes), file.subarray(metaSlotBytes, 2 * metaSlotBytes)]
  const whole = slots.filter(isWhole)
  const newest = whole.sort((a, b) => readU64(b, 8) - readU64(a, 8))[0]
  if (newest === undefined) return undefined
  const meta = {
    stream: formatHex(newest.subarray(16, 32)),
    start: readU64(newest, 32),
    acked: readU64(newest, 40),
    ackedAtMs: readU64(newest, 48),
    digest: Uint8Array.from(newest.subarray(56, 88)),
    dropped: readRanges(newest),
  }
  return { meta, generation: readU64(newest, 8) }
}

function readRanges(slot: Buffer): Range[] {
  const ranges: Range[] = []
  for (let at = 88; at < 216; at += 16) {
    const range = { from: readU64(slot, at), end: readU64(slot, at + 8) }
    if (range.from < range.end) ranges.push(range)
  }
  return ranges
}

function isWhole(slot: Buffer): boolean {
  if (slot.length !== metaSlotBytes || !slot.subarray(0, 8).equals(magic)) return false
  return slot.readUInt32BE(252) === crc32(slot.subarray(0, 252))
}

/**
 * Adds to what was dropped; `added` touches or overlaps any of the ranges, or none. Ranges stay few: when there are too
 * many, the two newest become one, at the price of the frames between them, should the process crash.
 */
export function addRange(ranges: readonly Range[], added: Range): Range[] {
  const apart = ranges.filter((range) => range.end < added.from || range.from > added.end)
  const touching = [added, ...ranges.filter((range) => !apart.includes(range))]
  const from = Math.min(...touching.map((range) => range.from))
  const end = Math.max(...touching.map((range) => range.end))
  const all = [...apart, { from, end }].sort((a, b) => a.from - b.from)
  while (all.length > droppedRangesMax) {
    const last = all.pop() as Range
    const before = all.pop() as Range
    all.push({ from: before.from, end: last.end })
  }
  return all
}
