import { assert, PosternError } from "@postern/log/base"
import {
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
  stringify,
  type YAMLMap,
  type YAMLSeq,
} from "yaml"
import { type AccessList, parseAccess } from "./access-list.ts"
import type { IdentityText } from "./identity.ts"
import type { Revocation } from "./revocation.ts"

/*
 * Edits of access.yaml. What a person wrote (order, comments, spacing) stays byte for byte wherever
 * the list is written as a block; elsewhere the YAML library writes the document anew. Either way
 * the result is parsed, and must differ from the list before in what was asked for and nothing else.
 */

/**
 * The text of an access list with one identity more, at the end. Errors: ACCESS_INVALID if the
 * text, or the text with the identity, is not acceptable (so also if the id is there already).
 */
export function addIdentity(text: string, identity: IdentityText): string {
  const before = parseAccess(text)
  const { length } = before.identities
  return amend(text, insertItem(text, "identities", identity), {
    rewrite: (document) => addItem(document, "identities", identity),
    isMeant: (after) =>
      after.identities[length]?.id === identity.id &&
      equal([after.identities.slice(0, -1), after.revoked], [before.identities, before.revoked]),
  })
}

/** The text with one revocation more, at the end. Errors: ACCESS_INVALID, as addIdentity. */
export function addRevocation(text: string, revocation: Revocation): string {
  const before = parseAccess(text)
  const glue = text === "" || text.endsWith("\n") ? "" : "\n"
  const first = `${text}${glue}\n# Certificates that are not taken any more, by serial number or by the SHA-256 of their public key.\nrevoked:\n${itemText("  ", revocation)}`
  const inserted = before.revoked.length === 0 ? first : insertItem(text, "revoked", revocation)
  return amend(text, inserted, {
    rewrite: (document) => addItem(document, "revoked", revocation),
    isMeant: ({ identities, revoked }) =>
      equal([identities, revoked], [before.identities, [...before.revoked, revocation]]),
  })
}

/**
 * The text with `expires` of one identity set, e.g. to `2026-11-22T10:00:00Z`; a later one is not
 * an end and is refused as well. Errors: ACCESS_INVALID, also if the id is not in the list.
 */
export function endIdentity(text: string, id: string, expires: string): string {
  const before = parseAccess(text)
  const index = before.identities.findIndex((one) => one.id === id)
  if (index < 0) throw new PosternError("ACCESS_INVALID", `line 1: identities: no ${id}`)
  return amend(text, setMember(text, index, "expires", expires), {
    rewrite: (document) => document.setIn(["identities", index, "expires"], expires),
    isMeant: ({ identities, revoked }) => {
      const rest = ({ expires: _, ...one }: AccessList["identities"][number], at: number) =>
        at === index ? one : { ...one, expires: _ }
      const same = equal(identities.map(rest), before.identities.map(rest))
      return same && equal(revoked, before.revoked) && identities[index]?.expires !== undefined
    },
  })
}

interface Amendment {
  /** For lists that are no plain block of such items. */
  rewrite(document: ReturnType<typeof parseDocument>): void
  isMeant(after: AccessList): boolean
}

function amend(text: string, edited: string | undefined, { rewrite, isMeant }: Amendment): string {
  if (edited !== undefined && holds(edited, isMeant)) return edited
  const document = parseDocument(text)
  rewrite(document)
  const rewritten = document.toString({ lineWidth: 0 })
  assert(isMeant(parseAccess(rewritten)), "an amendment changes what was asked for, nothing else")
  return rewritten
}

function holds(text: string, isMeant: (after: AccessList) => boolean): boolean {
  try {
    return isMeant(parseAccess(text))
  } catch {
    return false // Lines that were put where they do not belong; the caller has another way.
  }
}

function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

type ListName = "identities" | "revoked"

/**
 * Puts the item's lines behind the last item's; undefined if the list is not a plain block of such
 * items.
 */
function insertItem(text: string, name: ListName, item: object): string | undefined {
  const list = listOf(text, name)
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
  return text.slice(0, at) + glue + itemText(dash, item) + text.slice(at)
}

function itemText(dash: string, item: object): string {
  return stringify([item], { lineWidth: 0 }).replaceAll(/^(?=.)/gm, dash)
}

function addItem(document: ReturnType<typeof parseDocument>, name: ListName, item: object): void {
  const list = document.get(name)
  if (!isSeq(list)) return document.set(name, document.createNode([item]))
  list.flow = false
  list.add(document.createNode(item))
}

/** One member of an item that is written as a block: its value is replaced, or it becomes the item's second line. */
function setMember(text: string, index: number, name: string, value: string): string | undefined {
  const item = listOf(text, "identities")?.items[index]
  if (!isMap(item) || item.flow) return undefined
  const member = pairOf(item, name)
  const old = isScalar(member?.value) ? member.value.range : undefined
  if (old) return `${text.slice(0, old[0])}${value}${text.slice(old[1])}`
  const start = item.range?.[0]
  const first = item.items[0]?.value
  const end = isScalar(first) ? first.range?.[1] : undefined
  if (start === undefined || end === undefined) return undefined
  const column = start - text.lastIndexOf("\n", start - 1) - 1
  const lineEnd = text.indexOf("\n", end) + 1
  const at = lineEnd === 0 ? text.length : lineEnd
  const glue = lineEnd === 0 ? "\n" : ""
  return `${text.slice(0, at)}${glue}${" ".repeat(column)}${name}: ${value}\n${text.slice(at)}`
}

function pairOf(map: YAMLMap, name: string) {
  return map.items.find((item) => isScalar(item.key) && item.key.value === name)
}

function listOf(text: string, name: ListName): YAMLSeq | undefined {
  const { contents } = parseDocument(text)
  if (!isMap(contents)) return undefined
  const value = pairOf(contents, name)?.value
  return isSeq(value) ? value : undefined
}
