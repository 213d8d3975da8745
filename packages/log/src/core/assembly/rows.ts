/** Rows: one event each, 64 bytes (api.ts, rowField). */

export const rowBytes: usize = 64
export const rowOffset: usize = 0
export const rowLength: usize = 4
export const rowVerdict: usize = 8
export const rowPosition: usize = 12
export const rowSpans: usize = 16
export const rowDecision: usize = 56
export const rowChanged: usize = 60
export const rowMentions: usize = 61

const lengthBytes: usize = 4

export function split(at: usize, end: usize, rows: usize, rowsMax: u32): i32 {
  const zero = i32x4.splat(0)
  let count: u32 = 0
  while (at < end) {
    if (end - at < lengthBytes || count == rowsMax) return -1
    const length = bswap<u32>(load<u32>(at))
    at += lengthBytes
    if (<usize>length > end - at) return -1
    v128.store(rows, i32x4.replace_lane(i32x4.replace_lane(zero, 0, <i32>at), 1, <i32>length))
    v128.store(rows, zero, 16)
    v128.store(rows, zero, 32)
    v128.store(rows, zero, 48)
    rows += rowBytes
    at += length
    count += 1
  }
  return count
}

/** Whether `length` bytes are equal; reads up to 15 bytes behind both. */
export function equal(a: usize, b: usize, length: usize): u32 {
  let i: usize = 0
  for (; i + 16 <= length; i += 16) {
    if (i8x16.bitmask(i8x16.eq(v128.load(a + i), v128.load(b + i))) != 0xffff) return 0
  }
  const same = i8x16.bitmask(i8x16.eq(v128.load(a + i), v128.load(b + i)))
  const wanted = (1 << <i32>(length - i)) - 1
  return u32((same & wanted) == wanted)
}

function matches(value: usize, length: usize, patterns: usize, patternsEnd: usize): u32 {
  while (patterns < patternsEnd) {
    const isPrefix = load<u8>(patterns)
    const bytes = <usize>bswap<u16>(load<u16>(patterns, 1))
    patterns += 3
    if (isPrefix ? bytes <= length : bytes == length) {
      if (equal(value, patterns, bytes)) return 1
    }
    patterns += bytes
  }
  return 0
}

/**
 * Marks the rows for which "some pattern matches" is `wanted`. A value equal to the one before is
 * not matched again.
 */
export function mark(
  rows: usize,
  count: u32,
  field: usize,
  patterns: usize,
  patternsEnd: usize,
  verdict: u32,
  wanted: u32,
): u32 {
  let marked: u32 = 0
  let known: usize = 0
  let knownLength: usize = usize.MAX_VALUE
  let outcome: u32 = 0
  for (const end = rows + rowBytes * count; rows != end; rows += rowBytes) {
    if (load<u32>(rows, rowVerdict)) continue
    const value = <usize>load<u32>(rows + field)
    const length = <usize>load<u32>(rows + field, 4)
    if (length != knownLength || !equal(value, known, length)) {
      outcome = matches(value, length, patterns, patternsEnd)
      known = value
      knownLength = length
    }
    if (outcome != wanted) continue
    store<u32>(rows, verdict, rowVerdict)
    marked += 1
  }
  return marked
}

export function writeLengths(leaves: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    store<u16>(load<u32>(leaves) - 2, bswap<u16>(<u16>load<u32>(leaves, 4)))
    leaves += 8
  }
}
