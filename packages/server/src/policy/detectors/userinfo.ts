import { type Finding, noFindings } from "./hit.ts"
import { alnum, isAt } from "./letters.ts"

/** What of a text is the secret of a URL: the password before the host, or a long user name without one. */
export function findUserinfo(text: string): readonly Finding[] {
  let found: Finding[] | undefined
  for (let at = text.indexOf("://"); at !== -1; at = text.indexOf("://", at + 3)) {
    const begin = at + 3
    const end = authorityEnd(text, begin)
    const authority = text.slice(begin, end)
    const last = begin + authority.lastIndexOf("@")
    if (last < begin) continue
    const colon = begin + authority.indexOf(":")
    const hasPassword = colon >= begin && colon < last
    const from = hasPassword ? colon + 1 : begin
    if (from === last || (!hasPassword && !isTokenLike(text, from, last))) continue
    found ??= []
    found.push({ name: "url-userinfo", from, to: last, whole: false })
  }
  return found ?? noFindings
}

/** A password with a slash in it ends here too soon and is not seen: docs/reference/detectors.md says so. */
function authorityEnd(text: string, begin: number): number {
  let at = begin
  while (at < text.length && !/[/?#\s"'<>\\]/.test(text[at] as string)) at++
  return at
}

function isTokenLike(text: string, from: number, to: number): boolean {
  return to - from >= 20 && isAt(text, from, alnum) && /\d/.test(text.slice(from, to))
}
