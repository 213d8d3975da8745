import {
  decodeUtf8,
  encodeUtf8,
  formatBase64Url,
  limits,
  PosternError,
  parseBase64Url,
  sha256,
} from "../base/index.ts"

/** A value kept out of an event, and what it was called there (docs/spec/disclosures.md). */
export interface Disclosure {
  readonly name: string
  readonly value: unknown
}

/** A value kept out of an event: the JSON bytes of its disclosure, and their digest. */
export interface KeptOut {
  readonly json: Uint8Array
  /** 43 characters of base64url. */
  readonly digest: string
}

/** The top-level member of an event that holds the digests of its disclosures. */
export const digestsKey = "_sd"

/** Of members that may be kept out of an event: optional ones with a value that can grow. */
export const disclosableKeys: ReadonlySet<string> = new Set([
  "reason",
  "origin",
  "request",
  "response",
  "trace",
  "labels",
  "data",
  "onBehalfOf",
  "changes",
  "subjects",
])

const saltPattern = /^[\x20-\x7e]{22,128}$/
const digestPattern = /^[A-Za-z0-9_-]{43}$/

/**
 * The JSON bytes of a disclosure (RFC 9901 §4.2.1).
 * @param salt 22 characters of base64url at least, which nobody can guess
 * @param value its JSON, as it is to stand there again
 */
export function encodeDisclosure(salt: string, name: string, value: Uint8Array): Uint8Array {
  const head = encodeUtf8(`[${JSON.stringify(salt)},${JSON.stringify(name)},`)
  const json = new Uint8Array(head.length + value.length + 1)
  json.set(head)
  json.set(value, head.length)
  json[json.length - 1] = 0x5d
  return json
}

/** The digest of a disclosure's JSON bytes (RFC 9901 §4.2.3): 43 characters of base64url. */
export function disclosureDigest(json: Uint8Array): string {
  return formatBase64Url(sha256(encodeBase64Url(json)))
}

const letters = encodeUtf8("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

/** What formatBase64Url gives, as bytes: megabytes of it, so no text is made. */
function encodeBase64Url(bytes: Uint8Array): Uint8Array {
  const encoded = new Uint8Array(Math.ceil((bytes.length * 4) / 3))
  let to = 0
  for (let at = 0; at < bytes.length; at += 3) {
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    // What lies beyond the end is not written.
    encoded[to] = letters[group >>> 18] as number
    encoded[to + 1] = letters[(group >>> 12) & 63] as number
    encoded[to + 2] = letters[(group >>> 6) & 63] as number
    encoded[to + 3] = letters[group & 63] as number
    to += 4
  }
  return encoded
}

/** The text of a disclosure to its JSON bytes; undefined if it is not base64url as docs/spec/disclosures.md says. */
export function parseDisclosureText(text: string): Uint8Array | undefined {
  if (text.length > Math.ceil((limits.disclosureBytesMax * 4) / 3)) return undefined
  return parseBase64Url(text)
}

/**
 * What a disclosure's JSON bytes say. It may come from an enemy: that it belongs to an event is for openDisclosures to say.
 * Errors: DISCLOSURE_INVALID.
 */
export function parseDisclosure(json: Uint8Array): Disclosure {
  const value = parseJson(json)
  const isArray = Array.isArray(value) && value.length === 3
  const [salt, name, held] = isArray ? (value as unknown[]) : []
  if (!isArray || typeof salt !== "string" || !saltPattern.test(salt)) throw invalid("its form")
  if (typeof name !== "string" || name === digestsKey || name === "...") throw invalid("its name")
  return { name, value: held }
}

/** The digests that an event names, as it came out of a log; of a hostile one whatever looks like a digest. */
export function digestsOf(event: Readonly<Record<string, unknown>>): readonly string[] {
  const digests: unknown = Object.hasOwn(event, digestsKey) ? event[digestsKey] : undefined
  if (!Array.isArray(digests)) return []
  return digests.filter((one) => typeof one === "string" && digestPattern.test(one))
}

/**
 * Puts values back into the event that names them: each disclosure (JSON bytes) becomes the member that it was, and its digest leaves
 * `_sd` (RFC 9901 §7.1, without nesting). Errors: DISCLOSURE_INVALID if one is not named by the event, comes twice, or has the name of a member.
 */
export function discloseEvent(
  event: Readonly<Record<string, unknown>>,
  disclosures: readonly Uint8Array[],
): Record<string, unknown> {
  const open = { ...event }
  const left = new Set(digestsOf(event))
  for (const json of disclosures) {
    if (!left.delete(disclosureDigest(json))) throw invalid("the event names no such digest")
    const { name, value } = parseDisclosure(json)
    if (Object.hasOwn(open, name)) throw invalid("the event has a member of that name")
    Object.defineProperty(open, name, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    })
  }
  if (left.size > 0) open[digestsKey] = [...left]
  else delete open[digestsKey]
  return open
}

function parseJson(json: Uint8Array): unknown {
  const text = json.length > limits.disclosureBytesMax ? undefined : decodeUtf8(json)
  if (text === undefined) throw invalid("its size or its UTF-8")
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new PosternError("DISCLOSURE_INVALID", "it is not JSON", { cause })
  }
}

function invalid(what: string): PosternError {
  return new PosternError("DISCLOSURE_INVALID", what)
}
