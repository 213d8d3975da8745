/** Texts of a source made fit for members of event v1: bounded, and actions of the letters that an action may have. */

const actionBytesMax = 128
/** Of a text in a member, as JSON without its quotes. The original has all of it. */
const textBytesMax = 510
/** Of a list in a member. */
export const listMax = 64

/**
 * The longest beginning of a text that takes at most `bytesMax` bytes as JSON, `<`, `>` and `&` counted as escapes, as
 * Go writes them. Cuts through no character.
 */
export function clipText(text: string, bytesMax = textBytesMax): string {
  // No UTF-16 unit takes more than six.
  if (6 * text.length <= bytesMax) return text
  let bytes = 0
  for (let i = 0; i < text.length; ) {
    const point = text.codePointAt(i) as number
    bytes += jsonBytes(point)
    if (bytes > bytesMax) return text.slice(0, i)
    i += point > 0xffff ? 2 : 1
  }
  return text
}

const shortEscapes = new Set(['"', "\\", "\b", "\t", "\n", "\f", "\r"].map((c) => c.charCodeAt(0)))
const longEscapes = new Set(["<", ">", "&", "\u2028", "\u2029"].map((c) => c.charCodeAt(0)))

function jsonBytes(point: number): number {
  if (shortEscapes.has(point)) return 2
  if (point < 0x20 || longEscapes.has(point)) return 6
  if (point < 0x80) return 1
  if (point < 0x800) return 2
  // Half a surrogate pair can only be written as an escape.
  if (point >= 0xd800 && point <= 0xdfff) return 6
  return point > 0xffff ? 4 : 3
}

const usualAction = /^[a-z0-9._:/-]{1,128}$/
/** What only the port may say: a source that has such a name for something is kept all the same. */
const portsOwn = "postern."

/**
 * Parts joined by dots, in small letters; what an action may not hold is an underscore, what is too long is cut off.
 * An empty part is left out. What would be an action of the port's own has `foreign.` before it.
 */
export function actionOf(...parts: readonly string[]): string {
  const action = plainAction(parts)
  return action.startsWith(portsOwn) ? `foreign.${action}`.slice(0, actionBytesMax) : action
}

function plainAction(parts: readonly string[]): string {
  let action = ""
  for (const part of parts) if (part !== "") action += action === "" ? part : `.${part}`
  if (usualAction.test(action)) return action
  return action
    .slice(0, actionBytesMax)
    .toLowerCase()
    .replaceAll(/[^a-z0-9._:/-]/g, "_")
    .slice(0, actionBytesMax)
}
