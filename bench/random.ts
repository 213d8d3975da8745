/** A small generator with a fixed seed (mulberry32): two runs measure the same bytes. */
export interface Random {
  /** A whole number in [0, end). */
  below(end: number): number
  pick<T>(values: readonly [T, ...T[]]): T
  /** Lower-case hex digits. */
  hex(digits: number): string
  /** 3 to 11 letters and digits. */
  word(): string
}

export function createRandom(seed: number): Random {
  let state = seed
  const below = (end: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * end)
  }
  const hex = (digits: number): string => {
    let text = ""
    while (text.length < digits) text += below(16).toString(16)
    return text
  }
  return {
    below,
    hex,
    pick: (values) => values[below(values.length)] ?? values[0],
    word: () => (below(2 ** 31) + 2 ** 31).toString(36).slice(0, 3 + below(5)) + hex(below(5)),
  }
}
