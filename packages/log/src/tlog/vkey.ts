import {
  assert,
  concatBytes,
  encodeUtf8,
  formatBase64,
  formatHex,
  parseBase64,
  parseHex,
  sha256,
} from "../base/index.ts"
import { demandNote, quote } from "./demand.ts"

/**
 * The signature type of signed-note v1.0.0 that is spoken here: Ed25519 over the text of the note.
 */
const typeEd25519 = 0x01
const publicKeyBytes = 32

/** A verifier key: whose signature it is, and how to check it. */
export interface Vkey {
  readonly name: string
  /** Unsigned, 32 bits. */
  readonly keyId: number
  /** Ed25519, raw, 32 bytes. */
  readonly publicKey: Uint8Array
}

/**
 * Not empty, no white space, no plus sign, no control character, no lone surrogate (signed-note
 * v1.0.0).
 */
export function isKeyName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  return name !== "" && !/[\p{White_Space}+\u0000-\u001f\p{Surrogate}]/u.test(name)
}

/** The first four bytes of SHA-256(name ‖ LF ‖ type ‖ public key), as a number. */
export function noteKeyId(name: string, publicKey: Uint8Array): number {
  return typedKeyId(name, typeEd25519, publicKey)
}

/** noteKeyId for a key of this signature type. */
export function typedKeyId(name: string, type: number, publicKey: Uint8Array): number {
  const hash = sha256(concatBytes(encodeUtf8(`${name}\n`), Uint8Array.of(type), publicKey))
  return new DataView(hash.buffer, hash.byteOffset).getUint32(0)
}

/**
 * `<name>+<key id, 8 hex digits>+<base64 of type ‖ public key>` (signed-note v1.0.0).
 * @param publicKey Ed25519, raw, 32 bytes
 */
export function formatVkey(name: string, publicKey: Uint8Array): string {
  assert(publicKey.length === publicKeyBytes, "an Ed25519 public key has 32 bytes")
  return formatTypedVkey(name, typeEd25519, publicKey)
}

/** formatVkey for a key of this signature type. */
export function formatTypedVkey(name: string, type: number, publicKey: Uint8Array): string {
  assert(isKeyName(name), "a key name has no white space, plus sign or control character")
  const key = concatBytes(Uint8Array.of(type), publicKey)
  return `${name}+${formatKeyId(typedKeyId(name, type, publicKey))}+${formatBase64(key)}`
}

export function formatKeyId(keyId: number): string {
  return keyId.toString(16).padStart(8, "0")
}

/**
 * Parses an Ed25519 verifier key and checks that its key id is the one of its name and key.
 * @throws PosternError NOTE_INVALID
 */
export function parseVkey(text: string): Vkey {
  const { type, ...vkey } = parseTypedVkey(text)
  demandNote(type === typeEd25519, `${quote(text)} is not an Ed25519 key (type 1)`)
  const whole = vkey.publicKey.length === publicKeyBytes
  demandNote(whole, `${quote(text)} has not 32 bytes of key`)
  return vkey
}

/** A verifier key of any signature type; its public key may have any length. */
export interface TypedVkey extends Vkey {
  readonly type: number
}

/**
 * Parses a verifier key of any type and checks that its key id is the one of its name and key.
 * @throws PosternError NOTE_INVALID
 */
export function parseTypedVkey(text: string): TypedVkey {
  // Base64 may contain a plus sign, a name may not: the first two are the borders.
  const nameEnd = text.indexOf("+")
  const idEnd = text.indexOf("+", nameEnd + 1)
  demandNote(nameEnd > 0 && idEnd > 0, `${quote(text)} is not a verifier key`)
  const name = text.slice(0, nameEnd)
  const id = parseHex(text.slice(nameEnd + 1, idEnd))
  const key = parseBase64(text.slice(idEnd + 1))
  const whole = isKeyName(name) && id?.length === 4 && key !== undefined && key.length > 1
  demandNote(whole, `${quote(text)} is not a verifier key`)
  const type = key[0] as number
  const publicKey = key.subarray(1)
  const keyId = typedKeyId(name, type, publicKey)
  demandNote(formatHex(id) === formatKeyId(keyId), `${quote(text)} has the key id of another key`)
  return { name, keyId, type, publicKey }
}
