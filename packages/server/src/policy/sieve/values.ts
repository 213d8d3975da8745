import { encodeUtf8 } from "@postern/log/base"
import type { Hit } from "../detectors/index.ts"
import { changesText } from "./act.ts"
import { type EventText, rawText, type Span } from "./event-text.ts"
import type { SieveWorld } from "./sieve-world.ts"

/** What stands where a value was; JSON, as raw text of an event. */
export const redacted = '"[redacted]"'

const hmacPurpose = encodeUtf8("hmac")
const tokenPurpose = encodeUtf8("token")
/** Stands for the pointer in what detectors replace. */
const detectedPointer = encodeUtf8("detected")

const tokenBytes = 16
/** Of JSON's values only numbers and texts begin with a character up to this one. */
const digitNine = 0x39

export type Mac = SieveWorld["mac"]

/** The bytes of a value that an HMAC is made of (docs/spec/policy.md): one value, one HMAC, however it is written. */
export function macValue(text: EventText, { from, to }: Span): Uint8Array {
  if (text.isText(from)) return text.utf8Of(from, to)
  return numberAt(text, { from, to }) ?? text.bytes.subarray(from, to)
}

function numberAt(text: EventText, { from, to }: Span): Uint8Array | undefined {
  if (text.raw.charCodeAt(from) > digitNine) return undefined
  const number = Number(text.raw.slice(from, to))
  return Number.isSafeInteger(number) ? encodeUtf8(String(number)) : undefined
}

/** Whom a text, or a whole number, names; undefined if it is neither or empty. */
export function subjectAt(text: EventText, span: Span): string | undefined {
  const name = text.isText(span.from)
    ? text.textOf(span.from, span.to)
    : Buffer.from(numberAt(text, span) ?? []).toString()
  return name === "" ? undefined : name
}

/** `h1:<kid>:<43 characters>` */
export function hmacOf(mac: Mac, pointer: Uint8Array, value: Uint8Array): string {
  const { kid, digest } = mac([hmacPurpose, pointer, value])
  return `h1:${kid}:${digest}`
}

/** `t1:<kid>:<22 characters>` */
export function tokenOf(mac: Mac, value: Uint8Array): string {
  const { kid, digest } = mac([tokenPurpose, value])
  return `t1:${kid}:${Buffer.from(digest, "base64url").toString("base64url", 0, tokenBytes)}`
}

/** @param bytesMax none of the value's beginning is shown if it is 0 */
export function truncatedOf(
  mac: Mac,
  pointer: Uint8Array,
  text: EventText,
  span: Span,
  bytesMax: number,
): string {
  const { from, to } = span
  const value = text.isText(from) ? text.utf8Of(from, to) : text.bytes.subarray(from, to)
  let end = bytesMax
  while (end > 0 && ((value[end] as number) & 0xc0) === 0x80) end -= 1
  const beginning = Buffer.from(value.buffer, value.byteOffset, end).toString()
  const shown = rawText(JSON.stringify(beginning))
  const digest = hmacOf(mac, pointer, value)
  return `{"truncated":${shown},"bytes":${value.length},"digest":"${digest}"}`
}

/** What detectors leave of a text; undefined if they only mark it. */
export function detectedOf(
  mac: Mac,
  text: EventText,
  span: Span,
  hits: readonly Hit[],
): string | undefined {
  const changing = hits.filter((hit) => hit.do !== "mark")
  if (!changesText(hits)) return undefined
  const isWhole = (hit: Hit) => hit.whole || !text.isText(span.from)
  const whole = changing.filter((hit) => isWhole(hit) && hit.replacement === undefined)
  if (whole.some((hit) => hit.do === "redact")) return redacted
  if (whole.length > 0) return `"${hmacOf(mac, detectedPointer, macValue(text, span))}"`
  const characters = text.isText(span.from)
    ? text.textOf(span.from, span.to)
    : text.raw.slice(span.from, span.to)
  let left = ""
  let at = 0
  for (const hit of changing) {
    left += characters.slice(at, hit.from) + partOf(mac, hit, characters)
    at = hit.to
  }
  return rawText(JSON.stringify(left + characters.slice(at)))
}

function partOf(mac: Mac, hit: Hit, characters: string): string {
  if (hit.replacement !== undefined) return hit.replacement
  if (hit.do !== "hmac") return "[redacted]"
  return hmacOf(mac, detectedPointer, encodeUtf8(characters.slice(hit.from, hit.to)))
}
