import type { EventText } from "./event-text.ts"

/** Of a longer text only so many bytes of its JSON are looked at. */
export const textBytesMax = 8_192

const backslash = 0x5c
const letterU = 0x75
/** `\u0000` is the longest escape. */
const escapeMax = 6

/** The characters that the string [from, to) means; of a number or a word those that stand there. */
export function wholeOf(text: EventText, from: number, to: number): string {
  return text.isText(from) ? text.textOf(from, to) : text.raw.slice(from, to)
}

/** The first characters of one that is longer than textBytesMax. */
export function beginningOf(text: EventText, from: number, to: number): string {
  if (!text.isText(from)) return text.raw.slice(from, from + textBytesMax)
  let end = Math.min(to - 1, from + 1 + textBytesMax)
  while (isInsideCharacter(text, end)) end -= 1
  if (!text.hasEscape(from, end)) return text.sourceOf(from + 1, end)
  end = beforeEscape(text, from, end)
  return JSON.parse(`"${text.sourceOf(from + 1, end)}"`) as string
}

/** Not inside a character of several bytes. */
export function isInsideCharacter(text: EventText, at: number): boolean {
  return (text.raw.charCodeAt(at) & 0xc0) === 0x80
}

/** `end`, or where the escape begins that `end` is inside of. */
function beforeEscape(text: EventText, from: number, end: number): number {
  const { raw } = text
  for (let at = end - 1; at > Math.max(from, end - escapeMax); at--) {
    if (raw.charCodeAt(at) !== backslash) continue
    let first = at
    while (raw.charCodeAt(first - 1) === backslash) first -= 1
    // Of a run of backslashes each second one is escaped by the one before.
    const isEscape = (at - first) % 2 === 0
    if (!isEscape) return end
    const length = raw.charCodeAt(at + 1) === letterU ? escapeMax : 2
    return at + length > end ? at : end
  }
  return end
}
