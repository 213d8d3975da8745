import { disclosableKeys } from "@postern/log/event"
import type { Edit } from "./edits.ts"
import { EventText, type Span } from "./event-text.ts"
import type { ValueBeside } from "./sifted.ts"

const space = 0x20
const quote = 0x22
const comma = 0x2c
const bracketOpen = 0x5b
const bracketClose = 0x5d
const braceClose = 0x7d

/** A member that lies beside the log, as it stands in the whole event. */
export interface PartBeside extends ValueBeside {
  /** The comma before its name. */
  readonly comma: number
  readonly value: Span
  /** Where the same value stands in `json`. */
  readonly inJson: Span
}

/** An event with the members that lie beside the log in their places: at its end, in the order in which they were given. */
export interface WholeEvent {
  readonly text: EventText
  readonly parts: readonly PartBeside[]
  /** Where the event's own text stops; what follows the parts is the rest of it, from its closing brace on. */
  readonly ownTo: number
}

/** Undefined if one of the values is no disclosure of a member that may be kept out. */
export function wholeOf(event: Uint8Array, values: readonly ValueBeside[]): WholeEvent | undefined {
  const ownTo = lastOf(event, braceClose)
  if (ownTo === undefined) return undefined
  const pieces: Uint8Array[] = [event.subarray(0, ownTo)]
  const parts: PartBeside[] = []
  let at = ownTo
  for (const { digest, json } of values) {
    const found = memberIn(json)
    if (found === undefined) return undefined
    const { name, value: inJson } = found
    const head = Buffer.from(`,"${name}":`, "latin1")
    pieces.push(head, json.subarray(inJson.from, inJson.to))
    const from = at + head.length
    const value = { from, to: from + inJson.to - inJson.from }
    parts.push({ digest, json, comma: at, value, inJson })
    at = value.to
  }
  pieces.push(event.subarray(ownTo))
  return { text: new EventText(Buffer.concat(pieces)), parts, ownTo }
}

/** The edits that lie in a span, which they do as a whole. */
export function editsIn(edits: readonly Edit[], { from, to }: Span): readonly Edit[] {
  return edits.filter((edit) => edit.from >= from && edit.to <= to)
}

/** Of a disclosure's JSON bytes, whoever made them, the name and where the value stands. */
function memberIn(json: Uint8Array): { readonly name: string; readonly value: Span } | undefined {
  const salt = textAt(json, behind(json, skipSpace(json, 0), bracketOpen))
  const name = textAt(json, salt && behind(json, salt.to, comma))
  const from = name && behind(json, name.to, comma)
  const end = lastOf(json, bracketClose)
  if (name === undefined || from === undefined || end === undefined) return undefined
  const to = trimEnd(json, end)
  if (!disclosableKeys.has(name.text) || from >= to) return undefined
  return { name: name.text, value: { from, to } }
}

/** Where something stands behind a mark that stands at `at`. */
function behind(json: Uint8Array, at: number, mark: number): number | undefined {
  return json[at] === mark ? skipSpace(json, at + 1) : undefined
}

/** A text without escapes, and where it goes on behind it. */
function textAt(
  json: Uint8Array,
  at: number | undefined,
): { readonly text: string; readonly to: number } | undefined {
  if (at === undefined || json[at] !== quote) return undefined
  const end = json.indexOf(quote, at + 1)
  if (end === -1) return undefined
  const text = Buffer.from(json.subarray(at + 1, end)).toString("latin1")
  return text.includes("\\") ? undefined : { text, to: skipSpace(json, end + 1) }
}

function skipSpace(bytes: Uint8Array, at: number): number {
  let i = at
  while (i < bytes.length && (bytes[i] as number) <= space) i += 1
  return i
}

function trimEnd(bytes: Uint8Array, end: number): number {
  let i = end
  while (i > 0 && (bytes[i - 1] as number) <= space) i -= 1
  return i
}

/** Where the last byte stands that is no white space, if it is this one. */
function lastOf(bytes: Uint8Array, byte: number): number | undefined {
  const at = trimEnd(bytes, bytes.length) - 1
  return bytes[at] === byte ? at : undefined
}
