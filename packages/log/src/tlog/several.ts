import { assert, equalBytes } from "../base/index.ts"
import { demandProof } from "./demand.ts"
import { hashAt, hashBytes, nodeHash } from "./hash.ts"

/**
 * Checks one path for several entries of a tree (docs/reference/read-api.md): walking the tree of `size` entries from its root (RFC
 * 6962 §2.1), left before right, the path holds the hash of each largest subtree with none of the entries in it. Each hash of
 * it is used exactly once. Size and path may come from an enemy, the root must come from a checkpoint that was opened.
 * @param indexes distinct, ascending · @param leafHashes theirs, 32 bytes each, concatenated
 * @throws PosternError PROOF_INVALID
 */
export function checkSeveral(
  indexes: readonly number[],
  leafHashes: Uint8Array,
  size: number,
  path: readonly Uint8Array[],
  root: Uint8Array,
): void {
  assert(leafHashes.length === indexes.length * hashBytes, "a leaf hash for each index")
  demandProof(Number.isSafeInteger(size) && indexes.length > 0, "a proof of nothing")
  const inside = (indexes[0] ?? -1) >= 0 && (indexes.at(-1) ?? size) < size
  const ascending = indexes.every((index, i) => i === 0 || index > (indexes[i - 1] ?? index))
  demandProof(inside && ascending, `the entries do not lie in a tree of ${size}`)
  demandProof(
    path.every((hash) => hash.length === hashBytes),
    "a path hash has not 32 bytes",
  )
  let used = 0
  /** Hash of the subtree `[from, to)`; `indexes[low, high)` are those that lie in it. */
  const walk = (from: number, to: number, low: number, high: number): Uint8Array => {
    if (low === high) {
      const hash = path[used]
      used += 1
      demandProof(hash !== undefined, `a path of ${path.length} hashes is too short`)
      return hash
    }
    if (to - from === 1) return hashAt(leafHashes, low)
    const middle = from + largestPowerBelow(to - from)
    let between = low
    while (between < high && (indexes[between] as number) < middle) between += 1
    const left = walk(from, middle, low, between)
    return nodeHash(left, walk(middle, to, between, high))
  }
  const found = walk(0, size, 0, indexes.length)
  demandProof(used === path.length, `a path of ${path.length} hashes is too long`)
  demandProof(equalBytes(found, root), `the entries are not in the tree of ${size} with this root`)
}

function largestPowerBelow(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}
