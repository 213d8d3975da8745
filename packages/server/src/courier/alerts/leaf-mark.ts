/** What every entry is asked for, whether anything matches or not. */
export interface LeafMark {
  /** Milliseconds since the epoch. */
  readonly receivedMs: number
  /** Index of the entry that opened its stream. */
  readonly open: number
}

const colonMarks = 2
const colon = 0x3a

/** Reads the two from a stamp without parsing it: `{"r":…,"o":…`. The port wrote it, so anything else is a damaged log. */
export function readLeafMark(leaf: Uint8Array): LeafMark | undefined {
  const numbers: number[] = []
  let at = 0
  while (numbers.length < colonMarks) {
    at = leaf.indexOf(colon, at) + 1
    if (at === 0) return undefined
    let value = 0
    const begin = at
    for (; at < leaf.length; at++) {
      const digit = (leaf[at] as number) - 0x30
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    if (at === begin || !Number.isSafeInteger(value)) return undefined
    numbers.push(value)
  }
  const [received = 0, open = 0] = numbers
  return { receivedMs: Math.floor(received / 1000), open }
}
