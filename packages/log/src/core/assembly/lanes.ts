import { blockBytes, compress, digestBytes, resetLane, storeDigest } from "./sha256"

/**
 * Many messages over four lanes: a lane that has finished its message takes the next one at once,
 * so that messages of different lengths do not wait for each other. Lanes without work shadow a
 * busy one.
 */

const state: usize = memory.data(128, 16)

/**
 * A lane: where its next blocks are, how many, how many more in its tail, where its digest goes;
 * then its tail.
 */
const lanes: usize = memory.data(4 * 256, 16)
const laneSize: usize = 256
const pointer: usize = 0
const blocks: usize = 4
const tailBlocks: usize = 8
const output: usize = 12
const tail: usize = 16

function laneAt(lane: usize): usize {
  return lanes + laneSize * lane
}

/**
 * Puts a message into a lane. Its padded end is built in the lane's tail; reads up to 64 bytes
 * behind the message.
 */
function start(lane: usize, at: usize, length: usize, out: usize): void {
  const my = laneAt(lane)
  const end = my + tail
  const whole = <u32>(length / blockBytes)
  const rest = length % blockBytes
  const from = at + (length - rest)
  v128.store(end, v128.load(from))
  v128.store(end, v128.load(from, 16), 16)
  v128.store(end, v128.load(from, 32), 32)
  v128.store(end, v128.load(from, 48), 48)
  const zero = i32x4.splat(0)
  const behind = end + rest
  v128.store(behind, zero)
  v128.store(behind, zero, 16)
  v128.store(behind, zero, 32)
  v128.store(behind, zero, 48)
  store<u8>(behind, 0x80)
  const count: u32 = rest < blockBytes - 8 ? 1 : 2
  store<u64>(end + blockBytes * count - 8, bswap<u64>(<u64>length * 8))
  if (whole) {
    store<u32>(my, <u32>at, pointer)
    store<u32>(my, whole, blocks)
    store<u32>(my, count, tailBlocks)
  } else {
    store<u32>(my, <u32>end, pointer)
    store<u32>(my, count, blocks)
    store<u32>(my, 0, tailBlocks)
  }
  store<u32>(my, <u32>out, output)
  resetLane(state, lane)
}

/** Moves a lane on by `done` blocks. Returns whether its message is finished. */
function advance(lane: usize, done: u32): u32 {
  const my = laneAt(lane)
  const left = load<u32>(my, blocks) - done
  if (left) {
    store<u32>(my, load<u32>(my, pointer) + done * <u32>blockBytes, pointer)
    store<u32>(my, left, blocks)
    return 0
  }
  const count = load<u32>(my, tailBlocks)
  if (count) {
    store<u32>(my, <u32>(my + tail), pointer)
    store<u32>(my, count, blocks)
    store<u32>(my, 0, tailBlocks)
    return 0
  }
  storeDigest(state, lane, load<u32>(my, output))
  return 1
}

function pointerOf(lane: usize): usize {
  return load<u32>(laneAt(lane), pointer)
}

/**
 * Runs the lanes named in the bits of `busy` until at least one message is finished or goes over
 * into its tail.
 */
function step(busy: u32): u32 {
  const any = <usize>ctz<u32>(busy)
  let count: u32 = u32.MAX_VALUE
  for (let lane: usize = 0; lane < 4; lane++) {
    if ((busy >> <u32>lane) & 1) count = min<u32>(count, load<u32>(laneAt(lane), blocks))
  }
  compress(
    state,
    pointerOf(busy & 1 ? 0 : any),
    pointerOf(busy & 2 ? 1 : any),
    pointerOf(busy & 4 ? 2 : any),
    pointerOf(busy & 8 ? 3 : any),
    count,
  )
  return count
}

/**
 * Leaf hashes of the records `[from, to)` of a list, but for those of `longMin` bytes or more; the
 * byte before a leaf is the 0x00 of its hash (RFC 6962 §2.1). Returns how many were left out.
 */
export function hashLeaves(leaves: usize, from: u32, to: u32, hashes: usize, longMin: u32): u32 {
  let next = from
  let busy: u32 = 0
  let long: u32 = 0
  for (;;) {
    for (let lane: u32 = 0; lane < 4; lane++) {
      if ((busy >> lane) & 1) continue
      while (next < to && load<u32>(leaves + 8 * next, 4) >= longMin) {
        next += 1
        long += 1
      }
      if (next >= to) break
      const leaf = leaves + 8 * next
      start(lane, load<u32>(leaf) - 1, load<u32>(leaf, 4) + 1, hashes + digestBytes * next)
      busy |= 1 << lane
      next += 1
    }
    if (!busy) return long
    const count = step(busy)
    for (let lane: u32 = 0; lane < 4; lane++) {
      if ((busy >> lane) & 1 && advance(lane, count)) busy &= ~(1 << lane)
    }
  }
  return 0
}

export function sha256(at: usize, end: usize, out: usize): void {
  start(0, at, end - at, out)
  while (!advance(0, step(1))) {}
}
