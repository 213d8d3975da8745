import { createHash } from "node:crypto"
import { type Fields, fieldsOf } from "./messages.ts"

/**
 * What is kept of the arguments of a call: their names and sizes, never a value (`sizes`); a SHA-256 of their JSON besides, by which who
 * has them can show them to be these, and who can guess them, too (`digest`); the values themselves (`full`).
 */
export type ArgumentsKept = "sizes" | "digest" | "full"

const namesMax = 64
const nameLettersMax = 100
/** Of values that are kept in full: above it, and deeper than an event may be, only their digest is. */
const fullBytesMax = 1_048_576
const fullDepthMax = 24

/** Members of `data.toolCall`. Never throws: what is no JSON has names only. */
export function describeArguments(given: unknown, kept: ArgumentsKept): Fields {
  if (given === undefined) return {}
  const named = Object.entries(fieldsOf(given) ?? {}).slice(0, namesMax)
  const names = { arguments: named.map(([name]) => name.slice(0, nameLettersMax)) }
  try {
    const json = JSON.stringify(given)
    const bytes = Buffer.byteLength(json)
    const sizes = named.map(([, value]) => Buffer.byteLength(JSON.stringify(value) ?? ""))
    const described = { ...names, argumentSizes: sizes, argumentsBytes: bytes }
    if (kept === "sizes") return described
    const isKept = kept === "full" && bytes <= fullBytesMax && depthOf(json) <= fullDepthMax
    if (isKept) return { ...described, values: JSON.parse(json) }
    return { ...described, argumentsSha256: createHash("sha256").update(json).digest("hex") }
  } catch {
    return names // A BigInt, a cycle, a getter that throws: the transport will have its own word on that.
  }
}

/** How deep JSON nests. */
function depthOf(json: string): number {
  let depth = 0
  let deepest = 0
  let isText = false
  for (let i = 0; i < json.length; i++) {
    const letter = json[i]
    if (isText && letter === "\\") i += 1
    else if (letter === '"') isText = !isText
    else if (isText) continue
    else if (letter === "{" || letter === "[") deepest = Math.max(deepest, ++depth)
    else if (letter === "}" || letter === "]") depth -= 1
  }
  return deepest
}
