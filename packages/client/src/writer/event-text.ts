import { createHash } from "node:crypto"
import { formatBase64Url, isPosternError, limits, PosternError } from "@postern/log/base"
import {
  type AuditEvent,
  digestsKey,
  disclosableKeys,
  encodeDisclosure,
  encodeEvent,
  eventBytesMax,
} from "@postern/log/event"
import { encodeDisclosurePart } from "@postern/log/wire"
import type { SaidEvent } from "./said-event.ts"
import type { World } from "./world.ts"

/** An event as it is spooled and sent. */
export interface EventText {
  /** JSON: as text, or as the bytes that somebody else wrote. */
  readonly text: string | Uint8Array
  /** Bodies of DISCLOSURE frames: the values that were kept out of it, because it was too large. */
  readonly parts: readonly Buffer[]
}

export const noParts: readonly Buffer[] = []
/** As regions: what a port lets a new connection send at once. */
const partBytesMax = 60_000
const saltBytes = 16
/** Of a disclosure in `_sd`: 43 characters in quotes, and a comma. */
export const digestTextBytes = 46

/** The event as JSON, as large as it may be. Errors: EVENT_TOO_LARGE. */
export function textOf({ text, whole }: SaidEvent, world: World): EventText {
  if (text.length * 3 <= eventBytesMax) return { text, parts: noParts }
  const bytes = Buffer.byteLength(text)
  return bytes <= eventBytesMax ? { text, parts: noParts } : keepOut(whole(), bytes, world)
}

/**
 * Moves the largest values that may be kept out of the event into disclosures, until the rest fits (docs/spec/disclosures.md).
 * Errors: EVENT_TOO_LARGE.
 */
function keepOut(event: AuditEvent, bytes: number, world: World): EventText {
  if (bytes > limits.disclosureBytesMax) throw tooLarge(`the event has ${bytes} bytes`)
  const rest: Record<string, unknown> = { ...event }
  const values = Object.keys(rest)
    .filter((key) => disclosableKeys.has(key))
    .map((key) => ({ key, json: Buffer.from(JSON.stringify(rest[key]) ?? "") }))
    .filter(({ json }) => json.length > 0)
    .sort((a, b) => b.json.length - a.json.length)
  const disclosures: { readonly digest: Buffer; readonly json: Uint8Array }[] = []
  let left = bytes + digestsKey.length + 6
  for (const { key, json } of values) {
    if (left <= eventBytesMax) break
    delete rest[key]
    left += digestTextBytes - (key.length + 4 + json.length)
    disclosures.push(disclose(key, json, world.randomBytes(saltBytes)))
  }
  const digests = disclosures.map(({ digest }) => formatBase64Url(digest)).sort()
  const reduced: unknown = { ...rest, [digestsKey]: digests }
  const text = Buffer.from(encodeEvent(reduced as AuditEvent)).toString()
  return { text, parts: disclosures.flatMap((each) => [...partsOf(each)]) }
}

/** A value as a disclosure of its own. Errors: EVENT_TOO_LARGE. */
export function disclose(
  key: string,
  value: Uint8Array,
  salt: Uint8Array,
): { digest: Buffer; json: Uint8Array } {
  const json = encodeDisclosure(formatBase64Url(salt), key, value)
  if (json.length > limits.disclosureBytesMax) throw tooLarge(`${key} has ${value.length} bytes`)
  // As disclosureDigest(), but not on the application's time: it is ten times as fast.
  const text = Buffer.from(json.buffer, json.byteOffset, json.length).toString("base64url")
  return { digest: createHash("sha256").update(text, "latin1").digest(), json }
}

/** Bodies of the DISCLOSURE frames in which it is handed over. */
export function* partsOf({
  digest,
  json,
}: {
  readonly digest: Buffer
  readonly json: Uint8Array
}): Generator<Buffer> {
  for (let at = 0; at < json.length; at += partBytesMax) {
    const part = json.subarray(at, at + partBytesMax)
    const isMore = at + partBytesMax < json.length
    yield Buffer.from(encodeDisclosurePart({ digest, isMore, part }).buffer)
  }
}

export function tooLarge(what: string): PosternError {
  return new PosternError(
    "EVENT_TOO_LARGE",
    `${what}; at most ${limits.disclosureBytesMax} can be kept`,
  )
}

export function asProblem(error: unknown): PosternError {
  if (isPosternError(error)) return error
  return new PosternError("EVENT_SYNTAX", String(error), { cause: error })
}
