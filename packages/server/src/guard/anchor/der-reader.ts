import { PosternError } from "@postern/log/base"

/** One value of DER (X.690): a tag and what is in it. */
export interface DerValue {
  readonly tag: number
  readonly content: Uint8Array
}

export const derTags = {
  integer: 0x02,
  octets: 0x04,
  objectId: 0x06,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  context0: 0xa0,
} as const

/**
 * The values that stand one after the other in `bytes`, which come from somebody else. Tags of one byte and definite lengths
 * only, as DER has them where time stamps use it. @throws PosternError ANCHOR_INVALID
 */
export function readDer(bytes: Uint8Array): DerValue[] {
  const values: DerValue[] = []
  let at = 0
  while (at < bytes.length) {
    const tag = byteAt(bytes, at)
    if ((tag & 0x1f) === 0x1f) throw invalid("a tag of several bytes")
    const { length, start } = readLength(bytes, at + 1)
    if (start + length > bytes.length) throw invalid("a value that is cut off")
    values.push({ tag, content: bytes.subarray(start, start + length) })
    at = start + length
  }
  return values
}

/** What is in a value that has to be there and have this tag. @throws PosternError ANCHOR_INVALID */
export function expectDer(value: DerValue | undefined, tag: number, what: string): Uint8Array {
  if (value?.tag === tag) return value.content
  throw invalid(`no ${what}`)
}

export function invalid(detail: string): PosternError {
  return new PosternError("ANCHOR_INVALID", detail)
}

function readLength(bytes: Uint8Array, at: number): { length: number; start: number } {
  const first = byteAt(bytes, at)
  if (first < 0x80) return { length: first, start: at + 1 }
  const count = first & 0x7f
  if (count === 0 || count > 3) throw invalid("a length that DER does not have, or a huge one")
  let length = 0
  for (let i = 1; i <= count; i++) length = length * 256 + byteAt(bytes, at + i)
  if (length < 0x80 || (count > 1 && length < 256 ** (count - 1))) throw invalid("a long length")
  return { length, start: at + 1 + count }
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  if (byte === undefined) throw invalid("a value that is cut off")
  return byte
}
