/**
 * Reads JSON (RFC 8259) without white space between tokens and without a member that stands twice in
 * one object, at any depth; undefined for anything else. The text may come from an enemy.
 */
export function parseStrictJson(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined // A syntax error, which is our answer.
  }
  return isTight(text) ? value : undefined
}

const tokenPattern = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/y

/** For a text that JSON.parse took: the tokens touch each other, and no object repeats a member. */
function isTight(text: string): boolean {
  /** For each open bracket: the members so far, or undefined for an array. */
  const open: (Set<string> | undefined)[] = []
  let awaitsName = false
  let at = 0
  while (at < text.length) {
    tokenPattern.lastIndex = at
    const token = tokenPattern.exec(text)?.[0]
    if (token === undefined) return false
    at += token.length
    const members = open.at(-1)
    if (awaitsName && token.startsWith('"')) {
      const name = JSON.parse(token) as string
      if (members?.has(name)) return false
      members?.add(name)
    }
    if (token === "{" || token === "[") open.push(token === "{" ? new Set() : undefined)
    else if (token === "}" || token === "]") open.pop()
    awaitsName = token === "{" || (token === "," && open.at(-1) !== undefined)
  }
  return true
}
