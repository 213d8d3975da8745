import { ByteList } from "./growing.ts"
import { blocksOf, bytesOf, idFirst } from "./part-format.ts"
import { blockRows } from "./token-blocks.ts"
import type { ValueTable } from "./value-table.ts"

/** Strings of a dictionary that share what they begin with. */
export const bucketValues = 16

/** The two sections of a column: a number for each row, and what the numbers stand for. */
export interface EncodedColumn {
  readonly ids: Uint8Array
  readonly dictionary: Uint8Array
  /** The numbers by row, for roll-ups. */
  readonly rows: Uint32Array
}

/**
 * @param rows by row: idNone, idOdd, or idFirst plus the number of a value in `values`; numbered anew by the order of the values
 */
export function encodeColumn(rows: Uint32Array, values: ValueTable): EncodedColumn {
  const counts = new Uint32Array(values.count + idFirst)
  for (const id of rows) counts[id] = (counts[id] as number) + 1
  const used: number[] = []
  for (let id = idFirst; id < counts.length; id++) if (counts[id] !== 0) used.push(id - idFirst)
  const sorted = values.sort(Uint32Array.from(used))
  const renumbered = new Uint32Array(counts.length)
  renumbered[1] = 1
  for (const [i, id] of sorted.entries()) renumbered[id + idFirst] = i + idFirst
  const ids = rows.map((id) => renumbered[id] as number)
  return {
    ids: encodeIds(ids, sorted.length + idFirst),
    dictionary: encodeDictionary(sorted, counts, values),
    rows: ids,
  }
}

/** u32 width, u32 the one number if the width is 0; then the numbers. Of width 3 the low sixteen bits of all come first. */
function encodeIds(ids: Uint32Array, limit: number): Uint8Array {
  const width = ids.every((id) => id === ids[0])
    ? 0
    : limit <= 0x100
      ? 1
      : limit <= 0x1_0000
        ? 2
        : limit <= 0x100_0000
          ? 3
          : 4
  const out = new ByteList(8 + width * ids.length)
  out.append(bytesOf(Uint32Array.of(width, width === 0 ? (ids[0] as number) : 0)))
  if (width === 1) out.append(new Uint8Array(ids))
  if (width === 2 || width === 3) out.append(bytesOf(new Uint16Array(ids)))
  if (width === 3) out.append(new Uint8Array(ids.map((id) => id >>> 16)))
  if (width === 4) out.append(bytesOf(ids))
  return out.taken()
}

/**
 * u32 values, u32 buckets, u32 rows for idNone and for idOdd, u32 offset of each bucket and of the end; strings: bytes shared with the one
 * before, bytes that follow, these bytes; a varint of rows for each value.
 */
function encodeDictionary(
  sorted: Uint32Array,
  counts: Uint32Array,
  values: ValueTable,
): Uint8Array {
  const buckets = Math.ceil(sorted.length / bucketValues)
  const out = new ByteList()
  out.append(
    bytesOf(Uint32Array.of(sorted.length, buckets, counts[0] as number, counts[1] as number)),
  )
  const strings = new ByteList()
  const offsets = new Uint32Array(buckets + 1)
  let before: Uint8Array = new Uint8Array()
  for (const [i, id] of sorted.entries()) {
    const value = values.valueOf(id)
    if (i % bucketValues === 0) {
      offsets[i / bucketValues] = strings.length
      before = new Uint8Array()
    }
    const shared = sharedBytes(before, value)
    strings.varint(shared)
    strings.varint(value.length - shared)
    strings.append(value.subarray(shared))
    before = value
  }
  offsets[buckets] = strings.length
  out.append(bytesOf(offsets))
  out.append(strings.taken())
  for (const id of sorted) out.varint(counts[id + idFirst] as number)
  return out.taken()
}

function sharedBytes(a: Uint8Array, b: Uint8Array): number {
  const most = Math.min(a.length, b.length)
  let shared = 0
  while (shared < most && a[shared] === b[shared]) shared += 1
  return shared
}

/**
 * f64 lowest and f64 highest of each block, u32 where its rows begin in what follows: each row's distance from the lowest, in as few
 * of 0, 1, 2, 4 or 8 bytes (then an f64) as the block's highest takes.
 */
export function encodeReceived(times: Float64Array): Uint8Array {
  const blocks = blocksOf(times.length)
  const { lowest, highest } = boundsOf(times)
  const offsets = new Uint32Array(blocks)
  const rows = new ByteList()
  for (let block = 0; block < blocks; block++) {
    offsets[block] = rows.length
    const base = lowest[block] as number
    const width = timeWidth((highest[block] as number) - base)
    const end = Math.min(times.length, (block + 1) * blockRows)
    for (let row = block * blockRows; row < end; row++) {
      const distance = (times[row] as number) - base
      if (width === 8) rows.append(bytesOf(Float64Array.of(distance)))
      else for (let i = 0; i < width; i++) rows.push((distance >>> (8 * i)) & 0xff)
    }
  }
  const out = new ByteList(blocks * 20 + rows.length)
  for (const list of [lowest, highest, offsets]) out.append(bytesOf(list))
  out.append(rows.taken())
  return out.taken()
}

export function timeWidth(span: number): number {
  if (span === 0) return 0
  if (span < 0x100) return 1
  if (span < 0x1_0000) return 2
  return span < 0x1_0000_0000 ? 4 : 8
}

/** Lowest and highest of each block; NaN makes a block's bounds infinite, what is +Infinity does not count. */
export function boundsOf(times: Float64Array): { lowest: Float64Array; highest: Float64Array } {
  const blocks = blocksOf(times.length)
  const lowest = new Float64Array(blocks).fill(Number.POSITIVE_INFINITY)
  const highest = new Float64Array(blocks).fill(Number.NEGATIVE_INFINITY)
  for (const [row, time] of times.entries()) {
    const block = Math.floor(row / blockRows)
    if (time === Number.POSITIVE_INFINITY) continue
    const isUnknown = Number.isNaN(time)
    lowest[block] = isUnknown ? Number.NEGATIVE_INFINITY : Math.min(lowest[block] as number, time)
    highest[block] = isUnknown ? Number.POSITIVE_INFINITY : Math.max(highest[block] as number, time)
  }
  return { lowest, highest }
}

/** A word for each block, a bit for each row; undefined if no bit is set. */
export function encodeMarks(marks: Uint8Array): Uint8Array | undefined {
  const words = new Uint32Array(blocksOf(marks.length))
  let isAny = false
  for (const [row, mark] of marks.entries()) {
    if (mark === 0) continue
    isAny = true
    const block = Math.floor(row / blockRows)
    words[block] = (words[block] as number) | (1 << (row % blockRows))
  }
  return isAny ? bytesOf(words) : undefined
}

export const hourMicroseconds = 3_600_000_000

/** Varints, ascending: hours since the hour before, outcome (as its column numbers it), rows. */
export function encodeRollup(times: Float64Array, outcomes: Uint32Array): Uint8Array {
  const counts = new Map<number, number>()
  const [width, hours] = [outcomes.length + idFirst, hoursOf(times)]
  let [key, run] = [-1, 0]
  for (const [row, hour] of hours.entries()) {
    const next = hour * width + (outcomes[row] as number)
    if (next !== key) {
      if (run > 0) counts.set(key, (counts.get(key) ?? 0) + run)
      key = next
      run = 0
    }
    run += 1
  }
  if (run > 0) counts.set(key, (counts.get(key) ?? 0) + run)
  const out = new ByteList()
  let before = 0
  for (const [at, count] of [...counts].sort(([a], [b]) => a - b)) {
    const hour = Math.floor(at / width)
    out.varint(hour - before)
    out.varint(at % width)
    out.varint(count)
    before = hour
  }
  return out.taken()
}

function hoursOf(times: Float64Array): Float64Array {
  return times.map((time) => Math.floor(time / hourMicroseconds))
}
