/** What a batch's row says of each of its stamps: all but sequence and nonce. */
export interface StampRow {
  /** `{"r":…,"o":…,"q":` */
  readonly head: Uint8Array
  /** What follows the nonce, with the line feed. */
  readonly tail: Uint8Array
  /** What follows it where the policy changed the event. */
  readonly alteredTail: Uint8Array
}

export type FoundStamp =
  | { readonly fault: string }
  | {
      readonly fault: undefined
      readonly sequence: number
      /** The policy changed the event: its bytes are not those that were sent. */
      readonly altered: boolean
      nonce(): string
    }

const nonceKey = Buffer.from(',"n":"', "latin1")
const nonceLetters = 22
const sequenceDigitsMax = 14
const isLetter = new Uint8Array(256)
for (const letter of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
  isLetter[letter.charCodeAt(0)] = 1
}
/** The last letter of 16 bytes in base64url has its lower four bits zero. */
const lastLetters = new Set([..."AQgw"].map((letter) => letter.charCodeAt(0)))

/**
 * Reads a leaf's stamp by its bytes: this is done for every entry, so nothing is parsed that the row already says.
 * What is taken is what docs/spec/log.md (Entry) lets a stamp of this row be, nothing else.
 */
export function checkStamp(leaf: Uint8Array, row: StampRow): FoundStamp {
  const { head, tail, alteredTail } = row
  if (!holdsAt(leaf, 0, head)) return { fault: "the stamp does not begin as its batch's row says" }
  let at = head.length
  let sequence = 0
  const digitsAt = at
  for (; at < leaf.length; at++) {
    const digit = (leaf[at] as number) - 0x30
    if (digit < 0 || digit > 9) break
    sequence = sequence * 10 + digit
  }
  const digits = at - digitsAt
  const canonical = digits === 1 || (digits > 1 && leaf[digitsAt] !== 0x30)
  if (!canonical || digits > sequenceDigitsMax)
    return { fault: "the stamp's sequence is no number" }
  if (!holdsAt(leaf, at, nonceKey)) return { fault: "the stamp has no nonce behind its sequence" }
  const nonceAt = at + nonceKey.length
  const nonceEnd = nonceAt + nonceLetters
  for (let i = nonceAt; i < nonceEnd; i++) {
    if (isLetter[leaf[i] ?? 0] === 0) return { fault: "the stamp's nonce is not 22 letters" }
  }
  if (!lastLetters.has(leaf[nonceEnd - 1] as number)) {
    return { fault: "the stamp's nonce is not 16 bytes" }
  }
  const altered = holdsAt(leaf, nonceEnd, alteredTail)
  if (!altered && !holdsAt(leaf, nonceEnd, tail)) {
    return { fault: "the stamp does not end as its row says" }
  }
  const nonce = (): string => Buffer.from(leaf.subarray(nonceAt, nonceEnd)).toString("latin1")
  return { fault: undefined, sequence, altered, nonce }
}

function holdsAt(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  if (at + expected.length > bytes.length) return false
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false
  return true
}
