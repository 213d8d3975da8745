import {
  digestsBit,
  fieldOf,
  findKey,
  isInRange,
  numberType,
  requiredFields,
  spanFields,
  typeOf,
} from "./fields"
import { rowSpans } from "./rows"
import { fail, failAtEnd, isDigit, quote, verdictSyntax } from "./text"

/**
 * What the walk tells about the top level, and what is made of it: an event's members are judged,
 * another text's are listed. Each `take` returns 0 after fail(). Something that ends behind the
 * text's end is not judged: it was cut off.
 */

const verdictDuplicateKey: u32 = 4
const verdictEscapedKey: u32 = 5
const verdictUnknownKey: u32 = 6
const verdictMissingField: u32 = 7
const verdictFieldType: u32 = 8
const verdictFieldValue: u32 = 9
const verdictVersion: u32 = 10

const memberBytes: usize = 16

let isEvent: bool = false

/** Of an event: its row, the fields it had so far, and the one whose value comes next. */
let row: usize = 0
let seen: u32 = 0
let entry: usize = 0

/**
 * Of another text: where its members go, how many there were, and the one whose value comes next.
 */
let list: usize = 0
let listMax: u32 = 0
let found: u32 = 0
let keyAt: usize = 0
let keyLength: usize = 0
let valueAt: usize = 0

export function judgeEvent(to: usize): void {
  isEvent = true
  row = to
  seen = 0
}

export function listMembers(to: usize, max: u32): void {
  isEvent = false
  list = to
  listMax = max
  found = 0
  keyAt = 0
  keyLength = 0
}

export function membersFound(): u32 {
  return found
}

/** A key `[start, close)`, its closing quote at `close`. */
export function takeKey(start: usize, close: usize, escaped: u32, end: usize): usize {
  if (!isEvent) {
    keyAt = start
    keyLength = close - start
    return 1
  }
  // No known key has a backslash in it, so what is found was written without escapes.
  entry = findKey(start, close - start)
  const isKnown = entry != 0
  const bit: u32 = isKnown ? 1 << fieldOf(entry) : 0
  if (isKnown && !(seen & bit)) {
    seen |= bit
    return 1
  }
  if (close >= end) return fail(verdictSyntax, end, end)
  if (escaped) return fail(verdictEscapedKey, start - 1, end)
  return fail(isKnown ? verdictDuplicateKey : verdictUnknownKey, start - 1, end)
}

/** The first byte of a value, which stands at `at`. */
export function takeStart(at: usize, first: u32, end: usize): usize {
  valueAt = at
  if (!isEvent) return 1
  const type = typeOf(entry)
  if (first == type || (type == numberType && startsNumber(first))) return 1
  return fail(startsValue(first) ? verdictFieldType : verdictSyntax, at, end)
}

/** The text `[start, close)`, its closing quote at `close`. */
export function takeText(start: usize, close: usize, escaped: u32, end: usize): usize {
  if (!isEvent) return 1
  const field = fieldOf(entry)
  if (field >= spanFields) return 1
  const length = close - start
  if (escaped || !isInRange(field, start, length)) {
    if (close >= end) return fail(verdictSyntax, end, end)
    return fail(verdictFieldValue, start - 1, end)
  }
  store<u32>(row + 8 * field, <u32>start, rowSpans)
  store<u32>(row + 8 * field, <u32>length, rowSpans + 4)
  return 1
}

/** The number `[start, behind)`: of an event the only one is its version. */
export function takeNumber(start: usize, behind: usize, end: usize): usize {
  if (!isEvent || (behind - start == 1 && load<u8>(start) == 0x31)) return 1
  return fail(verdictVersion, start, end)
}

/** The whole value ends before `behind`. */
export function takeEnd(behind: usize): void {
  if (isEvent) return
  if (found < listMax) {
    const member = list + memberBytes * found
    store<u32>(member, <u32>keyAt)
    store<u32>(member, <u32>keyLength, 4)
    store<u32>(member, <u32>valueAt, 8)
    store<u32>(member, <u32>(behind - valueAt), 12)
  }
  found += 1
}

/** Whether the event that was read last names values that are kept elsewhere. */
export function namesDigests(): bool {
  return (seen & digestsBit) != 0
}

/** The whole text was read and right. */
export function takeAll(end: usize): usize {
  if (!isEvent || (seen & requiredFields) == requiredFields) return 1
  return failAtEnd(verdictMissingField, end)
}

function startsNumber(byte: u32): bool {
  return byte == 0x2d || isDigit(byte)
}

function startsValue(byte: u32): bool {
  if (byte == quote || byte == 0x7b || byte == 0x5b) return true
  return startsNumber(byte) || byte == 0x74 || byte == 0x66 || byte == 0x6e
}
