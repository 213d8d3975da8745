/**
 * The parts of JSON (RFC 8259) in UTF-8 (RFC 3629). Each takes the position where it starts and
 * returns the one behind it, or 0 after fail(). The text is hostile. What stands behind its end is
 * somebody else's and may be read (128 bytes are there) but never decides: a problem at or behind
 * the end is the text's being cut off.
 */

export const verdictSyntax: u32 = 1
export const verdictUtf8: u32 = 2

export const quote: u32 = 0x22
export const backslash: u32 = 0x5c

/** What was wrong, and where in memory; set by fail(). */
export let failure: u32 = 0
export let failedAt: usize = 0

/** Whether string() met an escape since it was last set to 0. */
export let escapes: u32 = 0

export function forgetEscapes(): void {
  escapes = 0
}

/** What was found wrong when the whole text had been read. */
export function failAtEnd(verdict: u32, end: usize): usize {
  failure = verdict
  failedAt = end
  return 0
}

export function fail(verdict: u32, at: usize, end: usize): usize {
  failure = at < end ? verdict : verdictSyntax
  failedAt = min<usize>(at, end)
  return 0
}

/**
 * A bit for each of the 64 bytes at `at` that ends the plain part of a string: quote, backslash,
 * control, non-ASCII. With its second bit turned over, the quote is the one byte between control
 * characters and the rest.
 */
export function stops(at: usize): u64 {
  return (
    <u64>stops16(at) |
    (<u64>stops16(at + 16) << 16) |
    (<u64>stops16(at + 32) << 32) |
    (<u64>stops16(at + 48) << 48)
  )
}

function stops16(at: usize): u32 {
  const bytes = v128.load(at)
  const low = i8x16.lt_s(v128.xor(bytes, i8x16.splat(2)), i8x16.splat(0x21))
  return <u32>i8x16.bitmask(v128.or(low, i8x16.eq(bytes, i8x16.splat(0x5c))))
}

/** Goes on in a string at a byte that is not plain, up to its closing quote. */
export function slowString(p: usize, end: usize): usize {
  while (p < end) {
    const byte = <u32>load<u8>(p)
    if (byte == quote) return p
    if (byte < 0x20) return fail(verdictSyntax, p, end)
    if (byte == backslash) {
      escapes = 1
      p = escape(p + 1, end)
      if (!p) return 0
    } else if (byte >= 0x80) {
      p = character(p, end)
      if (!p) return 0
    } else {
      const bits = stops16(p)
      p += bits ? <usize>ctz<u32>(bits) : 16
    }
  }
  return fail(verdictSyntax, end, end)
}

/** What follows a backslash. */
function escape(p: usize, end: usize): usize {
  switch (<u32>load<u8>(p)) {
    case 0x22: // "
    case 0x5c: // \
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return p + 1
    case 0x75: // u
      for (let i: usize = 1; i <= 4; i++) {
        if (!isHexDigit(load<u8>(p + i))) return fail(verdictSyntax, p + i, end)
      }
      return p + 5
    default:
      return fail(verdictSyntax, p, end)
  }
}

function isHexDigit(byte: u32): u32 {
  return u32(byte - 0x30 < 10 || (byte | 0x20) - 0x61 < 6)
}

export function isDigit(byte: u32): bool {
  return byte - 0x30 < 10
}

/** One character of two to four bytes, all of them in the text: the table of RFC 3629 §4. */
function character(p: usize, end: usize): usize {
  const lead = <u32>load<u8>(p)
  const left = end - p
  if (lead - 0xc2 < 0x1e) {
    if (left >= 2 && isTail(p + 1)) return p + 2
  } else if (lead >> 4 == 0xe) {
    if (left >= 3 && isTail(p + 1) && isTail(p + 2)) {
      // Neither overlong (e0 80…9f) nor a surrogate (ed a0…bf).
      const next = <u32>load<u8>(p, 1)
      if (!(lead == 0xe0 && next < 0xa0) && !(lead == 0xed && next >= 0xa0)) return p + 3
    }
  } else if (lead - 0xf0 < 5) {
    if (left >= 4 && isTail(p + 1) && isTail(p + 2) && isTail(p + 3)) {
      // Neither overlong (f0 80…8f) nor above U+10FFFF (f4 90…).
      const next = <u32>load<u8>(p, 1)
      if (!(lead == 0xf0 && next < 0x90) && !(lead == 0xf4 && next >= 0x90)) return p + 4
    }
  }
  return fail(verdictUtf8, p, end)
}

function isTail(p: usize): u32 {
  return u32((load<u8>(p) & 0xc0) == 0x80)
}

/** A number never reads its digits from behind the end, so that a cut one ends there. */
export function number(p: usize, end: usize): usize {
  if (byteAt(p, end) == 0x2d) p += 1
  if (byteAt(p, end) == 0x30) {
    p += 1
  } else {
    p = digits(p, end)
    if (!p) return 0
  }
  if (byteAt(p, end) == 0x2e) {
    p = digits(p + 1, end)
    if (!p) return 0
  }
  if ((byteAt(p, end) | 0x20) == 0x65) {
    p += 1
    const sign = byteAt(p, end)
    if (sign == 0x2b || sign == 0x2d) p += 1
    return digits(p, end)
  }
  return p
}

function byteAt(p: usize, end: usize): u32 {
  return p < end ? <u32>load<u8>(p) : 0
}

function digits(p: usize, end: usize): usize {
  if (!isDigit(byteAt(p, end))) return fail(verdictSyntax, p, end)
  while (p < end && isDigit(load<u8>(p))) p += 1
  return p
}

/** `true`, `false` or `null`, or the first byte that is none of them. */
export function literal(p: usize, end: usize): usize {
  const word = load<u32>(p)
  if (word == 0x65757274 || word == 0x6c6c756e) return p + 4
  if (word == 0x736c6166 && load<u8>(p, 4) == 0x65) return p + 5
  const first = word & 0xff
  if (first == 0x74) return misspelt(p, end, 0x65757274)
  if (first == 0x6e) return misspelt(p, end, 0x6c6c756e)
  if (first == 0x66) return misspelt(p, end, 0x65_736c6166)
  return fail(verdictSyntax, p, end)
}

function misspelt(p: usize, end: usize, wanted: u64): usize {
  while (<u32>load<u8>(p) == <u32>(wanted & 0xff)) {
    p += 1
    wanted >>= 8
  }
  return fail(verdictSyntax, p, end)
}

/** Behind any white space; never behind the end. */
export function space(p: usize, end: usize): usize {
  while (p < end) {
    const byte = <u32>load<u8>(p)
    if (byte != 0x20 && byte != 0x0a && byte != 0x0d && byte != 0x09) break
    p += 1
  }
  return p
}
