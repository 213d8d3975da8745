import { encodeUtf8 } from "../base/index.ts"

/**
 * A byte string to look for, with how far a search may jump for each byte it meets (Horspool 1980).
 */
export interface Needle {
  /** As `fold` leaves them. */
  readonly bytes: Uint8Array
  readonly jumps: Uint8Array
  /** For each byte, the one that it counts as. */
  readonly fold: Uint8Array
}

const jumpMax = 255
const same = Uint8Array.from({ length: 256 }, (_, byte) => byte)
const lower = same.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte))

/** @param ignoresCase A–Z count as a–z; no other letters have a case here */
export function createNeedle(text: string, ignoresCase = false): Needle {
  const fold = ignoresCase ? lower : same
  const bytes = encodeUtf8(text).map((byte) => fold[byte] as number)
  const own = new Uint8Array(256).fill(Math.min(Math.max(bytes.length, 1), jumpMax))
  for (let i = 0; i < bytes.length - 1; i++) {
    own[bytes[i] ?? 0] = Math.min(bytes.length - 1 - i, jumpMax)
  }
  return { bytes, jumps: same.map((byte) => own[fold[byte] as number] as number), fold }
}

/** Whether the needle stands anywhere in bytes [from, end). The empty one does. */
export function contains(bytes: Uint8Array, needle: Needle, from: number): boolean {
  const { fold, jumps } = needle
  const last = needle.bytes.length - 1
  if (last < 0) return true
  const lastByte = needle.bytes[last]
  for (let at = from + last; at < bytes.length; ) {
    const byte = bytes[at] as number
    if (fold[byte] === lastByte && standsAt(bytes, at - last, needle)) return true
    at += jumps[byte] as number
  }
  return false
}

function standsAt(bytes: Uint8Array, at: number, { bytes: wanted, fold }: Needle): boolean {
  for (let i = wanted.length - 2; i >= 0; i--) {
    if (fold[bytes[at + i] as number] !== wanted[i]) return false
  }
  return true
}
