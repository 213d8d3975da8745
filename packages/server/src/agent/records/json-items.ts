const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const braceOpen = 0x7b
const braceClose = 0x7d
const bracketOpen = 0x5b
const bracketClose = 0x5d
const blanks = new Set([0x20, 0x09, 0x0a, 0x0d])

/**
 * The elements of a JSON array, byte for byte. The text has been read as JSON before, so it is well-formed; only strings and brackets
 * are looked at.
 */
export function arrayItems(text: Buffer): Buffer[] {
  const items: Buffer[] = []
  const close = text.lastIndexOf(bracketClose)
  let depth = 0
  let from = text.indexOf(bracketOpen) + 1
  for (let at = from; at <= close; at++) {
    const byte = text[at]
    if (byte === quote) at = endOfString(text, at)
    else if (byte === braceOpen || byte === bracketOpen) depth += 1
    else if (at === close || (byte === comma && depth === 0)) {
      const item = trimmed(text.subarray(from, at))
      if (item.length > 0) items.push(item)
      from = at + 1
    } else if (byte === braceClose || byte === bracketClose) depth -= 1
  }
  return items
}

/** The value of the object's member `name`, byte for byte; undefined if it has none. As with arrayItems(), the text is JSON. */
export function memberOf(text: Buffer, name: string): Buffer | undefined {
  const inside = Buffer.concat([Buffer.from("["), trimmed(text).subarray(1, -1), Buffer.from("]")])
  for (const member of arrayItems(inside)) {
    const end = endOfString(member, 0)
    if (JSON.parse(member.subarray(0, end + 1).toString()) !== name) continue
    return trimmed(member.subarray(member.indexOf(0x3a, end) + 1))
  }
  return undefined
}

function endOfString(text: Buffer, at: number): number {
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === backslash) end += 1
    else if (text[end] === quote) return end
  }
  return text.length
}

function trimmed(text: Buffer): Buffer {
  let from = 0
  let to = text.length
  while (from < to && blanks.has(text[from] as number)) from += 1
  while (to > from && blanks.has(text[to - 1] as number)) to -= 1
  return text.subarray(from, to)
}
