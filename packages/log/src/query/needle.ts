import { encodeUtf8 } from "../base/index.ts"

/**
 * A byte string to look for, with how far a search may jump for each byte it meets (Horspool 1980).
 */
export interface Needle {
  readonly bytes: Uint8Array
  readonly jumps: Uint8Array
}

const jumpMax = 255

export function createNeedle(text: string): Needle {
  const bytes = encodeUtf8(text)
  const jumps = new Uint8Array(256).fill(Math.min(Math.max(bytes.length, 1), jumpMax))
  for (let i = 0; i < bytes.length - 1; i++) {
    jumps[bytes[i] ?? 0] = Math.min(bytes.length - 1 - i, jumpMax)
  }
  return { bytes, jumps }
}

/** Whether the needle stands anywhere in bytes [from, end). The empty one does. */
export function contains(bytes: Uint8Array, needle: Needle, from: number): boolean {
  const last = needle.bytes.length - 1
  if (last < 0) return true
  const lastByte = needle.bytes[last]
  for (let at = from + last; at < bytes.length; ) {
    const byte = bytes[at] as number
    if (byte === lastByte && standsAt(bytes, at - last, needle.bytes)) return true
    at += needle.jumps[byte] as number
  }
  return false
}

function standsAt(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let i = wanted.length - 2; i >= 0; i--) {
    if (bytes[at + i] !== wanted[i]) return false
  }
  return true
}
