import { encodeUtf8 } from "@postern/log/base"
import { endOfString, isObject, readText } from "./record.ts"

/**
 * The elements of a JSON document that is one array, or an object whose one member `name` is one: each with its bytes as
 * they stand there. undefined for anything else.
 * @param name undefined: the document itself is the array
 */
export function elementsOf(document: Uint8Array, name?: string): Uint8Array[] | undefined {
  const { text } = readText(document)
  if (text === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined // A syntax error, which is our answer.
  }
  if (name === undefined) return Array.isArray(value) ? split(text, "") : undefined
  if (!isObject(value) || Object.keys(value).length !== 1 || !Array.isArray(value[name]))
    return undefined
  return split(text, "}")
}

/** Of the first array in a text that is JSON; undefined if anything but `close` follows, such as the same member once more. */
function split(text: string, close: string): Uint8Array[] | undefined {
  const open = text.indexOf("[")
  const elements: Uint8Array[] = []
  let depth = 0
  let from = open + 1
  for (let at = open; at < text.length; at++) {
    const letter = text[at]
    if (letter === '"') at = endOfString(text, at)
    else if (letter === "[" || letter === "{") depth++
    else if (letter === "]" || letter === "}") depth--
    const isEnd = depth === 0
    if (!isEnd && (letter !== "," || depth !== 1)) continue
    const element = text.slice(from, at).trim()
    if (element !== "") elements.push(encodeUtf8(element))
    from = at + 1
    if (isEnd) return text.slice(at + 1).trim() === close ? elements : undefined
  }
  return undefined
}
