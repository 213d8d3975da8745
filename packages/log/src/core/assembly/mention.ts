import { rowBytes, rowLength, rowMentions, rowOffset, rowSpans, rowVerdict } from "./rows"

/**
 * Needles (../needles.ts says how they stand in their region): short ones are looked for at every
 * place, 64 bytes at a time; long ones by their hooks, at every other place.
 */

/** Six tables of 16 bytes: of a short needle's three bytes the low and the high half each. */
const low0: usize = 0
const high0: usize = 16
const low1: usize = 32
const high1: usize = 48
const low2: usize = 64
const high2: usize = 80
const allGroups: usize = 96
const bucketsOfThree: usize = 97
const bucketsOfTwo: usize = 98
const beyondGroups: usize = 99
/** The least byte of what is not ASCII. */
const beyondAscii: u8 = 0x80
const mapAt: usize = 128
const mapShift: u32 = 32 - 16
/** Positions of words of 32 bits in the map. */
const mapWords: u32 = (1 << 13) - 4
const headsAt: usize = mapAt + (1 << 13)
const headsShift: u32 = 32 - 11
const hooksAt: usize = headsAt + 2 * 2048

/** Bytes by which a needle is found. */
const hookBytes: usize = 12
const entriesAt: usize = hooksAt + 1024 * hookBytes
const hookKey: usize = 0
const hookNext: usize = 4
const hookEntry: usize = 6
const hookOffset: usize = 8
const hookGroups: usize = 9

/** Needles that differ in their last byte only. */
const entryBytes: usize = 128
const entryFold: usize = 32
const entryMask: usize = 64
const entryLasts: usize = 96
const entryLength: usize = 112

const foldOfThree: u32 = 0x0020_2020
const foldOfTwo: u32 = 0x2020
const keyOfTwo: u32 = 0x0100_0000
/** Its low byte is 0, so that the highest byte of what is hashed makes no difference. */
const spread: u32 = 0x9e37_7900

const windowBytes: usize = 64
/** The buckets of each byte of a window: those of which a needle may begin there. */
const buckets: usize = memory.data(64, 16)
const stretchBytes: usize = 16
/** Where the bits of eight hashes stand: the words of the map that hold them, then their places in these. */
const lanes: usize = memory.data(64, 16)
const laneShifts: usize = 32

function half(low: v128, high: v128, bytes: v128): v128 {
  return v128.and(
    i8x16.swizzle(low, v128.and(bytes, i8x16.splat(0x0f))),
    i8x16.swizzle(high, i8x16.shr_u(bytes, 4)),
  )
}

function positions(at: usize): u64 {
  return <u64>(<u32>i8x16.bitmask(i8x16.ne(v128.load(at), i8x16.splat(0))))
}

/** The event that is looked at: its row, and `[at, end)`. */
let row: usize = 0
let at: usize = 0
let end: usize = 0

/** Whether `[start, behind)` lies within one of the five texts that nobody ever changes. */
function isFixed(start: usize, behind: usize): bool {
  for (let span = row + rowSpans; span < row + rowSpans + 5 * 8; span += 8) {
    const from = <usize>load<u32>(span)
    if (start >= from && behind <= from + <usize>load<u32>(span, 4)) return true
  }
  return false
}

/** Whether one of the entry's needles is `[start, behind)`. */
function isNeedle(entry: usize, start: usize, behind: usize): bool {
  const first = v128.or(v128.load(start), v128.load(entry, entryFold))
  const second = v128.or(v128.load(start, 16), v128.load(entry, entryFold + 16))
  const others = v128.or(
    v128.and(v128.xor(first, v128.load(entry)), v128.load(entry, entryMask)),
    v128.and(v128.xor(second, v128.load(entry, 16)), v128.load(entry, entryMask + 16)),
  )
  if (v128.any_true(others)) return false
  const last = <usize>load<u8>(behind - 1)
  return last < 128 && (<u32>load<u8>(entry + (last >> 3), entryLasts) >> (<u32>last & 7)) & 1
}

/** The groups of those needles with this key at `here` that stand in the event. */
function follow(key: u32, here: usize, needles: usize, found: u32): u32 {
  let number = <usize>load<u16>(needles + 2 * <usize>((key * spread) >> headsShift), headsAt)
  while (number) {
    const hook = needles + hooksAt + hookBytes * (number - 1)
    number = <usize>load<u16>(hook, hookNext)
    const groups = <u32>load<u8>(hook, hookGroups)
    if (load<u32>(hook, hookKey) != key || (groups & ~found) == 0) continue
    const entry = needles + entriesAt + entryBytes * <usize>load<u16>(hook, hookEntry)
    const start = here - <usize>load<u8>(hook, hookOffset)
    const behind = start + <usize>load<u8>(entry, entryLength)
    if (start < at || behind > end) continue
    if (isNeedle(entry, start, behind) && !isFixed(start, behind)) found |= groups
  }
  return found
}

/** Looks at each place of the window at `p` where a needle may be. */
function examine(p: usize, needles: usize, found: u32): u32 {
  let places =
    positions(buckets) |
    (positions(buckets + 16) << 16) |
    (positions(buckets + 32) << 32) |
    (positions(buckets + 48) << 48)
  if (end - p < windowBytes) places &= (<u64>1 << <u64>(end - p)) - 1
  const ofThree = <u32>load<u8>(needles, bucketsOfThree)
  const ofTwo = <u32>load<u8>(needles, bucketsOfTwo)
  for (; places; places &= places - 1) {
    const place = <usize>ctz<u64>(places)
    const here = p + place
    const bytes = load<u32>(here)
    const which = <u32>load<u8>(buckets + place)
    if (which & ofThree) {
      found = follow((bytes & 0xff_ffff) | foldOfThree, here, needles, found)
    }
    if (which & ofTwo) {
      found = follow((bytes & 0xffff) | foldOfTwo | keyOfTwo, here, needles, found)
    }
  }
  return found
}

/** The window may go beyond the event. */
function isBeyondAt(p: usize): bool {
  const last = p + windowBytes < end ? p + windowBytes : end
  for (; p < last; p++) if (load<u8>(p) >= beyondAscii) return true
  return false
}

/** Short needles, and what is not ASCII. */
function addShort(needles: usize, found: u32): u32 {
  const all = <u32>load<u8>(needles, allGroups)
  const beyond = <u32>load<u8>(needles, beyondGroups)
  const l0 = v128.load(needles, low0)
  const h0 = v128.load(needles, high0)
  const l1 = v128.load(needles, low1)
  const h1 = v128.load(needles, high1)
  const l2 = v128.load(needles, low2)
  const h2 = v128.load(needles, high2)
  for (let p = at; p < end && (all & ~found) != 0; p += windowBytes) {
    let any = i8x16.splat(0)
    let highest = i8x16.splat(0)
    for (let i: usize = 0; i < windowBytes; i += 16) {
      const bytes = v128.load(p + i)
      highest = i8x16.max_u(highest, bytes)
      const first = half(l0, h0, bytes)
      const second = half(l1, h1, v128.load(p + i, 1))
      const third = half(l2, h2, v128.load(p + i, 2))
      const here = v128.and(v128.and(first, second), third)
      v128.store(buckets + i, here)
      any = v128.or(any, here)
    }
    if (v128.any_true(any)) found = examine(p, needles, found)
    if (beyond & ~found && v128.any_true(i8x16.ge_u(highest, i8x16.splat(beyondAscii)))) {
      found |= isBeyondAt(p) ? beyond : 0
    }
  }
  return found
}

/** Hashes what stands at `p` and 4, 8 and 12 bytes behind it, for four lanes of `lanes`. */
function hashTo(to: usize, p: usize): void {
  const hash = i32x4.mul(v128.or(v128.load(p), i32x4.splat(foldOfThree)), i32x4.splat(spread))
  v128.store(to, v128.and(i32x4.shr_u(hash, mapShift + 3), i32x4.splat(mapWords)))
  v128.store(to, i32x4.shr_u(hash, mapShift), laneShifts)
}

/** The bit of a lane, among others of no meaning. */
function bitOf(lane: usize, map: usize): u32 {
  const word = load<u32>(map + <usize>load<u32>(lanes + 4 * lane))
  return word >> load<u32>(lanes + 4 * lane, laneShifts)
}

/** Looks at each place of the stretch at `p` where a hook may stand. */
function catchAt(p: usize, needles: usize, found: u32): u32 {
  for (let lane: usize = 0; lane < 8; lane++) {
    if ((bitOf(lane, needles + mapAt) & 1) == 0) continue
    const here = p + 4 * (lane & 3) + 2 * (lane >> 2)
    found = follow((load<u32>(here) & 0xff_ffff) | foldOfThree, here, needles, found)
  }
  return found
}

/** Long needles. A stretch may go beyond the event: what is found there does not stand within it. */
function addLong(needles: usize, found: u32): u32 {
  const all = <u32>load<u8>(needles, allGroups)
  const map = needles + mapAt
  for (let p = at; p < end && (all & ~found) != 0; p += stretchBytes) {
    hashTo(lanes, p)
    hashTo(lanes + 16, p + 2)
    const first = bitOf(0, map) | bitOf(1, map) | bitOf(2, map) | bitOf(3, map)
    const second = bitOf(4, map) | bitOf(5, map) | bitOf(6, map) | bitOf(7, map)
    if ((first | second) & 1) found = catchAt(p, needles, found)
  }
  return found
}

/** The contract is Core.mention. */
export function mention(rows: usize, count: u32, needles: usize): u32 {
  let mentioning: u32 = 0
  for (const last = rows + rowBytes * count; rows != last; rows += rowBytes) {
    if (load<u32>(rows, rowVerdict)) continue
    row = rows
    at = <usize>load<u32>(rows, rowOffset)
    end = at + <usize>load<u32>(rows, rowLength)
    const found = addLong(needles, addShort(needles, <u32>load<u8>(rows, rowMentions)))
    store<u8>(rows, found, rowMentions)
    mentioning += u32(found != 0)
  }
  return mentioning
}
