import { encodeUtf8 } from "@postern/log/base"
import type { Entry } from "@postern/log/event"
import { type FieldQuery, matches } from "@postern/log/query"
import type { Dictionary } from "./dictionary.ts"
import { type ColumnName, idFirst, partySplit, partyUntyped } from "./part-format.ts"
import type { Turns } from "./turns.ts"

/** Numbers `[from, to)` of a column. */
export interface IdRange {
  readonly from: number
  readonly to: number
}

const typesMax = 256
const valuesATurn = 512
const nonce = new Uint8Array(16)
/** Above every byte of UTF-8: what is appended to a key to come behind all that begin with it. */
const above = Uint8Array.of(0xff)

/**
 * The values of a column that fulfil a test on it, as numbers, ascending or not; undefined if the time was up before that was known. Each
 * value is asked at most once.
 */
export async function idsHolding(
  column: ColumnName,
  dictionary: Dictionary,
  query: FieldQuery,
  turns: Turns,
): Promise<readonly IdRange[] | undefined> {
  const all = { from: idFirst, to: idFirst + dictionary.count }
  const { test } = query
  if (test.kind === "prefix" && test.text === "") return [all]
  const isText = test.kind === "equals" || test.kind === "prefix"
  if (isText && column !== "stream") {
    const found =
      column === "actor" || column === "target"
        ? partyRanges(dictionary, test.kind, encodeUtf8(test.text), column === "target")
        : [plainRange(dictionary, test.kind, encodeUtf8(test.text))]
    if (found !== undefined) return found.filter(({ from, to }) => from < to)
  }
  const ids: IdRange[] = []
  for (let from = all.from; from < all.to; from += valuesATurn) {
    if (from > all.from && !(await turns.go())) return undefined
    dictionary.visit(from, Math.min(all.to, from + valuesATurn), (id, value) => {
      if (!holdsValue(column, value, query)) return
      const last = ids.at(-1)
      if (last?.to === id) ids[ids.length - 1] = { from: last.from, to: id + 1 }
      else ids.push({ from: id, to: id + 1 })
    })
  }
  return ids
}

function plainRange(dictionary: Dictionary, kind: "equals" | "prefix", key: Uint8Array): IdRange {
  const from = dictionary.lowerBound(key)
  if (kind === "prefix") return { from, to: dictionary.lowerBound(Buffer.concat([key, above])) }
  const isThere =
    from < idFirst + dictionary.count && Buffer.compare(dictionary.valueOf(from), key) === 0
  return { from, to: isThere ? from + 1 : from }
}

/** Undefined if there are so many types that each value is better asked. */
function partyRanges(
  dictionary: Dictionary,
  kind: "equals" | "prefix",
  text: Uint8Array,
  hasTypeAsName: boolean,
): readonly IdRange[] | undefined {
  const ranges: IdRange[] = []
  const end = idFirst + dictionary.count
  let from = idFirst
  for (let types = 0; from < end; types++) {
    if (types === typesMax) return undefined
    const value = dictionary.valueOf(from)
    const head = value.subarray(0, value.indexOf(partySplit) + 1)
    const to = dictionary.lowerBound(Buffer.concat([head, above]))
    if (to <= from) return undefined
    const key = (id: Uint8Array): Uint8Array => Buffer.concat([head, id])
    ranges.push(plainRange(dictionary, kind, key(text)))
    if (head[0] !== partyUntyped) {
      const named = Buffer.concat([head.subarray(0, -1), slash])
      if (startsWith(text, named)) {
        ranges.push(plainRange(dictionary, kind, key(text.subarray(named.length))))
      } else if (kind === "prefix" && startsWith(named, text)) ranges.push({ from, to })
      if (hasTypeAsName && kind === "equals" && equals(head.subarray(0, -1), text))
        ranges.push({ from, to })
    }
    from = to
  }
  return ranges
}

const slash = Uint8Array.of(0x2f)

function startsWith(bytes: Uint8Array, head: Uint8Array): boolean {
  return bytes.length >= head.length && equals(bytes.subarray(0, head.length), head)
}

function equals(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** The query itself is asked, of an entry that has nothing but this value. */
function holdsValue(column: ColumnName, value: Uint8Array, query: FieldQuery): boolean {
  const open = column === "stream" ? Number(textOf(value)) : 0
  const stamp = { received: 0, open, sequence: 0, nonce, changed: 0 } as const
  const entry: Entry = { stamp, event: eventWith(column, value), eventBytes: new Uint8Array() }
  return matches(query, entry, {
    index: 0,
    writer: column === "writer" ? textOf(value) : undefined,
  })
}

function eventWith(column: ColumnName, value: Uint8Array): Readonly<Record<string, unknown>> {
  if (column === "writer" || column === "stream") return {}
  if (column === "actor") return { actor: partyOf(value) }
  if (column === "target") return { targets: [partyOf(value)] }
  return { [column]: textOf(value) }
}

export function partyOf(value: Uint8Array): { readonly type?: string; readonly id: string } {
  const split = value.indexOf(partySplit)
  const id = textOf(value.subarray(split + 1))
  return value[0] === partyUntyped ? { id } : { type: textOf(value.subarray(0, split)), id }
}

/** A value as people read it and as a query finds it. */
export function formatValue(column: ColumnName, value: Uint8Array): string {
  if (column !== "actor" && column !== "target") return textOf(value)
  const { type, id } = partyOf(value)
  return type === undefined ? id : `${type}/${id}`
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8")
}
