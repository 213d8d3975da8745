import { assert } from "../base/index.ts"

const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

/** All but the lowest 16 bits of the last time that was asked for, and their text. */
let knownHigh = -1
let knownText = ""

/**
 * A UUIDv7 (RFC 9562 §5.7) as text: the time in milliseconds, then 74 bits of `random16`, of which
 * the last ten bytes are used. Ids sort by time to the millisecond.
 */
export function createEventId(now: Date, random16: Uint8Array): string {
  assert(random16.length === 16, "an event id takes 16 random bytes")
  const ms = now.getTime()
  assert(ms >= 0 && ms < 2 ** 48, "an event id's time fits in 48 bits")
  const high = Math.floor(ms / 0x1_0000)
  if (high !== knownHigh) {
    knownText = high.toString(16).padStart(8, "0")
    knownHigh = high
  }
  const time = `${knownText}-${hexOf[(ms >> 8) & 0xff]}${hexOf[ms & 0xff]}`
  // Of these bytes the version and the variant take the first bits.
  const version = hexOf[0x70 | ((random16[6] as number) & 0x0f)]
  const variant = hexOf[0x80 | ((random16[8] as number) & 0x3f)]
  const low = hex(random16, 10) + hex(random16, 12) + hex(random16, 14)
  return `${time}-${version}${hexOf[random16[7] as number]}-${variant}${hexOf[random16[9] as number]}-${low}`
}

/** Two bytes, four digits. */
function hex(bytes: Uint8Array, at: number): string {
  return `${hexOf[bytes[at] as number]}${hexOf[bytes[at + 1] as number]}`
}
