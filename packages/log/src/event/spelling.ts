/** Names longer than this are not compared: the text may come from anywhere. */
const lengthMax = 40

/**
 * The one of `names` that `given` was most likely meant to be, if any is near enough: for hints in
 * errors.
 */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  if (given.length > lengthMax) return undefined
  const lower = given.toLowerCase()
  let nearest: string | undefined
  let best = Math.floor(given.length / 2) + 1
  for (const name of names) {
    const edits = editDistance(lower, name.toLowerCase())
    if (edits < best) {
      best = edits
      nearest = name
    }
  }
  return nearest
}

/** Insertions, deletions and replacements of one letter that turn a into b. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced))
    }
    row = next
  }
  return row[b.length] ?? 0
}
