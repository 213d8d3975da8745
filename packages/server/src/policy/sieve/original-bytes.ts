/**
 * The record that an event was made of, where it stands as base64 in `/data/bytes` (docs/spec/sources.md): detectors look into it,
 * and what is taken of the JSON that was decoded of it must not stay in it.
 */
import { isUtf8 } from "node:buffer"
import type { Detectors, ValueKind } from "../detectors/index.ts"
import { type Act, changesText, type Member, type Plan } from "./act.ts"
import type { EventText, Span } from "./event-text.ts"
import { membersOf } from "./looking-up.ts"
import type { Paths, Place } from "./paths.ts"
import { textBytesMax } from "./scanned.ts"
import type { Course } from "./walk.ts"

export const dataName = "data"
export const originalName = "bytes"
/** Formats whose events have, beside the record, what was decoded of it. */
const decodedFormats = new Set(["otlp"])

const colon = 0x3a
const base64 = /^[A-Za-z0-9+/]+={0,2}$/
/** Base64 of a little more than textBytesMax bytes, in groups of four. */
const lookedLetters = 4 * Math.ceil((textBytesMax + 1) / 3)
/** Behind the first byte of a character in UTF-8. */
const characterBytesMax = 3

/** What of a record is looked at. */
export interface RecordText {
  /** UTF-8 as its characters; of anything else each byte as the character U+0000 to U+00FF. */
  readonly text: string
  readonly kind: ValueKind
  /** There is more of it. */
  readonly isLong: boolean
}

/** The record that the text [from, to) holds; undefined if it is no base64. */
export function recordIn(text: EventText, from: number, to: number): RecordText | undefined {
  const letters = lettersOf(text, from, to)
  if (letters === undefined) return undefined
  const bytes = Buffer.from(letters.slice(0, lookedLetters), "base64")
  const isLong = bytes.length > textBytesMax
  const looked = isLong ? bytes.subarray(0, characterEnd(bytes)) : bytes
  if (isUtf8(looked)) return { text: looked.toString(), kind: "string", isLong }
  return { text: looked.toString("latin1"), kind: "bytes", isLong }
}

function lettersOf(text: EventText, from: number, to: number): string | undefined {
  if (!text.isText(from)) return undefined
  const letters = text.textOf(from, to)
  return letters.length % 4 === 0 && base64.test(letters) ? letters : undefined
}

/** textBytesMax, or where the character begins that it is inside of. */
function characterEnd(bytes: Uint8Array): number {
  let end = textBytesMax
  while (end > textBytesMax - characterBytesMax && ((bytes[end] as number) & 0xc0) === 0x80)
    end -= 1
  return end
}

/** Whether detectors find something in a record of an event that mentions nothing else: much less work than to go through it. */
export function isHitIn(text: EventText, detectors: Detectors): boolean {
  const name = `"${originalName}"`
  for (let at = text.raw.indexOf(name); at !== -1; at = text.raw.indexOf(name, at + 1)) {
    const colonAt = text.skipSpace(at + name.length)
    if (text.raw.charCodeAt(colonAt) !== colon) continue
    const from = text.skipSpace(colonAt + 1)
    const record = text.isText(from) ? recordIn(text, from, text.endOfString(from)) : undefined
    if (record === undefined) continue
    detectors.begin()
    const hits = detectors.look(record.text, originalName, [dataName], record.kind)
    if (record.isLong || hits.length > 0) return true
  }
  return false
}

/** The place of the record. */
export function originalIn(paths: Paths): Place {
  return paths.enter(paths.enter(paths.root(), dataName), originalName)
}

/** The plan, and that the record is redacted if anything goes of an event beside which it stands; unless the policy says `keep` of it. */
export function withOriginal(text: EventText, plan: Plan, course: Course): Plan {
  const mayHold = text.raw.includes(`"${originalName}"`) || text.raw.includes("\\u")
  if (!mayHold || course.keepsOriginal) return plan
  let { acts } = plan
  for (const original of originalsIn(text)) acts = withRedacted(acts, original)
  return acts === plan.acts ? plan : { ...plan, acts }
}

interface Original {
  readonly value: Span
  readonly member: Member
}

/** Names may stand twice. */
function* originalsIn(text: EventText): Generator<Original> {
  for (const { name, value: data } of membersOf(text, text.skipSpace(0))) {
    if (name !== dataName || !text.isObject(data.from)) continue
    const members = [...membersOf(text, data.from)]
    const isDecoded = members.some(({ name: one, value }) => {
      return one === "format" && isDecodedFormat(text, value)
    })
    if (!isDecoded) continue
    for (const { name: one, value, member } of members) {
      const isRecord = one === originalName && lettersOf(text, value.from, value.to) !== undefined
      if (isRecord) yield { value, member }
    }
  }
}

function isDecodedFormat(text: EventText, { from, to }: Span): boolean {
  return text.isText(from) && decodedFormats.has(text.textOf(from, to))
}

function withRedacted(acts: readonly Act[], { value, member }: Original): readonly Act[] {
  const own = acts.find(({ from, to }) => from === value.from && to === value.to)
  const isGone = acts.some(
    (act) => act.what === "cut" && act.from <= value.from && act.to >= value.to,
  )
  if (isGone || (own !== undefined && hides(own))) return acts
  if (!acts.some((act) => act !== own && changes(act))) return acts
  const redact: Act = {
    ...{ what: "redact", ...value, at: `/${dataName}/${originalName}`, member },
    ...{ step: -1, isHidden: false, hits: [] },
  }
  const before = acts.filter(({ to }) => to < value.to)
  return [...before, redact, ...acts.filter(({ to }) => to > value.to)]
}

/** Whether nothing is left that can be read. */
function hides(act: Act): boolean {
  return act.what !== "truncate" && changes(act)
}

/** Whether a transform, or a detector, changes the value. */
function changes({ what, hits }: Act): boolean {
  if (what === "detected") return changesText(hits)
  return what !== "cut" && what !== "emptied" && what !== "sealed"
}
