import { decodeUtf8 } from "@postern/log/base"
import { depthMax } from "./record.ts"

const quote = 0x22
const plus = 0x2b
const comma = 0x2c
const minus = 0x2d
const dot = 0x2e
const zero = 0x30
const colon = 0x3a
const backslash = 0x5c
const bracketOpen = 0x5b
const letterU = 0x75
const braceOpen = 0x7b
/** In ASCII each bracket closes two places after it opens. */
const toClose = 2

/**
 * Whether a record is one strict JSON object that can stand in an event: what parseObject() takes, without making a value of it. A
 * pass over its bytes and one over its UTF-8, so that a record of megabytes takes no longer than its digest.
 */
export function isStrictObject(bytes: Uint8Array): boolean {
  return endOfObject(bytes) === bytes.length && decodeUtf8(bytes) !== undefined
}

/** Behind the object that the bytes begin with, and white space; -1 if they begin with none. */
function endOfObject(bytes: Uint8Array): number {
  let open = 0
  /** A bit for each bracket that is open, the innermost the lowest: whether it is an object's. */
  let objects = 0
  let at = endOfSpace(bytes, 0)
  if (bytes[at] !== braceOpen) return -1
  for (;;) {
    const first = bytes[at] as number
    if (first === braceOpen || first === bracketOpen) {
      if (open === depthMax) return -1
      open += 1
      objects = 2 * objects + (first === braceOpen ? 1 : 0)
      at = endOfSpace(bytes, at + 1)
      if (bytes[at] !== first + toClose) {
        if (first === braceOpen) at = endOfName(bytes, at)
        if (at < 0) return -1
        continue
      }
    } else {
      at = endOfSpace(bytes, endOfScalar(bytes, at))
    }
    while (open > 0 && bytes[at] === closing(objects)) {
      open -= 1
      objects >>= 1
      at = endOfSpace(bytes, at + 1)
    }
    if (open === 0) return at
    if (bytes[at] !== comma) return -1
    at = endOfSpace(bytes, at + 1)
    if (objects % 2 === 1) at = endOfName(bytes, at)
    if (at < 0) return -1
  }
}

function closing(objects: number): number {
  return (objects % 2 === 1 ? braceOpen : bracketOpen) + toClose
}

/** The first byte from `at` on that is no white space; -1 stays what it is. */
function endOfSpace(bytes: Uint8Array, at: number): number {
  while (at >= 0 && isSpace(bytes[at])) at += 1
  return at
}

/** Where the value of the member begins whose name begins at `at`; -1 if none does. */
function endOfName(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== quote) return -1
  const end = endOfSpace(bytes, endOfString(bytes, at))
  return end >= 0 && bytes[end] === colon ? endOfSpace(bytes, end + 1) : -1
}

function endOfScalar(bytes: Uint8Array, at: number): number {
  const first = bytes[at]
  if (first === quote) return endOfString(bytes, at)
  if (first === minus || isDigit(first)) return endOfNumber(bytes, at)
  for (const word of words) {
    if (word.every((letter, i) => bytes[at + i] === letter)) return at + word.length
  }
  return -1
}

const words = ["true", "false", "null"].map((word) => [...Buffer.from(word)])

function endOfString(bytes: Uint8Array, at: number): number {
  for (at += 1; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (byte === quote) return at + 1
    if (byte < 0x20) return -1
    if (byte !== backslash) continue
    at += 1
    if (bytes[at] === letterU) {
      for (let i = 1; i <= 4; i++) if (!isHexDigit(bytes[at + i])) return -1
      at += 4
    } else if (!escapes.has(bytes[at] as number)) {
      return -1
    }
  }
  return -1
}

const escapes = new Set(Buffer.from('"\\/bfnrt'))

function endOfNumber(bytes: Uint8Array, at: number): number {
  if (bytes[at] === minus) at += 1
  at = bytes[at] === zero ? at + 1 : endOfDigits(bytes, at)
  if (at >= 0 && bytes[at] === dot) at = endOfDigits(bytes, at + 1)
  if (at < 0 || !isExponent(bytes[at])) return at
  const isSigned = bytes[at + 1] === plus || bytes[at + 1] === minus
  return endOfDigits(bytes, at + (isSigned ? 2 : 1))
}

/** -1 if there is no digit. */
function endOfDigits(bytes: Uint8Array, at: number): number {
  if (!isDigit(bytes[at])) return -1
  while (isDigit(bytes[at])) at += 1
  return at
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= 0x39
}

function isExponent(byte: number | undefined): boolean {
  return byte === 0x65 || byte === 0x45
}

function isHexDigit(byte: number | undefined): boolean {
  return isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66)
}
