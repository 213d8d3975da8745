/** What the survey reads of every stamp. */
export interface StampMarks {
  /** Microseconds since the epoch. */
  readonly received: number
  /** Index of the entry that opened the stream. */
  readonly open: number
}

const quote = 0x22
const comma = 0x2c
const zero = 0x30
const nine = 0x39
/** `{"r":` */
const receivedAt = 5

/**
 * Received time and stream of a leaf, from the first bytes of its stamp, which have one spelling only (docs/spec/log.md). No
 * object is parsed: this is done for every entry of the log. Undefined if the bytes are no stamp's.
 */
export function stampMarks(leaf: Uint8Array): StampMarks | undefined {
  const end = skipDigits(leaf, receivedAt)
  const isNext = leaf[end] === comma && leaf[end + 1] === quote && leaf[end + 3] === quote
  const start = end + 5
  const last = skipDigits(leaf, start)
  if (end === receivedAt || !isNext || last === start || leaf[last] !== comma) return undefined
  return { received: numberIn(leaf, receivedAt, end), open: numberIn(leaf, start, last) }
}

function skipDigits(leaf: Uint8Array, from: number): number {
  let at = from
  while ((leaf[at] ?? 0) >= zero && (leaf[at] ?? 0) <= nine) at++
  return at
}

/** Stamps hold numbers below 2^53. */
function numberIn(leaf: Uint8Array, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) value = value * 10 + (leaf[at] as number) - zero
  return value
}
