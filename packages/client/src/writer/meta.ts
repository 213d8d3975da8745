/** What a spool knows beside its frames, in the file `meta`: two slots, written in turn (docs/spec/spool.md, Meta). */
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
  /** The stream before; undefined if there was none, or nobody remembers. */
  readonly previous: string | undefined
  readonly start: number
  readonly acked: number
  readonly ackedAtMs: number
  readonly digest: Uint8Array
  /** Behind the newest record when this was written: what is missing below was lost. */
  readonly end: number
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
  slot.set(parseHex(meta.previous ?? "") ?? [], 216)
  writeU64(slot, meta.end, 232)
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
    previous: readPrevious(newest),
    end: readU64(newest, 232),
  }
  return { meta, generation: readU64(newest, 8) }
}

function readPrevious(slot: Buffer): string | undefined {
  const id = slot.subarray(216, 232)
  return id.every((byte) => byte === 0) ? undefined : formatHex(id)
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
