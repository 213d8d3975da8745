/**
 * One pass over a text that says which detectors could find anything in it at all. Most texts of most events hold
 * nothing, and this is all that they cost.
 */
import { literals } from "./literals.ts"

export const seen = {
  at: 1 << 0,
  colon: 1 << 1,
  equals: 1 << 2,
  plus: 1 << 3,
  /** Two of one that might begin a literal prefix. */
  literal: 1 << 4,
  /** `%` before a hexadecimal digit, or a backslash before `u`. */
  escape: 1 << 5,
  /** A character above U+007F. */
  beyond: 1 << 6,
  /** `//`. */
  slashes: 1 << 7,
  /** `--`. */
  dashes: 1 << 8,
  /** A letter before a digit. */
  letterDigit: 1 << 9,
  angle: 1 << 10,
  /** At least 20 characters of base64 or base64url on end. */
  run: 1 << 11,
  digits9: 1 << 12,
  digits13: 1 << 13,
  /** Three full stops or more. */
  dots: 1 << 14,
  dot: 1 << 15,
  /** What a parameter of a URL stands behind. */
  query: 1 << 16,
  /** What ends a word, as in a statement: white space, a bracket, a comment. */
  gap: 1 << 17,
} as const

export const runMin = 20

/** By names of their own: the engine gives up its best code for a loop whose rare branches look into an object. */
const { beyond, run: longRun, digits9, digits13, dots } = seen

const dotWeight = 1 << 15
const weights = new Int32Array(128)
const bits = new Int32Array(128)
const pairs = new Int32Array(128 * 128)
const isRun = new Uint8Array(128)

function addPair(first: number, second: number, bit: number): void {
  pairs[(first << 7) | second] = (pairs[(first << 7) | second] ?? 0) | bit
}

for (let code = 0; code < 128; code++) {
  const char = String.fromCharCode(code)
  if (/[A-Za-z0-9+/=_-]/.test(char)) isRun[code] = 1
  if (/[0-9]/.test(char)) weights[code] = 1
  if (/[0-9A-Fa-f]/.test(char)) addPair(0x25, code, seen.escape)
  for (let before = 0; before < 128; before++) {
    const isLetter = /[A-Za-z]/.test(String.fromCharCode(before))
    if (isLetter && weights[code] === 1) addPair(before, code, seen.letterDigit)
  }
}
weights[0x2e] = dotWeight
bits[0x40] = seen.at
bits[0x3a] = seen.colon
bits[0x3d] = seen.equals
bits[0x2b] = seen.plus
bits[0x3e] = seen.angle
bits[0x2e] = seen.dot
bits[0x3f] = seen.query
bits[0x26] = seen.query
bits[0x28] = seen.gap
for (const space of [0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20]) bits[space] = seen.gap
addPair(0x2f, 0x2a, seen.gap)
addPair(0x5c, 0x75, seen.escape)
addPair(0x2f, 0x2f, seen.slashes)
addPair(0x2d, 0x2d, seen.dashes)
for (const { prefix } of literals) addPair(prefix.charCodeAt(0), prefix.charCodeAt(1), seen.literal)

/** What of `seen` there is in a text. */
export function survey(text: string): number {
  let mask = 0
  let counts = 0
  let run = 0
  let longest = 0
  let before = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 127) {
      mask |= beyond
      run = 0
      before = 0
      continue
    }
    run = isRun[code] === 1 ? run + 1 : 0
    if (run > longest) longest = run
    counts += weights[code] as number
    mask |= (bits[code] as number) | (pairs[(before << 7) | code] as number)
    before = code
  }
  const digits = counts & (dotWeight - 1)
  if (longest >= runMin) mask |= longRun
  if (digits >= 9) mask |= digits9
  if (digits >= 13) mask |= digits13
  if (counts >= 3 * dotWeight && digits >= 4) mask |= dots
  return mask
}
