const backslash = 0x5c
const letterU = 0x75

/**
 * Each byte as it may stand in an action: capitals made small, what is not allowed an underscore.
 */
export const actionByte = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte).toLowerCase()
  return /^[a-z0-9._:/-]$/.test(character) ? character.charCodeAt(0) : 0x5f
})

/**
 * End of the longest part from the start of `[at, end)`, the inside of a valid JSON string, that
 * has at most `bytesMax` bytes and cuts through no character, escape or pair of surrogate escapes.
 */
export function clip(memory: Uint8Array, at: number, end: number, bytesMax: number): number {
  if (end - at <= bytesMax) return end
  let next = at
  for (;;) {
    const step = characterBytes(memory, next)
    if (next + step > at + bytesMax) return next
    next += step
  }
}

function characterBytes(memory: Uint8Array, at: number): number {
  const byte = memory[at] as number
  if (byte === backslash) {
    if (memory[at + 1] !== letterU) return 2
    // \uD8xx to \uDBxx is the first half of a pair, if a second one follows.
    const isHigh = /^d[89ab]/i.test(String.fromCharCode(memory[at + 2] ?? 0, memory[at + 3] ?? 0))
    return isHigh && memory[at + 6] === backslash && memory[at + 7] === letterU ? 12 : 6
  }
  if (byte < 0x80) return 1
  if (byte < 0xe0) return 2
  return byte < 0xf0 ? 3 : 4
}
