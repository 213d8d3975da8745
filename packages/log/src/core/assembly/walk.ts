import { fieldOf, findKey, isInRange, numberType, requiredFields, spanFields, typeOf, version } from "./fields"
import { rowBytes, rowLength, rowOffset, rowPosition, rowSpans, rowVerdict } from "./rows"
import {
  backslash,
  escapes,
  fail,
  failAtEnd,
  failedAt,
  failure,
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

/**
 * One pass over one JSON text, for the scanner and for members(). Never recurses, allocates nothing, and needs time linear
 * in the text whatever stands in it.
 */

const verdictDepth: u32 = 3
const verdictDuplicateKey: u32 = 4
const verdictEscapedKey: u32 = 5
const verdictUnknownKey: u32 = 6
const verdictMissingField: u32 = 7
const verdictFieldType: u32 = 8
const verdictFieldValue: u32 = 9
const verdictVersion: u32 = 10

const eventDepthMax: u32 = 32
const membersDepthMax: u32 = 34

const windowBytes: usize = 64
const memberBytes: usize = 16

/** What stands at the top level is judged as an event (`row` is a row) or listed (`row` is a list of spans). */
const modeEvent: u32 = 0
const modeMembers: u32 = 1

/** Members found by the last walk in modeMembers. */
let found: u32 = 0

/**
 * Returns 1 if the text is right, else 0 after fail().
 *
 * Strings are found through bit masks of 64 bytes each: `mask` has the stops at `base` that were not passed yet, `next` those
 * behind it, computed ahead so that nothing waits for it. Between tokens the lowest bit is at or behind `p`, since numbers,
 * literals, brackets and spaces are no stops; after other white space the masks are made anew.
 */
function walk(mode: u32, at: usize, end: usize, row: usize, rowsMax: u32): u32 {
  const depthMax = mode == modeEvent ? eventDepthMax : membersDepthMax
  let p = space(at, end)
  let c = <u32>load<u8>(p)
  if (c != 0x7b && (c != 0x5b || mode == modeEvent)) return <u32>fail(verdictSyntax, p, end)
  /** One bit a level, 1 = object; the innermost is lowest. */
  let kinds = u64(c == 0x7b)
  let depth: u32 = 1
  let isFirst: u32 = 1
  let entry: usize = 0
  let seen: u32 = 0
  let keyAt: usize = 0
  let keyLength: usize = 0
  let valueAt: usize = 0
  p += 1
  let base = p
  let mask = stops(p)
  let next = stops(p + windowBytes)

  for (;;) {
    // A member or an element starts at p, behind a bracket or a comma.
    if (p >= end) return <u32>fail(verdictSyntax, end, end)
    c = <u32>load<u8>(p)
    if (c <= 0x20) {
      if (c != 0x20 || <u32>load<u8>(p, 1) <= 0x20) {
        p = space(p, end)
        base = p
        mask = stops(p)
        next = stops(p + windowBytes)
      } else {
        p += 1
      }
      c = <u32>load<u8>(p)
    }
    if (!(isFirst & u32(c == 0x5d + (<u32>(kinds & 1) << 5)))) {
      if (kinds & 1) {
        if (c != quote) return <u32>fail(verdictSyntax, p, end)
        const start = p + 1
        let escaped: u32 = 0
        while (!mask) {
          base += windowBytes
          if (base >= end) return <u32>fail(verdictSyntax, end, end)
          mask = next
          next = stops(base + windowBytes)
        }
        mask &= mask - 1
        while (!mask) {
          base += windowBytes
          if (base >= end) return <u32>fail(verdictSyntax, end, end)
          mask = next
          next = stops(base + windowBytes)
        }
        p = base + <usize>ctz<u64>(mask)
        if (<u32>load<u8>(p) != quote) {
          forgetEscapes()
          p = slowString(p, end)
          if (!p) return 0
          escaped = escapes
          base = p
          mask = stops(p)
          next = stops(p + windowBytes)
        }
        mask &= mask - 1
        if (depth == 1) {
          if (mode == modeEvent) {
            entry = findKey(start, p - start)
            if (!entry || escaped) {
              if (p >= end) return <u32>fail(verdictSyntax, end, end)
              return <u32>fail(escaped ? verdictEscapedKey : verdictUnknownKey, start - 1, end)
            }
            const bit = <u32>1 << fieldOf(entry)
            if (seen & bit) {
              if (p >= end) return <u32>fail(verdictSyntax, end, end)
              return <u32>fail(verdictDuplicateKey, start - 1, end)
            }
            seen |= bit
          } else {
            keyAt = start
            keyLength = p - start
          }
        }
        p += 1
        c = <u32>load<u8>(p)
        if (c != 0x3a) {
          p = space(p, end)
          if (p >= end || load<u8>(p) != 0x3a) return <u32>fail(verdictSyntax, p, end)
          base = p
          mask = stops(p)
          next = stops(p + windowBytes)
        }
        p += 1
        c = <u32>load<u8>(p)
        if (c <= 0x20) {
          if (c != 0x20 || <u32>load<u8>(p, 1) <= 0x20) {
            p = space(p, end)
            base = p
            mask = stops(p)
            next = stops(p + windowBytes)
          } else {
            p += 1
          }
          c = <u32>load<u8>(p)
        }
      }

      // A value starts at p; c is its first byte.
      valueAt = depth == 1 ? p : valueAt
      if (depth == 1 && mode == modeEvent) {
        const type = typeOf(entry)
        if (c != type && !(type == numberType && (isDigit(c) || c == 0x2d))) {
          return <u32>fail(startsValue(c) ? verdictFieldType : verdictSyntax, p, end)
        }
      }
      if (c == quote) {
        const start = p + 1
        let escaped: u32 = 0
        while (!mask) {
          base += windowBytes
          if (base >= end) return <u32>fail(verdictSyntax, end, end)
          mask = next
          next = stops(base + windowBytes)
        }
        mask &= mask - 1
        while (!mask) {
          base += windowBytes
          if (base >= end) return <u32>fail(verdictSyntax, end, end)
          mask = next
          next = stops(base + windowBytes)
        }
        p = base + <usize>ctz<u64>(mask)
        if (<u32>load<u8>(p) != quote) {
          forgetEscapes()
          p = slowString(p, end)
          if (!p) return 0
          escaped = escapes
          base = p
          mask = stops(p)
          next = stops(p + windowBytes)
        }
        mask &= mask - 1
        if (depth == 1 && mode == modeEvent) {
          const field = fieldOf(entry)
          if (field < spanFields) {
            const length = p - start
            if (escaped | u32(!isInRange(field, start, length))) {
              if (p >= end) return <u32>fail(verdictSyntax, end, end)
              return <u32>fail(verdictFieldValue, start - 1, end)
            }
            store<u32>(row + 8 * field, <u32>start, rowSpans)
            store<u32>(row + 8 * field, <u32>length, rowSpans + 4)
          }
        }
        p += 1
      } else if (c == 0x7b || c == 0x5b) {
        if (depth == depthMax) return <u32>fail(verdictDepth, p, end)
        depth += 1
        kinds = (kinds << 1) | u64(c == 0x7b)
        isFirst = 1
        p += 1
        continue
      } else if (isDigit(c) || c == 0x2d) {
        const start = p
        p = number(p, end)
        if (!p) return 0
        if (depth == 1 && mode == modeEvent && !(p - start == 1 && c == 0x31)) {
          return <u32>fail(verdictVersion, start, end)
        }
      } else {
        p = literal(p, end)
        if (!p) return 0
      }
      if (depth == 1 && mode == modeMembers) addMember(row, rowsMax, keyAt, keyLength, valueAt, p)
    }

    // Behind a value, or at the closing bracket of an empty list.
    for (;;) {
      c = <u32>load<u8>(p)
      if (c == 0x2c) {
        isFirst = 0
        p += 1
        break
      }
      if (c == 0x5d + (<u32>(kinds & 1) << 5)) {
        p += 1
        depth -= 1
        kinds >>= 1
        if (!depth) {
          p = space(p, end)
          if (p != end) return <u32>fail(verdictSyntax, p, end)
          if (mode == modeEvent && (seen & requiredFields) != requiredFields) {
            return <u32>failAtEnd(verdictMissingField, end)
          }
          return 1
        }
        if (depth == 1 && mode == modeMembers) addMember(row, rowsMax, keyAt, keyLength, valueAt, p)
        continue
      }
      const behind = space(p, end)
      if (behind == p || behind == end) return <u32>fail(verdictSyntax, behind, end)
      p = behind
      base = p
      mask = stops(p)
      next = stops(p + windowBytes)
    }
  }
  return 0
}

function startsValue(c: u32): u32 {
  return u32(
    c == quote || c == 0x7b || c == 0x5b || c == 0x2d || c == 0x74 || c == 0x66 || c == 0x6e || isDigit(c),
  )
}

function addMember(list: usize, listMax: u32, keyAt: usize, keyLength: usize, at: usize, end: usize): void {
  if (found < listMax) {
    const member = list + memberBytes * found
    store<u32>(member, <u32>keyAt)
    store<u32>(member, <u32>keyLength, 4)
    store<u32>(member, <u32>at, 8)
    store<u32>(member, <u32>(end - at), 12)
  }
  found += 1
}

/** The contract is Core.scan. */
export function scan(rows: usize, count: u32): u32 {
  const zero = i32x4.splat(0)
  let refused: u32 = 0
  for (const last = rows + rowBytes * count; rows != last; rows += rowBytes) {
    const at = <usize>load<u32>(rows, rowOffset)
    const length = load<u32>(rows, rowLength)
    store<u64>(rows, 0, 56)
    if (walk(modeEvent, at, at + length, rows, 0)) {
      store<u32>(rows, 0, rowVerdict)
      store<u32>(rows, length, rowPosition)
      continue
    }
    store<u32>(rows, failure, rowVerdict)
    store<u32>(rows, <u32>(failedAt - at), rowPosition)
    v128.store(rows, zero, 16)
    v128.store(rows, zero, 32)
    v128.store(rows, zero, 48)
    refused += 1
  }
  return refused
}

/** The contract is Core.members. */
export function members(at: usize, end: usize, spans: usize, spansMax: u32): i32 {
  found = 0
  if (!walk(modeMembers, at, end, spans, spansMax)) return -1
  return found > spansMax ? -2 : <i32>found
}
