import { assert, PosternError } from "@postern/log/base"
import { isMap, isNode, isScalar, isSeq, parseDocument, stringify, type YAMLSeq } from "yaml"
import { type AccessList, parseAccess } from "./access-list.ts"
import type { IdentityText } from "./identity.ts"

/**
 * The text of an access list with one identity more, at the end. What a person wrote (order,
 * comments, spacing) stays byte for byte wherever the list is written as a block. Errors:
 * ACCESS_INVALID if the text, or the text with the identity, is not acceptable (so also if the id
 * is there already).
 */
export function addIdentity(text: string, identity: IdentityText): string {
  const before = parseAccess(text)
  const inserted = insertItem(text, identity)
  if (inserted !== undefined && adds(before, inserted, identity.id)) return inserted
  const rewritten = rewrite(text, identity)
  parseAccess(rewritten)
  assert(adds(before, rewritten, identity.id), "an amendment adds one identity, nothing else")
  return rewritten
}

function adds(before: AccessList, text: string, id: string): boolean {
  let after: AccessList
  try {
    after = parseAccess(text)
  } catch {
    return false // Lines that were put where they do not belong; the caller has another way.
  }
  const kept = JSON.stringify(after.identities.slice(0, -1)) === JSON.stringify(before.identities)
  return kept && after.identities.at(-1)?.id === id
}

/**
 * Puts the item's lines behind the last item's; undefined if the list is not a plain block of such
 * items.
 */
function insertItem(text: string, identity: IdentityText): string | undefined {
  const list = identityList(text)
  const last = list?.items.at(-1)
  const start = list?.range?.[0]
  if (!isNode(last) || !isMap(last) || last.flow || list?.flow || start === undefined)
    return undefined
  const end = last.range?.[1]
  if (end === undefined) return undefined
  const dash = text.slice(text.lastIndexOf("\n", start - 1) + 1, start)
  if (!/^ *$/.test(dash)) return undefined
  // A value's end may lie behind its line's end already; otherwise a comment behind the value stays
  // with it.
  const atLineStart = text[end - 1] === "\n"
  const lineEnd = atLineStart ? end : text.indexOf("\n", end) + 1
  const at = lineEnd === 0 ? text.length : lineEnd
  const glue = at === text.length && !text.endsWith("\n") ? "\n" : ""
  const item = stringify([identity], { lineWidth: 0 }).replaceAll(/^(?=.)/gm, dash)
  return text.slice(0, at) + glue + item + text.slice(at)
}

/**
 * For lists written as `[]` or `[{…}]`: the YAML library writes the document anew, comments
 * included.
 */
function rewrite(text: string, identity: IdentityText): string {
  const document = parseDocument(text)
  const list = document.get("identities")
  if (!isSeq(list)) throw new PosternError("ACCESS_INVALID", "line 1: identities: must be a list")
  list.flow = false
  list.add(document.createNode(identity))
  return document.toString({ lineWidth: 0 })
}

function identityList(text: string): YAMLSeq | undefined {
  const { contents } = parseDocument(text)
  if (!isMap(contents)) return undefined
  const pair = contents.items.find((item) => isScalar(item.key) && item.key.value === "identities")
  return isSeq(pair?.value) ? (pair.value as YAMLSeq) : undefined
}
