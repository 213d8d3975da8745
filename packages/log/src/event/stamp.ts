import { assert, limits, PosternError, parseDecimal, sha256 } from "../base/index.ts"

/** What the port says about an entry (docs/spec/log.md, Entry). */
export interface Stamp {
  /** Microseconds since 1970-01-01 UTC by the port's clock, 0 to 2^53 - 1. */
  readonly received: number
  /** Index of the entry that opened the stream, below 10^14. */
  readonly open: number
  /** Sequence in that stream, from 0, below 10^14. */
  readonly sequence: number
  /** 16 bytes. */
  readonly nonce: Uint8Array
  /**
   * 0 = stored as sent, 1 = an adapter filled members in, 2 = an adapter wrapped a foreign event,
   * 3 = the port moved members into disclosures, besides. 4 = the policy changed it; 5, 6, 7 =
   * besides what 1, 2, 3 say.
   */
  readonly changed: Changed
}

export type Changed = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7

const seedBytes = 16
const nonceBytes = 16
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
const digitOf = new Map([...alphabet].map((letter, digit) => [letter, digit]))

// The last letter of 16 bytes in base64url carries two bits only: A, Q, g or w.
const stampPattern =
  /^\{"r":(\d{1,16}),"o":(\d{1,14}),"q":(\d{1,14}),"n":"([\w-]{21}[AQgw])"(?:,"c":([1-7]))?\}$/

/** The stamp as text, without the line feed behind it; at most 96 bytes of ASCII. */
export function formatStamp(stamp: Stamp): string {
  const { received, open, sequence, nonce, changed } = stamp
  assert(Number.isSafeInteger(received), "received is a safe integer")
  assert(received >= 0, "received is not negative")
  assert(isPosition(open), "open is an index of the log")
  assert(isPosition(sequence), "sequence is within its range")
  const tail = changed === 0 ? "}" : `,"c":${changed}}`
  return `{"r":${received},"o":${open},"q":${sequence},"n":"${formatNonce(nonce)}"${tail}`
}

/** Takes exactly what formatStamp writes; anything else, hostile or damaged, is ENTRY_SYNTAX. */
export function parseStamp(text: string): Stamp {
  const match = stampPattern.exec(text)
  const [, r = "", o = "", q = "", n = "", c = "0"] = match ?? []
  const received = parseDecimal(r)
  const open = parseDecimal(o)
  const sequence = parseDecimal(q)
  if (received === undefined || open === undefined || sequence === undefined) {
    throw new PosternError("ENTRY_SYNTAX", "the stamp is not written as docs/spec/log.md says")
  }
  return { received, open, sequence, nonce: parseNonce(n), changed: Number(c) as Changed }
}

/**
 * The nonce of the event at `position` (from 0) of the batch whose seed is given (16 bytes): one
 * half of SHA-256(seed ‖ u32 ⌊position/2⌋), docs/spec/log.md. Events that were refused have used up
 * theirs.
 */
export function deriveNonce(seed: Uint8Array, position: number): Uint8Array {
  assert(seed.length === seedBytes, "a nonce seed has 16 bytes")
  assert(Number.isInteger(position), "a position is an integer")
  assert(position >= 0 && position <= 0xffff_ffff, "a position is within its range")
  const block = Math.floor(position / 2)
  const input = new Uint8Array(seedBytes + 4)
  input.set(seed)
  input[16] = block >>> 24
  input[17] = block >>> 16
  input[18] = block >>> 8
  input[19] = block
  const from = (position % 2) * nonceBytes
  return sha256(input).subarray(from, from + nonceBytes)
}

function isPosition(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= limits.sequenceMax
}

function formatNonce(nonce: Uint8Array): string {
  assert(nonce.length === nonceBytes, "a nonce has 16 bytes")
  let text = ""
  for (let i = 0; i < 18; i += 3) {
    const group = ((nonce[i] ?? 0) << 16) | ((nonce[i + 1] ?? 0) << 8) | (nonce[i + 2] ?? 0)
    text += alphabet.charAt(group >>> 18) + alphabet.charAt((group >>> 12) & 63)
    if (i < 15) text += alphabet.charAt((group >>> 6) & 63) + alphabet.charAt(group & 63)
  }
  return text
}

/** Only called on text that stampPattern has matched: 22 letters, the unused bits zero. */
function parseNonce(text: string): Uint8Array {
  const nonce = new Uint8Array(nonceBytes)
  let bits = 0
  let held = 0
  let at = 0
  for (const letter of text) {
    bits = ((bits << 6) | (digitOf.get(letter) ?? 0)) & 0xfff
    held += 6
    if (held < 8) continue
    held -= 8
    nonce[at] = bits >>> held
    at += 1
  }
  return nonce
}
