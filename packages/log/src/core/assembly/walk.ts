import { takeAll, takeEnd, takeKey, takeNumber, takeStart, takeText } from "./judge"
import {
  escapes,
  fail,
  forgetEscapes,
  isDigit,
  literal,
  number,
  quote,
  slowString,
  space,
  stops,
  verdictSyntax,
} from "./text"

const verdictDepth: u32 = 3
const windowBytes: usize = 64

/**
 * One pass over one JSON text `[at, end)` of at most `depthMax` (below 64) levels; what stands at
 * the top level is handed to judge.ts. Returns 0 after fail(). Never recurses, allocates nothing,
 * needs time linear in the text whatever stands in it.
 *
 * Strings are found through bit masks of 64 bytes each: `mask` has the stops (text.ts) of the bytes
 * at `base` that were not passed yet, `next` those behind, computed ahead so that nothing waits for
 * it. Between tokens the lowest bit is at or behind `p`: numbers, literals, brackets and spaces
 * have none. After anything else the masks are dropped and made anew when needed.
 */
export function walk(at: usize, end: usize, depthMax: u32, arrayToo: bool): usize {
  let p = space(at, end)
  let c = <u32>load<u8>(p)
  if (c != 0x7b && !(c == 0x5b && arrayToo)) return fail(verdictSyntax, p, end)
  /** One bit a level, 1 = object; the innermost is lowest. */
  let kinds = u64(c == 0x7b)
  let depth: u32 = 1
  let isFirst: bool = true
  p += 1
  let base = p
  let mask = stops(p)
  let next = stops(p + windowBytes)

  for (;;) {
    // Behind a comma, or at the start: a member or an element.
    let isKey = (kinds & 1) != 0
    for (;;) {
      // A key starts at p if isKey, else a value.
      if (p >= end) return fail(verdictSyntax, end, end)
      c = <u32>load<u8>(p)
      if (c <= 0x20) {
        p += 1
        if (c != 0x20 || load<u8>(p) <= 0x20) {
          p = space(p - 1, end)
          base = p - 2 * windowBytes
          mask = next = 0
        }
        c = <u32>load<u8>(p)
      }
      if (depth == 1 && !isKey && !takeStart(p, c, end)) return 0
      if (c == quote) {
        const start = p + 1
        let escaped: u32 = 0
        // The lowest stop is the opening quote. (The loop stands twice because it is measurably
        // faster than one around both.)
        while (!mask) {
          base += windowBytes
          if (base >= end) return fail(verdictSyntax, end, end)
          mask = next
          next = stops(base + windowBytes)
        }
        mask &= mask - 1
        // The next one is the closing quote, or ends the plain part of the string.
        while (!mask) {
          base += windowBytes
          if (base >= end) return fail(verdictSyntax, end, end)
          mask = next
          next = stops(base + windowBytes)
        }
        p = base + <usize>ctz<u64>(mask)
        mask &= mask - 1
        if (<u32>load<u8>(p) != quote) {
          forgetEscapes()
          p = slowString(p, end)
          if (!p) return 0
          escaped = escapes
          base = p + 1 - 2 * windowBytes
          mask = next = 0
        }
        p += 1
        if (!isKey) {
          if (depth == 1) {
            if (!takeText(start, p - 1, escaped, end)) return 0
            takeEnd(p)
          }
          break
        }
        if (depth == 1 && !takeKey(start, p - 1, escaped, end)) return 0
        if (<u32>load<u8>(p) != 0x3a) {
          p = space(p, end)
          if (load<u8>(p) != 0x3a) return fail(verdictSyntax, p, end)
          base = p - 2 * windowBytes
          mask = next = 0
        }
        p += 1
        isKey = false
        continue
      }
      // An empty list closes here, where its first member or element was due.
      const isObject = (kinds & 1) != 0
      if (isFirst && isKey == isObject && c == (isObject ? 0x7d : 0x5d)) break
      if (isKey) return fail(verdictSyntax, p, end)
      if (c == 0x7b || c == 0x5b) {
        if (depth == depthMax) return fail(verdictDepth, p, end)
        isKey = c == 0x7b
        kinds = (kinds << 1) | u64(isKey)
        depth += 1
        isFirst = true
        p += 1
        continue
      }
      const start = p
      const isNumber = isDigit(c) || c == 0x2d
      p = isNumber ? number(p, end) : literal(p, end)
      if (!p) return 0
      if (depth == 1) {
        if (isNumber && !takeNumber(start, p, end)) return 0
        takeEnd(p)
      }
      break
    }
    // Behind a value, or at the closing bracket of an empty list.
    for (;;) {
      c = <u32>load<u8>(p)
      if (c == 0x2c) break
      if (c == (kinds & 1 ? 0x7d : 0x5d)) {
        p += 1
        kinds >>= 1
        depth -= 1
        if (depth == 1) takeEnd(p)
        if (depth) continue
        p = space(p, end)
        return p == end ? takeAll(end) : fail(verdictSyntax, p, end)
      }
      const behind = space(p, end)
      if (behind == p) return fail(verdictSyntax, p, end)
      p = behind
      base = p - 2 * windowBytes
      mask = next = 0
    }
    p += 1
    isFirst = false
  }
  return 0
}
