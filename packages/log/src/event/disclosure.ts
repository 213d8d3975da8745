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
  /** Undefined: it was an element of an array. */
  readonly name: string | undefined
  readonly value: unknown
}

/** A value kept out of an event: the JSON bytes of its disclosure, and their digest. */
export interface KeptOut {
  readonly json: Uint8Array
  /** 43 characters of base64url. */
  readonly digest: string
}

/** The member that holds the digests of disclosures: of an event, and of any object inside one that the policy has sealed. */
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

/**
 * The JSON bytes of a disclosure (RFC 9901 §4.2.1).
 * @param salt 22 characters of base64url at least, which nobody can guess
 * @param name undefined for an element of an array (§4.2.2)
 * @param value its JSON, as it is to stand there again
 */
export function encodeDisclosure(
  salt: string,
  name: string | undefined,
  value: Uint8Array,
): Uint8Array {
  const named = name === undefined ? "" : `${JSON.stringify(name)},`
  const head = encodeUtf8(`[${JSON.stringify(salt)},${named}`)
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
 * What a disclosure's JSON bytes say. It may come from an enemy: that it belongs to an event is for DigestPlaces to say.
 * Errors: DISCLOSURE_INVALID.
 */
export function parseDisclosure(json: Uint8Array): Disclosure {
  const value = parseJson(json)
  if (!Array.isArray(value) || value.length < 2 || value.length > 3) throw invalid("its form")
  const salt: unknown = value[0]
  if (typeof salt !== "string" || !saltPattern.test(salt)) throw invalid("its form")
  if (value.length === 2) return { name: undefined, value: value[1] }
  const name: unknown = value[1]
  if (typeof name !== "string" || name === digestsKey || name === "...") throw invalid("its name")
  return { name, value: value[2] }
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
