import { blockBytes, compress, resetState, storeDigests } from "./sha256"
import { rowBytes, rowChanged, rowLength, rowOffset, rowVerdict } from "./rows"

/** Records: stamp, line feed and event (docs/spec/log.md, Entry). */

const leafBytesMax: usize = 65_535
const verdictTooLarge: u32 = 11
const zero: u32 = 0x30
const nine: u32 = 0x39

/** `{"r":…,"o":…,"q":` of this batch; at most 45 bytes, read as 48. */
const head: usize = memory.data(64, 16)
/** The sequence in decimal; read as 16 bytes. */
const digits: usize = memory.data(32, 16)

const state: usize = memory.data(128, 16)
/** Four one-block messages, seed ‖ u32 number, and their digests: the nonces of eight positions. */
const messages: usize = memory.data(4 * 64, 16)
const nonces: usize = memory.data(8 * 16, 16)
const nonceBytes: usize = 16
const noncesPerGroup: u32 = 8

/** Writes the digits of a number, returns how many. */
function writeDecimal(value: u64, to: usize): usize {
  let count: usize = 1
  for (let rest = value / 10; rest; rest /= 10) count += 1
  for (let i = count; i; i--) {
    store<u8>(to + i - 1, zero + <u32>(value % 10))
    value /= 10
  }
  return count
}

/** Adds one to a decimal of `count` digits in place, returns its new count. */
function increment(at: usize, count: usize): usize {
  let i = at + count - 1
  while (i >= at && load<u8>(i) == nine) {
    store<u8>(i, zero)
    i -= 1
  }
  if (i >= at) {
    store<u8>(i, load<u8>(i) + 1)
    return count
  }
  store<u8>(at, 0x31)
  store<u8>(at + count, zero)
  return count + 1
}

function writeKey(to: usize, open: u32, letter: u32): usize {
  store<u32>(to, open | (0x22 << 8) | (letter << 16) | (0x22 << 24))
  store<u8>(to, 0x3a, 4)
  return to + 5
}

function writeHead(received: u64, open: u64): usize {
  let to = writeKey(head, 0x7b, 0x72)
  to += writeDecimal(received, to)
  to = writeKey(to, 0x2c, 0x6f)
  to += writeDecimal(open, to)
  return writeKey(to, 0x2c, 0x71) - head
}

function prepareSeed(seed: usize): void {
  for (let at = messages; at < messages + 4 * blockBytes; at += blockBytes) {
    v128.store(at, v128.load(seed))
    store<u8>(at, 0x80, 20)
    store<u16>(at, bswap<u16>(20 * 8), 62)
  }
}

/** The nonces of positions 8 group … 8 group + 7. */
function fillNonces(group: u32): void {
  for (let i: u32 = 0; i < 4; i++) {
    store<u32>(messages + blockBytes * i, bswap<u32>(4 * group + i), 16)
  }
  resetState(state)
  const m = messages
  compress(state, m, m + blockBytes, m + 2 * blockBytes, m + 3 * blockBytes, 1)
  storeDigests(state, nonces, nonces + 32, nonces + 64, nonces + 96)
}

/**
 * Four groups of three bytes, each a little-endian word with its first byte on top, as 16 letters
 * of base64url.
 */
function letters(groups: v128): v128 {
  const first = v128.and(i32x4.shr_u(groups, 18), i32x4.splat(0x3f))
  const second = v128.and(i32x4.shr_u(groups, 4), i32x4.splat(0x3f00))
  const third = v128.and(i32x4.shl(groups, 10), i32x4.splat(0x3f0000))
  const fourth = v128.and(i32x4.shl(groups, 24), i32x4.splat(0x3f000000))
  const sextets = v128.or(v128.or(first, second), v128.or(third, fourth))
  // Class 0 is 26…51, classes 1…12 are 52…63, class 13 is 0…25: each has its distance to the
  // letter.
  const upper = v128.and(i8x16.lt_s(sextets, i8x16.splat(26)), i8x16.splat(13))
  const classes = v128.or(i8x16.sub_sat_u(sextets, i8x16.splat(51)), upper)
  const distances = i8x16(71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -17, 32, 65, 0, 0)
  return i8x16.add(sextets, i8x16.swizzle(distances, classes))
}

/** 16 bytes as 22 letters; writes 24. */
function writeNonce(nonce: usize, to: usize): void {
  const bytes = v128.load(nonce)
  // Index 16 and above gives 0.
  const most = i8x16.swizzle(bytes, i8x16(2, 1, 0, 16, 5, 4, 3, 16, 8, 7, 6, 16, 11, 10, 9, 16))
  const rest = i8x16.swizzle(
    bytes,
    i8x16(14, 13, 12, 16, 16, 16, 15, 16, 16, 16, 16, 16, 16, 16, 16, 16),
  )
  v128.store(to, letters(most))
  store<u64>(to, i64x2.extract_lane(letters(rest), 0), 16)
}

/** Writes exactly `length` bytes. */
function copy(from: usize, to: usize, length: usize): void {
  if (length < 16) {
    for (let i: usize = 0; i < length; i++) store<u8>(to + i, load<u8>(from + i))
    return
  }
  const last = length - 16
  for (let i: usize = 0; i < last; i += 16) v128.store(to + i, v128.load(from + i))
  v128.store(to + last, v128.load(from + last))
}

/**
 * The contract is Core.stamp. Each write may run over what the next one fills; the event's is
 * exact.
 */
export function stamp(
  rows: usize,
  count: u32,
  to: usize,
  leaves: usize,
  received: f64,
  open: f64,
  sequence: f64,
  changed: u32,
  seed: usize,
): usize {
  const headBytes = writeHead(<u64>received, <u64>open)
  let digitCount = writeDecimal(<u64>sequence, digits)
  prepareSeed(seed)
  let group: u32 = u32.MAX_VALUE
  for (let j: u32 = 0; j < count; j++, rows += rowBytes) {
    if (j) digitCount = increment(digits, digitCount)
    if (load<u32>(rows, rowVerdict)) continue
    const length = <usize>load<u32>(rows, rowLength)
    const own = <u32>load<u8>(rows, rowChanged)
    const code = own ? own : changed
    const tailBytes: usize = code ? 9 : 3
    const leafBytes = headBytes + digitCount + 28 + tailBytes + length
    if (leafBytes > leafBytesMax) {
      store<u32>(rows, verdictTooLarge, rowVerdict)
      continue
    }
    if (j / noncesPerGroup != group) {
      group = j / noncesPerGroup
      fillNonces(group)
    }
    store<u16>(to, 0)
    const leaf = to + 2
    v128.store(leaf, v128.load(head))
    v128.store(leaf, v128.load(head, 16), 16)
    v128.store(leaf, v128.load(head, 32), 32)
    to = leaf + headBytes
    v128.store(to, v128.load(digits))
    to += digitCount
    store<u64>(to, 0x223a_226e_222c) // ,"n":"
    writeNonce(nonces + nonceBytes * (j % noncesPerGroup), to + 6)
    to += 28
    if (code) {
      store<u64>(to, 0x7d30_3a22_6322_2c22 + (<u64>code << 48)) // ","c":1}
      store<u8>(to, 0x0a, 8)
    } else {
      store<u16>(to, 0x7d22)
      store<u8>(to, 0x0a, 2)
    }
    to += tailBytes
    copy(load<u32>(rows, rowOffset), to, length)
    to += length
    store<u32>(leaves, <u32>leaf)
    store<u32>(leaves, <u32>(to - leaf), 4)
    leaves += 8
  }
  return to
}
