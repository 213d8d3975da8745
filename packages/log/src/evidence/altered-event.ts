import { decodeUtf8 } from "../base/index.ts"
import { demandReceipt } from "./demand.ts"

/** What the policy never touches (docs/spec/policy.md, Pointers); names as they stand in the JSON. */
const fixedNames = ['"id"', '"time"', '"source"', '"action"', '"outcome"']
const markName = '"_policy"'
const addedNames: ReadonlySet<string> = new Set([markName, '"_sd"'])
const tokenPattern = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s"{}[\],:]+/g

/**
 * Throws RECEIPT_INVALID unless an event that the port says it keeps can be what a policy left of the one that was sent
 * (docs/spec/wire.md, Altered events). What stands in the place of hidden values remains the port's word.
 */
export function demandAltered(sent: Uint8Array, kept: Uint8Array): void {
  const before = membersOf(sent)
  const after = membersOf(kept)
  demandReceipt(before !== undefined, "an altered event was not sent as a JSON object")
  demandReceipt(after !== undefined, "an altered event is no JSON object whose names differ")
  const [mark] = after
  const isMarked = mark?.[0] === markName && mark[1].startsWith("{")
  demandReceipt(isMarked, "an altered event does not begin with what the policy did")
  for (const name of fixedNames) {
    const value = after.get(name)
    const isSame = value !== undefined && value === before.get(name)
    demandReceipt(isSame, `an altered event has another ${name} than the one that was sent`)
  }
  for (const name of after.keys()) {
    const isKnown = before.has(name) || addedNames.has(name)
    demandReceipt(isKnown, "an altered event has a member that the one that was sent has not")
  }
}

/** Names and values of an object, both as they stand there; undefined for anything else, and if a name stands twice. */
function membersOf(event: Uint8Array): ReadonlyMap<string, string> | undefined {
  const text = decodeUtf8(event)
  if (text === undefined || !isObject(text)) return undefined
  const members = new Map<string, string>()
  let depth = 0
  let name = ""
  let from = -1
  let to = -1
  for (const { 0: token, index } of text.matchAll(tokenPattern)) {
    const isEnd = token === "}" || token === "]"
    if (isEnd) depth -= 1
    if (depth === 0 || (depth === 1 && token === ",")) {
      if (members.has(name)) return undefined
      if (name !== "") members.set(name, text.slice(from, to))
      name = ""
      from = -1
    } else if (depth > 1 || token !== ":") {
      if (name === "") name = token
      else if (from < 0) from = index
      to = index + token.length
    }
    if (token === "{" || token === "[") depth += 1
  }
  return members
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !Array.isArray(value)
  } catch {
    return false // A syntax error, which is our answer.
  }
}
