import { equalBytes } from "@postern/log/base"
import { type FileSystem, followLog } from "../../packages/server/dist/disk/index.js"
import type { Model } from "./model.ts"

/**
 * What a follower reads, against what was placed: entries from `size - entries` on, all hashes. Each difference in
 * words; none is what a sound disk gives.
 */
export async function compareFollower(
  path: string,
  files: FileSystem,
  model: Model,
  entries = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  const differences: string[] = []
  const view = await followLog(path, files)
  try {
    const { size, root } = view.head()
    if (size > model.promised) differences.push(`sees ${size} of ${model.promised} entries`)
    if (!equalBytes(root, model.root(size))) differences.push("is told another root")
    for (let at = Math.max(0, size - entries); at < size; ) {
      const leaves = await view.leaves(at, size, 2_000_000)
      for (const [i, leaf] of leaves.entries()) {
        if (!equalBytes(leaf, model.leaves[at + i] ?? new Uint8Array(0))) {
          differences.push(`reads another entry ${at + i}`)
        }
      }
      at += leaves.length
    }
    for (let level = 0; 256 ** level <= size; level++) {
      const count = Math.floor(size / 256 ** level)
      const found = await view.hashes(level, 0, count)
      if (!equalBytes(found, model.nodes(level, 0, count))) {
        differences.push(`reads other hashes of level ${level}`)
      }
    }
  } finally {
    await view.close()
  }
  return differences.map((difference) => `a follower ${difference}`)
}
