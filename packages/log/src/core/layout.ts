import { assert } from "../base/index.ts"
import type { CoreOptions } from "./api.ts"

/** Readable bytes behind every region: the scanner reads ahead in steps of 64. */
const behindBytes = 128
const nodeBytes = 32
/** Sizes are below 2^53, so a full node stands on level 53 at most. */
const levelsMax = 54

/** Who stands where in the fixed memory; the same for both implementations. */
export interface Layout {
  reserve(bytes: number, align?: number): number
  levelStart(levels: number, level: number): number
  readonly levelsBytes: number
}

/** @param firstFree where regions may begin: what stands before belongs to the implementation. */
export function createLayout(options: CoreOptions, firstFree: number): Layout {
  const { memoryBytes, leavesMax } = options
  assert(memoryBytes % 65_536 === 0 && memoryBytes >= 65_536, "memory comes in pages of 64 KiB")
  assert(Number.isInteger(leavesMax) && leavesMax > 0, "leavesMax is a positive integer")
  const starts = levelStarts(leavesMax)
  const levelsBytes = starts[levelsMax] ?? 0
  let free = firstFree

  return {
    levelsBytes,
    reserve(bytes, align = 64) {
      assert(align > 0 && (align & (align - 1)) === 0, "align is a power of two")
      const at = Math.ceil(free / align) * align
      assert(at + bytes + behindBytes <= memoryBytes, "the core's memory holds all its regions")
      free = at + bytes + behindBytes
      return at
    },
    levelStart(levels, level) {
      return levels + (starts[level] ?? 0)
    },
  }
}

/**
 * Offsets of the levels in a levels region. In front of each level is one slot for the peak that
 * waits there, so that the two children of a node always stand side by side. A level k gains at
 * most floor(leavesMax / 2^k) + 1 nodes.
 */
function levelStarts(leavesMax: number): readonly number[] {
  const starts: number[] = []
  let at = 2 * nodeBytes
  for (let level = 0; level <= levelsMax; level++) {
    starts.push(at)
    at += nodeBytes * (Math.floor(leavesMax / 2 ** level) + 2)
  }
  return starts
}
