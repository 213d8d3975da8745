/** Where the value behind a name in a text begins and ends. */
import { isPlain } from "./plain-values.ts"
import type { SecretName } from "./secret-names.ts"

export interface ValueSpan {
  readonly from: number
  readonly to: number
  readonly isQuoted?: boolean
  /** A word such as `Bearer` stands before it, and is not part of it. */
  readonly hasScheme?: boolean
}

const spacesMax = 8
/** What is longer is no PIN; looked at again at each name in it, a text would take the square of its length. */
export const numberMax = 64
const schemes = /^(?:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256) +/i
const schemeMax = 24

/** A quoted value ends at its quote, that of a header at the end of the line, any other at what separates values. */
export function valueAt(
  text: string,
  behind: number,
  { kind }: SecretName,
  isColon: boolean,
): ValueSpan {
  let from = behind
  while (from < behind + spacesMax && (text[from] === " " || text[from] === "\t")) from++
  let open = from
  while (open < from + 4 && text[open] === "\\") open++
  const quote = text[open] ?? ""
  const isQuoted = quote !== "" && `"'\``.includes(quote)
  if (isQuoted) from = open + 1
  const scheme = kind === "header" ? schemeAt(text, from) : 0
  from += scheme
  const most = kind === "number" ? Math.min(text.length, from + numberMax) : text.length
  const to = isQuoted
    ? closingQuote(text, from, most, open)
    : valueEnd(text, from, most, isColon, kind)
  return { from, to, isQuoted, hasScheme: scheme > 0 }
}

function schemeAt(text: string, from: number): number {
  return schemes.exec(text.slice(from, from + schemeMax))?.[0].length ?? 0
}

/**
 * Behind a quote that was escaped itself the next such quote ends the value; behind a plain one a backslash hides a
 * quote.
 */
function closingQuote(text: string, from: number, most: number, open: number): number {
  const isEscaped = text[open - 1] === "\\"
  for (let at = from; at < most; at++) {
    if (text[at] === "\\" && !isEscaped) at++
    else if (text[at] === text[open]) return isEscaped && text[at - 1] === "\\" ? at - 1 : at
  }
  return most
}

function valueEnd(
  text: string,
  from: number,
  most: number,
  isColon: boolean,
  kind: SecretName["kind"],
): number {
  const isLine = isColon && kind === "header"
  let to = from
  while (to < most && !endsValue(text.charCodeAt(to), isLine)) to++
  if (isLine || (kind !== "number" && isPlain(text.slice(from, to)))) return to
  return withoutBrackets(text, from, to)
}

const separators = new Set([..."&;\"'`<"].map((char) => char.charCodeAt(0)))

function endsValue(code: number, isLine: boolean): boolean {
  if (isLine) return code === 0x0a || code === 0x0d || code === 0x22 || code === 0x27
  return code <= 0x20 || separators.has(code)
}

/** What closes a bracket or a sentence around the value is none of it. */
function withoutBrackets(text: string, from: number, end: number): number {
  let to = end
  while (to > from && "),.}]".includes(text[to - 1] as string)) to--
  return to
}
