import { assert, decodeUtf8 } from "../base/index.ts"

const tokenPattern = /[A-Za-z0-9_\u0080-\uffff]+/g
const quote = 0x22
const backslash = 0x5c

/**
 * The tokens of one decoded string or literal, in order (docs/spec/query.md, Words). Half a
 * surrogate pair, which UTF-8 does not have, counts as U+FFFD.
 */
export function tokensOf(text: string): string[] {
  return (text.match(tokenPattern) ?? []).map((token) => lowerAscii(repair(token)))
}

/**
 * Every string of a JSON text, decoded, keys too, and every literal as it is written, in order:
 * what tokens are made of. `json`: an event's bytes, which JSON.parse has taken.
 */
export function textsOf(json: Uint8Array): string[] {
  const text = decodeUtf8(json)
  assert(text !== undefined, "an event is UTF-8")
  const texts: string[] = []
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at)
    const end = code === quote ? stringEnd(text, at) : literalEnd(text, at)
    if (code === quote) texts.push(decodeString(text.slice(at, end)))
    else if (end > at) texts.push(text.slice(at, end))
    at = Math.max(end, at + 1)
  }
  return texts
}

/** Whether a text of textsOf holds the words one after the other. */
export function holdsWords(text: string, words: readonly string[], begun: boolean): boolean {
  const tokens = tokensOf(text)
  const last = words.length - 1
  for (let from = 0; from + last < tokens.length; from++) {
    const fits = words.every((word, i) => {
      const token = tokens[from + i] as string
      return begun && i === last ? token.startsWith(word) : token === word
    })
    if (fits) return true
  }
  return false
}

function stringEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === backslash) at += 1
    else if (code === quote) return at + 1
  }
  return text.length
}

/** Numbers, true, false and null: they begin with a letter, a digit or a minus. */
function literalEnd(text: string, from: number): number {
  let at = from
  while (at < text.length && /[-+.0-9A-Za-z]/.test(text.charAt(at))) at += 1
  return at
}

function decodeString(json: string): string {
  return json.includes("\\") ? (JSON.parse(json) as string) : json.slice(1, -1)
}

function lowerAscii(token: string): string {
  return token.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

function repair(token: string): string {
  return token.replace(/\p{Surrogate}/gu, "\ufffd")
}
