import { formatBase64, isPosternError, parseBase64, parseDecimal } from "../base/index.ts"
import { parseEntry } from "../event/index.ts"
import { hashBytes } from "../tlog/index.ts"
import { demandKeys, plainVkey } from "./key-certificate.ts"
import { parseStrictJson } from "./strict-json.ts"

/** That the log holds an entry about its key, and a checkpoint that says so (docs/spec/keys.md, Proofs). */
export interface KeyProof {
  /** A published checkpoint whose tree holds the entry. */
  readonly note: string
  readonly index: number
  /** Stamp, LF, event. */
  readonly leaf: Uint8Array
  /** RFC 6962 audit path in the tree of `note`, 32 bytes each. */
  readonly path: readonly Uint8Array[]
}

/** No tree below 2^53 entries has a longer audit path. */
const pathHashesMax = 53
const proofsMax = 1000
const proofsCharactersMax = 4_000_000

/** One line, without its line feed. */
export function formatKeyProof({ note, index, leaf, path }: KeyProof): string {
  const proof = { note, index, leaf: formatBase64(leaf), path: path.map(formatBase64) }
  return JSON.stringify({ key: proof })
}

const linePattern =
  /^\{"key":\{"note":("(?:[^"\\]|\\.)*"),"index":(0|[1-9][0-9]{0,15}),"leaf":"([A-Za-z0-9+/]*={0,2})","path":\[((?:"[A-Za-z0-9+/=]*"(?:,"[A-Za-z0-9+/=]*")*)?)\]\}\}$/

/** Undefined for anything but what formatKeyProof writes; in the note any escape of RFC 8259 is allowed. */
export function parseKeyProof(line: string): KeyProof | undefined {
  const [, noteText = "", indexText = "", leafText = "", pathText = ""] =
    linePattern.exec(line) ?? []
  const note = parseStrictJson(noteText)
  const index = parseDecimal(indexText)
  const leaf = parseBase64(leafText)
  if (typeof note !== "string" || index === undefined || leaf === undefined) return undefined
  const path: Uint8Array[] = []
  for (const item of pathText === "" ? [] : pathText.split(",")) {
    const hash = parseBase64(item.slice(1, -1))
    if (hash?.length !== hashBytes || path.length >= pathHashesMax) return undefined
    path.push(hash)
  }
  return { note, index, leaf, path }
}

/** The file `keys` of a log directory, and the answer of `GET /v1/keys`. */
export function formatKeyProofs(proofs: readonly KeyProof[]): string {
  return proofs.map((proof) => `${formatKeyProof(proof)}\n`).join("")
}

/** formatKeyProofs read again; proves nothing yet. @throws PosternError KEY_CHANGE_INVALID */
export function parseKeyProofs(text: string): KeyProof[] {
  demandKeys(text.length <= proofsCharactersMax, `over ${proofsCharactersMax} characters`)
  const lines = text.split("\n")
  demandKeys(lines.pop() === "", "no line feed at the end")
  demandKeys(lines.length <= proofsMax, `over ${proofsMax} proofs`)
  let last = -1
  return lines.map((line, i) => {
    const proof = parseKeyProof(line)
    demandKeys(proof !== undefined, `line ${i + 1} is no proof`)
    demandKeys(proof.index > last, `line ${i + 1}: entry ${proof.index} after ${last}`)
    last = proof.index
    return proof
  })
}

export const keyActions = { rolled: "postern.key.rolled", retired: "postern.key.retired" } as const

/** What an entry says of the log key. */
export type KeyChange =
  | {
      readonly action: "rolled"
      readonly old: string
      readonly new: string
      readonly certificate: string
      readonly reason: "planned" | "compromised"
    }
  | { readonly action: "retired"; readonly vkey: string }

/**
 * Reads an entry about the key of this log. Whether it is in the log, and whether its certificate holds, is for others to
 * check. @throws PosternError KEY_CHANGE_INVALID
 */
export function readKeyChange(leaf: Uint8Array, origin: string): KeyChange {
  const { source, action, data: found } = readEvent(leaf)
  demandKeys(source === `postern://${origin}`, "the entry is not one of the log's own")
  const data = Object(found) as Record<string, unknown>
  if (action === keyActions.retired) return { action: "retired", vkey: ownKey(data.vkey, origin) }
  demandKeys(action === keyActions.rolled, "the entry is not about the log key")
  const { certificate, reason } = data
  demandKeys(typeof certificate === "string", "the entry has no certificate")
  demandKeys(reason === "planned" || reason === "compromised", "the entry gives no reason")
  const keys = { old: ownKey(data.old, origin), new: ownKey(data.new, origin) }
  return { action: "rolled", ...keys, certificate, reason }
}

function readEvent(leaf: Uint8Array) {
  try {
    return parseEntry(leaf).event
  } catch (error) {
    demandKeys(!isPosternError(error), "it is no entry")
    throw error
  }
}

function ownKey(value: unknown, origin: string): string {
  demandKeys(typeof value === "string", "the entry names no key")
  const vkey = plainVkey(value)
  demandKeys(vkey.startsWith(`${origin}+`), "the entry names the key of another log")
  return vkey
}
