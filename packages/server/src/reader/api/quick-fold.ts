import { createCore } from "@postern/log/core"
import type { FoldHashes } from "@postern/log/tlog"

const widthMax = 256
const hashBytes = 32

/** Folds the hashes of a tile with the core, which hashes four at a time: a proof of 100 scattered entries is 40,000 hashes. */
export function openQuickFold(): FoldHashes {
  const core = createCore({ memoryBytes: 262_144, leavesMax: widthMax })
  const levels = core.reserve(core.levelsBytes, 16)
  const frontier = core.reserve(64 * hashBytes, 16)
  return (hashes) => {
    const count = hashes.length / hashBytes
    core.memory.set(hashes, core.levelStart(levels, 0))
    core.grow(levels, count, 0, frontier)
    const top = core.levelStart(levels, Math.log2(count))
    return core.memory.slice(top, top + hashBytes)
  }
}
