/**
 * What a text looks like to a person: percent-escapes and `\u` escapes once decoded, compatibility forms, marks and
 * twins of ASCII letters and digits as those, and what has no width left out. For matching only, never stored; each
 * character knows where it came from.
 */

import { hexDigit } from "./letters.ts"

export interface Folded {
  readonly text: string
  /** Of each UTF-16 unit where it began in the text that was folded; one more for the end. */
  readonly starts: readonly number[]
}

/** Letters that look like ASCII ones and are none to NFKD, with those that they look like. */
const twins = new Map<string, string>()
for (const [letters, meant] of [
  ["аạɑα", "a"],
  ["сϲ", "c"],
  ["ԁ", "d"],
  ["еҽε", "e"],
  ["ɡց", "g"],
  ["һհ", "h"],
  ["іıιӏ", "i"],
  ["јϳ", "j"],
  ["кκ", "k"],
  ["пո", "n"],
  ["оοօσ", "o"],
  ["рρ", "p"],
  ["ԛզ", "q"],
  ["гꭇ", "r"],
  ["ѕꜱ", "s"],
  ["тτ", "t"],
  ["υսц", "u"],
  ["ѵν", "v"],
  ["ԝшω", "w"],
  ["хχ", "x"],
  ["уγү", "y"],
  ["ᴢ", "z"],
  ["АΑ", "A"],
  ["ВΒ", "B"],
  ["СϹ", "C"],
  ["ЕΕ", "E"],
  ["НΗ", "H"],
  ["ІΙ", "I"],
  ["Ј", "J"],
  ["КΚ", "K"],
  ["МΜ", "M"],
  ["Ν", "N"],
  ["ОΟ", "O"],
  ["РΡ", "P"],
  ["Ѕ", "S"],
  ["ТΤ", "T"],
  ["ԝ", "w"],
  ["ХΧ", "X"],
  ["УΥ", "Y"],
  ["Ζ", "Z"],
  ["‐‑‒–—−", "-"],
  ["∶։", ":"],
] as const)
  for (const letter of letters) twins.set(letter, meant)

/** Folded before, by code point; forgotten when they are too many. */
const known = new Map<number, string>()
const knownMax = 16_384

/** Most of them are a letter of a script that has no twins in ASCII; looking them up would be wasted. */
function isPlain(code: number): boolean {
  return code < 128 || (code >= 0x2e80 && code < 0xa000) || (code >= 0xac00 && code < 0xd7a4)
}

function foldOne(code: number): string {
  const before = known.get(code)
  if (before !== undefined) return before
  if (known.size >= knownMax) known.clear()
  const meant = meaningOf(String.fromCodePoint(code))
  known.set(code, meant)
  return meant
}

function meaningOf(char: string): string {
  if (/[\p{Cf}\p{Mn}\p{Me}\p{Default_Ignorable_Code_Point}]/u.test(char)) return ""
  if (/\p{Nd}/u.test(char)) return digitOf(char)
  if (/\p{Zs}/u.test(char)) return " "
  const base = char.normalize("NFKD").replace(/[\p{Mn}\p{Me}]/gu, "")
  let meant = ""
  for (const part of base) meant += twins.get(part) ?? part
  return meant
}

/** Digits of a script stand in rows of ten, the zero first. */
function digitOf(char: string): string {
  const plain = char.normalize("NFKD")
  if (/^[0-9]$/.test(plain)) return plain
  const code = char.codePointAt(0) as number
  let zero = code
  while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--
  return String(code - zero)
}

/** Undefined if nothing in the text means anything but itself. */
export function fold(text: string): Folded | undefined {
  const starts: number[] = []
  let out = ""
  let isSame = true
  for (let at = 0; at < text.length; ) {
    const escaped = readEscape(text, at)
    const code = escaped?.code ?? (text.codePointAt(at) as number)
    const length = escaped?.length ?? (code > 0xffff ? 2 : 1)
    const meant = isPlain(code) ? String.fromCodePoint(code) : foldOne(code)
    isSame &&= escaped === undefined && (code < 128 || meant === String.fromCodePoint(code))
    for (let i = 0; i < meant.length; i++) starts.push(at)
    out += meant
    at += length
  }
  if (isSame) return undefined
  starts.push(text.length)
  return { text: out, starts }
}

interface Escape {
  readonly code: number
  readonly length: number
}

/** A character of UTF-8 in percent-escapes, or one of JSON's `\u`; undefined where none begins. */
function readEscape(text: string, at: number): Escape | undefined {
  const char = text.charCodeAt(at)
  if (char === 0x5c && text.charCodeAt(at + 1) === 0x75) {
    const code = readHex(text, at + 2, 4)
    return code === undefined ? undefined : { code, length: 6 }
  }
  if (char !== 0x25) return undefined
  const lead = readHex(text, at + 1, 2)
  if (lead === undefined) return undefined
  if (lead < 0x80) return { code: lead, length: 3 }
  const more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0
  let code = more === 0 ? 0xfffd : lead & (0x3f >> more)
  for (let i = 1; i <= more; i++) {
    const next = text.charCodeAt(at + 3 * i) === 0x25 ? readHex(text, at + 3 * i + 1, 2) : undefined
    if (next === undefined || next >> 6 !== 2) return { code: 0xfffd, length: 3 }
    code = (code << 6) | (next & 0x3f)
  }
  return { code: code > 0x10ffff ? 0xfffd : code, length: 3 * (more + 1) }
}

function readHex(text: string, at: number, length: number): number | undefined {
  let value = 0
  for (let i = 0; i < length; i++) {
    const digit = hexDigit(text.charCodeAt(at + i))
    if (digit === -1) return undefined
    value = value * 16 + digit
  }
  return value
}

/** A name as it is meant; most are as they are. */
export function foldName(name: string): string {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (code > 127 || code === 0x25 || code === 0x5c) return fold(name)?.text ?? name
  }
  return name
}
