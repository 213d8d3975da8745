import { blockBytes, compress, digestBytes, resetState, storeDigest, storeDigests } from "./sha256"
import { sha256 } from "./lanes"

/** RFC 6962 §2.1: SHA-256(0x01 ‖ left ‖ right), four nodes at a time. */

const state: usize = memory.data(128, 16)

/**
 * Four messages of 65 bytes in their two padded blocks each; only the 64 bytes of the children
 * change.
 */
const messages: usize = memory.data(4 * 128, 16)
const messageBytes: usize = 128

function prepare(at: usize, left: usize, right: usize): void {
  store<u8>(at, 1)
  v128.store(at, v128.load(left), 1)
  v128.store(at, v128.load(left, 16), 17)
  v128.store(at, v128.load(right), 33)
  v128.store(at, v128.load(right, 16), 49)
  store<u8>(at, 0x80, 65)
  store<u16>(at, bswap<u16>(65 * 8), 126)
}

function compressMessages(): void {
  resetState(state)
  const m = messages
  compress(state, m, m + messageBytes, m + 2 * messageBytes, m + 3 * messageBytes, 2)
}

/** One interior node; the other three lanes idle. */
export function node(left: usize, right: usize, out: usize): void {
  prepare(messages, left, right)
  resetState(state)
  compress(state, messages, messages, messages, messages, 2)
  storeDigest(state, 0, out)
}

/** `count` nodes to `out`, from `2 count` children side by side at `pairs`. */
function nodes(pairs: usize, count: u32, out: usize): void {
  for (let i: u32 = 0; i < count; i += 4) {
    const last = min<u32>(count - i, 4) - 1
    const lane1 = min<u32>(1, last)
    const lane2 = min<u32>(2, last)
    const from = pairs + 64 * i
    const to = out + digestBytes * i
    prepare(messages, from, from + digestBytes)
    prepare(messages + messageBytes, from + 64 * lane1, from + 64 * lane1 + digestBytes)
    prepare(messages + 2 * messageBytes, from + 64 * lane2, from + 64 * lane2 + digestBytes)
    prepare(messages + 3 * messageBytes, from + 64 * last, from + 64 * last + digestBytes)
    compressMessages()
    storeDigests(
      state,
      to,
      to + digestBytes * lane1,
      to + digestBytes * lane2,
      to + digestBytes * last,
    )
  }
}

function copyDigest(from: usize, to: usize): void {
  v128.store(to, v128.load(from))
  v128.store(to, v128.load(from, 16), 16)
}

/** The contract is Core.grow; the places of the levels are those of layout.ts. */
export function grow(levels: usize, leavesMax: u32, count: u32, size: f64, frontier: usize): void {
  let first = <u64>size
  let behind = first + count
  let start = levels + 64
  while (first != behind) {
    const parents = start + digestBytes * (leavesMax + 2)
    const odd = <u32>(first & 1)
    // The peak that waited here is the left child of the first new parent: it goes into the slot
    // before the level.
    if (odd) copyDigest(frontier, start - digestBytes)
    const added = <u32>(behind - first)
    nodes(start - <usize>odd * digestBytes, (added + odd) >> 1, parents)
    if (behind & 1) copyDigest(start + digestBytes * (added - 1), frontier)
    first >>= 1
    behind >>= 1
    leavesMax >>= 1
    start = parents
    frontier += digestBytes
  }
}

export function root(frontier: usize, size: f64, out: usize): void {
  let left = <u64>size
  if (!left) return sha256(out, out, out)
  frontier += <usize>ctz<u64>(left) * digestBytes
  left >>= ctz<u64>(left)
  copyDigest(frontier, out)
  for (left >>= 1; left; left >>= 1) {
    frontier += digestBytes
    if (left & 1) node(frontier, out, out)
  }
}
