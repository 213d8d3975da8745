import { assert, PosternError } from "../base/index.ts"

/**
 * Big-endian integers. Reading is for bytes of a peer, whose length the caller has checked; writing
 * is for values of our own. Plain byte arithmetic: it needs no DataView per frame.
 */

const safeHighMax = 0x1f_ffff

export function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}

export function readU32(bytes: Uint8Array, at: number): number {
  return readU16(bytes, at) * 0x1_0000 + readU16(bytes, at + 2)
}

/** A u64 that a JavaScript number holds exactly; FRAME_SYNTAX beyond 2^53 - 1. */
export function readU64(bytes: Uint8Array, at: number): number {
  const high = readU32(bytes, at)
  if (high > safeHighMax) throw new PosternError("FRAME_SYNTAX", "a number is above 2^53 - 1")
  return high * 0x1_0000_0000 + readU32(bytes, at + 4)
}

export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  assert(Number.isInteger(value) && value >= 0 && value <= 0xffff, "a u16 is within its range")
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  assert(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff, "a u32 is within its range")
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

export function writeU64(bytes: Uint8Array, at: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, "a u64 is a safe integer")
  writeU32(bytes, at, Math.floor(value / 0x1_0000_0000))
  writeU32(bytes, at + 4, value % 0x1_0000_0000)
}
