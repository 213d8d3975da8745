import { concatBytes, sha256 } from "../../base/index.ts"
import type { Core } from "../api.ts"
import type { Layout } from "../layout.ts"

const hashBytes = 32
const nodePrefix = Uint8Array.of(1)

/**
 * The tree's part of the core: RFC 6962 §2.1 over levels regions and frontiers (docs/spec/log.md,
 * Tree).
 */
export function createTree(
  memory: Uint8Array,
  layout: Layout,
): Pick<Core, "grow" | "root" | "node"> {
  const hashAt = (at: number): Uint8Array => memory.subarray(at, at + hashBytes)
  const node = (left: number, right: number, out: number): void => {
    memory.set(sha256(concatBytes(nodePrefix, hashAt(left), hashAt(right))), out)
  }

  return {
    node,

    grow(levels, count, size, frontier) {
      const newSize = size + count
      for (let level = 0; ; level++) {
        const start = layout.levelStart(levels, level)
        const first = Math.floor(size / 2 ** level)
        const behind = Math.floor(newSize / 2 ** level)
        if (first === behind) return
        const place = (index: number): number => start + hashBytes * (index - first)
        // The peak that waited here is the left child of the first new parent: it goes into the
        // slot before the level.
        if (first % 2 === 1) memory.set(hashAt(frontier + hashBytes * level), place(first - 1))
        const parents = layout.levelStart(levels, level + 1)
        const firstParent = Math.floor(first / 2)
        for (let parent = firstParent; 2 * parent + 1 < behind; parent++) {
          const out = parents + hashBytes * (parent - firstParent)
          node(place(2 * parent), place(2 * parent + 1), out)
        }
        if (behind % 2 === 1) memory.set(hashAt(place(behind - 1)), frontier + hashBytes * level)
      }
    },

    root(frontier, size, out) {
      if (size === 0) return memory.set(sha256(new Uint8Array(0)), out)
      let root: Uint8Array | undefined
      for (let level = 0; 2 ** level <= size; level++) {
        if (Math.floor(size / 2 ** level) % 2 === 0) continue
        const peak = hashAt(frontier + hashBytes * level)
        root = root === undefined ? peak : sha256(concatBytes(nodePrefix, peak, root))
      }
      if (root !== undefined) memory.set(root, out)
    },
  }
}
