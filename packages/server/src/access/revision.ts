/** How a text comes out of the one before it: its lines [from, to), counted from 0, are replaced. */
export interface Revision {
  readonly from: number
  readonly to: number
  readonly text: string
}

/** Lines with their line feeds; the last one may have none. Pure. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

/** The shortest such revision. */
export function reviseText(before: string, after: string): Revision {
  const [olds, news] = [linesOf(before), linesOf(after)]
  const shorter = Math.min(olds.length, news.length)
  let from = 0
  while (from < shorter && olds[from] === news[from]) from += 1
  let same = 0
  while (same < shorter - from && olds.at(-1 - same) === news.at(-1 - same)) same += 1
  const text = news.slice(from, news.length - same).join("")
  return { from, to: olds.length - same, text }
}

/** Undefined if the text before has no such lines. */
export function applyRevision(before: string, { from, to, text }: Revision): string | undefined {
  const lines = linesOf(before)
  const fits = Number.isSafeInteger(from) && Number.isSafeInteger(to) && 0 <= from && from <= to
  if (!fits || to > lines.length) return undefined
  return [...lines.slice(0, from), text, ...lines.slice(to)].join("")
}

/** The text in pieces of at most `unitsMax` UTF-16 code units, none with half a character; at least one piece. */
export function splitText(text: string, unitsMax: number): string[] {
  const pieces: string[] = []
  let at = 0
  do {
    let end = Math.min(text.length, at + unitsMax)
    if (end < text.length && /[\uD800-\uDBFF]/.test(text[end - 1] ?? "")) end -= 1
    pieces.push(text.slice(at, end))
    at = end
  } while (at < text.length)
  return pieces
}
