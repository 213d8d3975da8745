/**
 * Text for a terminal on one line: control characters, line breaks and characters that are
 * invisible or turn the writing direction are spelled out. What comes from an event, a peer or a
 * file name goes through here.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const point = character.codePointAt(0) ?? 0
    return `\\u{${point.toString(16)}}`
  })
}
