/** Bytes to text and back, strictly: whatever `format` would not have written, `parse` refuses. */

const hexPattern = /^(?:[0-9a-f]{2})*$/
/** Searched for: a pattern that matches megabytes of base64 as a whole would need the stack for them. */
const notBase64Pattern = /[^A-Za-z0-9+/]/
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

export function formatHex(bytes: Uint8Array): string {
  let text = ""
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0")
  return text
}

/** Lower-case hexadecimal only; undefined for anything else. */
export function parseHex(text: string): Uint8Array | undefined {
  if (!hexPattern.test(text)) return undefined
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

/** RFC 4648 §4 with padding. */
export function formatBase64(bytes: Uint8Array): string {
  let text = ""
  for (let i = 0; i < bytes.length; i += 0x2000) {
    // Spreading would walk an iterator and take four times as long.
    const part: ArrayLike<number> = bytes.subarray(i, i + 0x2000)
    text += Reflect.apply(String.fromCharCode, null, part)
  }
  return btoa(text)
}

/** Strict RFC 4648 §4: padding required, unused bits zero, no white space; undefined for anything else. */
export function parseBase64(text: string): Uint8Array | undefined {
  const padding = text.endsWith("==") ? 2 : Number(text.endsWith("="))
  const digits = text.slice(0, text.length - padding)
  if (text.length % 4 !== 0 || notBase64Pattern.test(digits)) return undefined
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  // Only the last group of digits can be written in another way: with unused bits that are not zero.
  const last = bytes.subarray(3 * Math.floor((bytes.length - 1) / 3))
  return text.endsWith(formatBase64(last)) ? bytes : undefined
}

/** RFC 4648 §5 without padding. */
export function formatBase64Url(bytes: Uint8Array): string {
  return formatBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")
}

/** Strict RFC 4648 §5: no padding, unused bits zero, no white space; undefined for anything else. */
export function parseBase64Url(text: string): Uint8Array | undefined {
  if (/[^A-Za-z0-9_-]/.test(text)) return undefined
  const padding = "=".repeat((4 - (text.length % 4)) % 4)
  return parseBase64(text.replaceAll("-", "+").replaceAll("_", "/") + padding)
}

export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** Strict UTF-8 (RFC 3629); undefined for anything else. A byte order mark is kept as the character it is. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    return undefined // The one thing decode() throws for is invalid input, which is our answer.
  }
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** A canonical non-negative decimal that a JavaScript number holds exactly; undefined for anything else. */
export function parseDecimal(text: string): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}
