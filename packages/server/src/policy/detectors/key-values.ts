/**
 * Secrets that stand behind their name in a text: `password=…`, `"apiKey": "…"`, `Authorization: Bearer …`,
 * `--token …`, `<secret>…</secret>`. Linear: a name is at most 64 characters, and a value is stepped over.
 */
import { type Finding, noFindings } from "./hit.ts"
import { type Alphabet, alphabet, isAt } from "./letters.ts"
import { isSecretValue } from "./plain-values.ts"
import { type SecretName, secretNameWithin } from "./secret-names.ts"
import { numberMax, type ValueSpan, valueAt } from "./value-spans.ts"

const nameChars = alphabet(/[A-Za-z0-9_.-]/)
/** What makes something else of the sign that stands before it: `==`, `=>`, `://`. */
const noEquals = alphabet(/[=:>~]/)
const noColon = alphabet(/[=:>~/]/)
const quotes = alphabet(/["'`]/)
const nameMax = 64
const spacesMax = 8

export function findKeyValues(text: string): readonly Finding[] {
  let found: Finding[] | undefined
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    let hit: Finding | undefined
    if (code === 0x3d || code === 0x3a) hit = assignedAt(text, at)
    else if (code === 0x2d) hit = optionAt(text, at)
    else if (code === 0x3e) hit = elementAt(text, at)
    if (hit === undefined) continue
    found ??= []
    found.push(hit)
    at = hit.to - 1
  }
  return found ?? noFindings
}

/** `=` or `:` with a name before it and a value behind it. */
function assignedAt(text: string, at: number): Finding | undefined {
  const isColon = text[at] === ":"
  if (isAt(text, at + 1, isColon ? noColon : noEquals)) return undefined
  let end = back(text, at, isSpace)
  const isQuoted = isAt(text, end - 1, quotes)
  if (isQuoted) end = back(text, end - 1, isBackslash)
  const begin = back(text, end, isNameChar, nameMax)
  if (begin === end) return undefined
  const name = text.slice(begin, end)
  const judged = secretNameWithin(name)
  if (judged === undefined || (text[begin - 1] === "$" && !isColon)) return undefined
  if (/^(?:old)?pwd$/i.test(name) && /^["']?(?:[/~.]|[A-Za-z]:\\)/.test(text.slice(at + 1, at + 5)))
    return undefined
  const span = valueAt(text, at + 1, judged, isColon)
  const value = text.slice(span.from, span.to)
  if (isColon && !isQuoted && !span.isQuoted && isProse(text, { begin, ...span }, judged))
    return undefined
  return judge(judged, value, span)
}

function judge(judged: SecretName, value: string, span: ValueSpan): Finding | undefined {
  const { from, to, hasScheme } = span
  const isCertain = hasScheme === true && from < to
  if (!isCertain && !isSecretValue(judged, value, "string")) return undefined
  const name = judged.name === "secret-name" ? "key-value" : judged.name
  return { name, from, to, whole: false }
}

/**
 * Behind a colon without quotes a mere word is rather what somebody says about a password, unless name and word are
 * all that the line has.
 */
function isProse(
  text: string,
  { begin, from, to }: ValueSpan & { readonly begin: number },
  { kind }: SecretName,
): boolean {
  if (kind === "header" || kind === "number") return false
  if (/[^A-Za-z,.!?')]/.test(text.slice(from, to))) return false
  const isAlone = begin === 0 || text[begin - 1] === "\n"
  return !isAlone || (to < text.length && text[to] !== "\n")
}

/** `--password VALUE`. */
function optionAt(text: string, at: number): Finding | undefined {
  if (text[at + 1] !== "-" || isAt(text, at - 1, nameChars)) return undefined
  let end = at + 2
  while (end < at + 2 + nameMax && isAt(text, end, nameChars)) end++
  if (text[end] !== " " || text[end + 1] === "-") return undefined
  const judged = secretNameWithin(text.slice(at + 2, end))
  if (judged === undefined) return undefined
  const span = valueAt(text, end, judged, false)
  return judge(judged, text.slice(span.from, span.to), span)
}

/** `<password>VALUE<`. */
function elementAt(text: string, at: number): Finding | undefined {
  const begin = back(text, at, isNameChar, nameMax)
  if (begin === at || !/[<:]/.test(text[begin - 1] ?? "")) return undefined
  const judged = secretNameWithin(text.slice(begin, at))
  if (judged === undefined) return undefined
  const most = judged.kind === "number" ? at + numberMax : text.length
  const close = text.slice(at, most).indexOf("<")
  const to = close === -1 ? Math.min(text.length, most) : at + close
  return judge(judged, text.slice(at + 1, to), { from: at + 1, to })
}

/** Where a run of characters that ends before `end` begins. */
function back(
  text: string,
  end: number,
  belongs: (code: number) => boolean,
  most = spacesMax,
): number {
  let at = end
  while (at > 0 && end - at < most && belongs(text.charCodeAt(at - 1))) at--
  return at
}

const inAlphabet =
  ({ has }: Alphabet) =>
  (code: number): boolean =>
    code < 128 && has[code] === 1
const isNameChar = inAlphabet(nameChars)
const isBackslash = (code: number): boolean => code === 0x5c
const isSpace = (code: number): boolean => code === 0x20 || code === 0x09

/** The name in an argument such as `--password`, whose value is the next one. */
export function optionNameOf(text: string): SecretName | undefined {
  return /^--?[A-Za-z][A-Za-z0-9_.-]{1,63}$/.test(text)
    ? secretNameWithin(text.replace(/^-+/, ""))
    : undefined
}
