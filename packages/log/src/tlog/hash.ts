import { parseHex, sha256 } from "../base/index.ts"

export const hashBytes = 32

const leafPrefix = 0x00
const nodePrefix = 0x01

/** Root of the tree of size 0: SHA-256 of nothing (RFC 6962 §2.1). */
export const emptyRoot: Uint8Array = parseHex(
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
) as Uint8Array

/** SHA-256(0x00 ‖ leaf), RFC 6962 §2.1. */
export function leafHash(leaf: Uint8Array): Uint8Array {
  const message = new Uint8Array(1 + leaf.length)
  message[0] = leafPrefix
  message.set(leaf, 1)
  return sha256(message)
}

/** One scratch message for all nodes: sha256 is synchronous and keeps nothing. */
const nodeMessage = new Uint8Array(1 + 2 * hashBytes)
nodeMessage[0] = nodePrefix

/** SHA-256(0x01 ‖ left ‖ right) of two 32-byte hashes, RFC 6962 §2.1. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  nodeMessage.set(left, 1)
  nodeMessage.set(right, 1 + hashBytes)
  return sha256(nodeMessage)
}

/** The i-th of hashes that stand one after the other; a view, not a copy. */
export function hashAt(hashes: Uint8Array, i: number): Uint8Array {
  return hashes.subarray(hashBytes * i, hashBytes * (i + 1))
}
