import { assert } from "../base/index.ts"

const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

/**
 * A UUIDv7 (RFC 9562 §5.7) as text: the time in milliseconds, then 74 bits of `random16`, of which
 * the last ten bytes are used. Ids sort by time to the millisecond.
 */
export function createEventId(now: Date, random16: Uint8Array): string {
  assert(random16.length === 16, "an event id takes 16 random bytes")
  const time = now.getTime()
  assert(time >= 0 && time < 2 ** 48, "an event id's time fits in 48 bits")
  let text = ""
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += "-"
    text += hexOf[byteOfId(i, time, random16[i] ?? 0)]
  }
  return text
}

function byteOfId(i: number, time: number, random: number): number {
  if (i < 6) return Math.floor(time / 2 ** (40 - 8 * i)) % 256
  if (i === 6) return 0x70 | (random & 0x0f)
  if (i === 8) return 0x80 | (random & 0x3f)
  return random
}
