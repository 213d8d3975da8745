import { encodeUtf8 } from "@postern/log/base"

/**
 * Hashes of tokens and values, keyed so that nobody who can only write events can make many fall together: they start at a
 * secret and multiply by another, odd one (docs/spec/index.md, Hashes).
 */
export interface HashKey {
  readonly start: number
  readonly factor: number
  readonly secondStart: number
  readonly secondFactor: number
}

export const hashKeyBytes = 16
/** Of a token so many bytes are hashed; what is longer falls together with what begins the same. */
export const tokenBytesMax = 64

export function hashKeyOf(seed: Uint8Array): HashKey {
  const view = new DataView(seed.buffer, seed.byteOffset, hashKeyBytes)
  return {
    start: view.getInt32(0, true),
    factor: view.getInt32(4, true) | 1,
    secondStart: view.getInt32(8, true),
    secondFactor: view.getInt32(12, true) | 1,
  }
}

/** By byte: the byte of a token, with A to Z made small; 0 for what stands between tokens. */
export const tokenLetters = Uint8Array.from({ length: 256 }, (_, byte) => {
  const letter = String.fromCharCode(byte)
  if (byte >= 0x80) return byte
  return /[A-Za-z0-9_]/.test(letter) ? letter.toLowerCase().charCodeAt(0) : 0
})

/** The hash of a token as the index keeps it, unsigned. `token`: as tokensOf gives it, in small letters. */
export function hashToken(key: HashKey, token: string): number {
  let hash = key.start
  for (const byte of encodeUtf8(token).subarray(0, tokenBytesMax)) {
    hash = Math.imul(hash ^ byte, key.factor)
  }
  return finishHash(hash)
}

/** Half of the hash of a value: the first `length` bytes. */
export function hashValue(
  start: number,
  factor: number,
  bytes: Uint8Array,
  length: number,
): number {
  let hash = start ^ length
  for (let at = 0; at < length; at++) hash = Math.imul(hash ^ (bytes[at] as number), factor)
  return finishHash(hash)
}

/** Spreads what the loop over the bytes has left in the high bits over all of them. Unsigned, one to one. */
export function finishHash(hash: number): number {
  let h = hash ^ (hash >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
