import { type Finding, noFindings } from "./hit.ts"
import { alnum, alphabet, digit, endOf, isAt } from "./letters.ts"

const localChars = alphabet(/[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]/)
const domainChars = alphabet(/[A-Za-z0-9.-]/)
const localMax = 64
const domainMax = 253

/** E-mail addresses with a domain that ends in letters. What stands before the `@` in a URL is none. */
export function findEmails(text: string): readonly Finding[] {
  let found: Finding[] | undefined
  for (let at = text.indexOf("@"); at !== -1; at = text.indexOf("@", at + 1)) {
    const from = localBegin(text, at)
    const to = domainEnd(text, at + 1)
    if (from === at || to === -1 || isElsewhere(text, from, to)) continue
    found ??= []
    found.push({ name: "email", from, to, whole: true })
  }
  return found ?? noFindings
}

/** Letters above U+007F are allowed in the local part (RFC 6531). */
function localBegin(text: string, at: number): number {
  let from = at
  while (from > 0 && at - from < localMax) {
    const isLocal = isAt(text, from - 1, localChars) || text.charCodeAt(from - 1) > 127
    if (!isLocal) break
    from--
  }
  while (from < at && /[/=.?&'{|`]/.test(text[from] as string)) from++
  return from + text.slice(from, at).lastIndexOf("/") + 1
}

/** Behind the last letter of the last label; -1 if it is no domain. */
function domainEnd(text: string, from: number): number {
  const end = endOf(text, from, domainChars, domainMax)
  const match = /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,10}[A-Za-z]{2,24}(?![A-Za-z0-9])/.exec(
    text.slice(from, end),
  )
  return match === null ? -1 : from + match[0].length
}

/** The user of a URL or of a repository: `ssh://git@host.example`, `git@host.example:path`. */
function isElsewhere(text: string, from: number, to: number): boolean {
  if (text[to] === ":" && /[\w~/.-]/.test(text[to + 1] ?? "")) return true
  const before = text.slice(Math.max(0, from - 64), from)
  return /:\/\/[^/?#\s]*$/.test(before)
}

/** Telephone numbers as E.164 writes them: `+`, and 8 to 15 digits with single separators or brackets. */
export function findPhones(text: string): readonly Finding[] {
  let found: Finding[] | undefined
  for (let at = text.indexOf("+"); at !== -1; at = text.indexOf("+", at + 1)) {
    if (!/[1-9]/.test(text[at + 1] ?? "") || isAt(text, at - 1, alnum)) continue
    const { to, digits } = numberEnd(text, at + 1)
    if (digits < 8 || digits > 15 || /[A-Za-z_=/]/.test(text[to] ?? "")) continue
    found ??= []
    found.push({ name: "phone", from: at, to, whole: true })
  }
  return found ?? noFindings
}

function numberEnd(text: string, from: number): { readonly to: number; readonly digits: number } {
  let [at, to, digits, between] = [from, from, 0, 0]
  for (; at < from + 32; at++) {
    if (isAt(text, at, digit)) {
      digits++
      between = 0
      to = at + 1
    } else if (/[ ().-]/.test(text[at] ?? "") && between < 2) between++
    else break
  }
  return { to, digits }
}
