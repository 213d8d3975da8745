import type { JsonObject } from "@postern/log/event"
import { clipText, listMax } from "./texts.ts"

const elementPattern = /\[([^\s="\]]{1,128})/y
const paramPattern = / +([^\s="\]]{1,128})="([^"\\\]]*)/y

/**
 * STRUCTURED-DATA of RFC 5424 from `at`, and where it ends; undefined if it is not that. Of a parameter that stands several
 * times, all values. What is more than `listMax` elements or parameters stays in the original.
 */
export function readStructuredData(
  text: string,
  at: number,
): { elements: JsonObject | undefined; end: number } | undefined {
  if (text[at] === "-") return { elements: undefined, end: at + 1 }
  const elements = new Map<string, JsonObject>()
  let next = at
  while (text[next] === "[") {
    elementPattern.lastIndex = next
    const open = elementPattern.exec(text)
    if (open === null) return undefined
    const read = readParams(text, next + open[0].length)
    if (read === undefined) return undefined
    if (elements.size < listMax) elements.set(open[1] as string, read.params)
    next = read.end
  }
  return next === at ? undefined : { elements: Object.fromEntries(elements), end: next }
}

function readParams(text: string, at: number): { params: JsonObject; end: number } | undefined {
  const params = new Map<string, string | string[]>()
  let next = at
  while (text[next] !== "]") {
    paramPattern.lastIndex = next
    const match = paramPattern.exec(text)
    if (match === null) return undefined
    const [head, name = "", start = ""] = match
    const value = readValue(text, next + head.length, start)
    if (value === undefined) return undefined
    const before = params.get(name)
    const clipped = clipText(value.text)
    if (before === undefined && params.size < listMax) params.set(name, clipped)
    else if (typeof before === "string") params.set(name, [before, clipped])
    else if (before !== undefined && before.length < listMax) before.push(clipped)
    next = value.end
  }
  return { params: Object.fromEntries(params), end: next + 1 }
}

/** The rest of a value after its plain beginning: `\"`, `\\` and `\]` are escapes, any other backslash is itself. */
function readValue(
  text: string,
  at: number,
  start: string,
): { text: string; end: number } | undefined {
  let from = at
  const parts = [start]
  for (let next = at; next < text.length; next++) {
    const letter = text[next]
    if (letter === '"') return { text: parts.join("") + text.slice(from, next), end: next + 1 }
    if (letter !== "\\" || !'"\\]'.includes(text[next + 1] ?? " ")) continue
    parts.push(text.slice(from, next))
    from = next + 1
    next++
  }
  return undefined
}
