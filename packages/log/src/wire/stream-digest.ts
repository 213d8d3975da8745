import { assert, parseHex, sha256 } from "../base/index.ts"
import { writeU32, writeU64 } from "./integers.ts"
import { digestBytes } from "./stream-frames.ts"

const streamIdBytes = 16

/**
 * The chain digest of a stream before its first batch (docs/spec/wire.md, Streams). `stream`: 32
 * lower-case hex digits.
 */
export function streamDigestStart(stream: string): Uint8Array {
  const id = parseHex(stream)
  assert(id?.length === streamIdBytes, "a stream's id has 32 hex digits")
  return sha256(id)
}

/**
 * The chain digest after a batch. `previous`: the one before, 32 bytes; `sequence`: of its first
 * event; `region`: its events with their lengths, as BatchHeader.region.
 */
export function streamDigestNext(
  previous: Uint8Array,
  sequence: number,
  count: number,
  region: Uint8Array,
): Uint8Array {
  assert(previous.length === digestBytes, "a chain digest has 32 bytes")
  const input = new Uint8Array(digestBytes + 8 + 4 + digestBytes)
  input.set(previous)
  writeU64(input, 32, sequence)
  writeU32(input, 40, count)
  input.set(sha256(region), 44)
  return sha256(input)
}
