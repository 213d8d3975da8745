/** Alphabets as tables: one look-up a character, whatever the text. */
export interface Alphabet {
  /** 1 where the ASCII character belongs to it. */
  readonly has: Uint8Array
}

export function alphabet(characters: RegExp): Alphabet {
  const has = new Uint8Array(128)
  for (let code = 0; code < 128; code++)
    if (characters.test(String.fromCharCode(code))) has[code] = 1
  return { has }
}

export const alnum = alphabet(/[A-Za-z0-9]/)
export const upperAlnum = alphabet(/[A-Z0-9]/)
export const digit = alphabet(/[0-9]/)
export const letter = alphabet(/[A-Za-z]/)
export const hex = alphabet(/[0-9A-Fa-f]/)
export const url64 = alphabet(/[A-Za-z0-9_-]/)
export const word = alphabet(/[A-Za-z0-9_]/)
export const any64 = alphabet(/[A-Za-z0-9+/_-]/)

/** True if the character at a place belongs to the alphabet; false behind either end. */
export function isAt(text: string, at: number, { has }: Alphabet): boolean {
  const code = text.charCodeAt(at)
  return code < 128 && has[code] === 1
}

/** Behind the last character in a row, from `from`, that belongs to the alphabet; looks at most at `most`. */
export function endOf(text: string, from: number, { has }: Alphabet, most = text.length): number {
  const end = Math.min(text.length, from + most)
  let at = from
  while (at < end) {
    const code = text.charCodeAt(at)
    if (code > 127 || has[code] === 0) break
    at++
  }
  return at
}

/** What a hexadecimal digit means; -1 for any other character. */
export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
