import { assert, equalBytes } from "../base/index.ts"
import { demandProof } from "./demand.ts"
import { hashAt, hashBytes, nodeHash } from "./hash.ts"
import {
  type FoldHashes,
  type ReadHashes,
  type Subtree,
  splitPoint,
  subtreeHashes,
} from "./subtree.ts"

/** About twenty tiles for entries that lie far from each other. */
const subtreesAtOnce = 256

/**
 * Proves several entries at once, for checkSeveral: walking the tree of `size` from its root, left
 * before right, the hash of each largest subtree that holds none of them. For one entry these are
 * the hashes of its audit path; for neighbours it costs little more than for one.
 * @param indexes distinct, ascending, all below `size`; at least one
 * @param fold for whoever has a quicker way to hash: of entries that lie far from each other, each costs a tile
 * @throws PosternError LOG_DAMAGED if `read` gives the wrong number of bytes
 */
export async function proveSeveral(
  indexes: readonly number[],
  size: number,
  read: ReadHashes,
  fold?: FoldHashes,
): Promise<Uint8Array[]> {
  assert(indexes.length > 0, "there is something to prove")
  assert((indexes.at(-1) ?? size) < size, "only entries of the tree are proven")
  const subtrees: Subtree[] = []
  collectOthers(indexes, 0, indexes.length, { from: 0, to: size }, subtrees)
  const path: Uint8Array[] = []
  // Not all at once: a long path does not crowd out others who read, and holds few tiles at a time.
  for (let at = 0; at < subtrees.length; at += subtreesAtOnce) {
    path.push(...(await subtreeHashes(subtrees.slice(at, at + subtreesAtOnce), read, fold)))
  }
  return path
}

/** `indexes[low, high)` are those that lie in `tree`. */
function collectOthers(
  indexes: readonly number[],
  low: number,
  high: number,
  tree: Subtree,
  others: Subtree[],
): void {
  const { from, to } = tree
  if (low === high) {
    others.push(tree)
    return
  }
  if (high - low === to - from) return
  const middle = from + splitPoint(to - from)
  const between = firstFrom(indexes, low, high, middle)
  collectOthers(indexes, low, between, { from, to: middle }, others)
  collectOthers(indexes, between, high, { from: middle, to }, others)
}

/** Where the first of `indexes[low, high)` stands that is not below `middle`. */
function firstFrom(indexes: readonly number[], low: number, high: number, middle: number): number {
  let from = low
  let to = high
  while (from < to) {
    const half = Math.floor((from + to) / 2)
    if ((indexes[half] as number) < middle) from = half + 1
    else to = half
  }
  return from
}

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
    const middle = from + splitPoint(to - from)
    const between = firstFrom(indexes, low, high, middle)
    const left = walk(from, middle, low, between)
    return nodeHash(left, walk(middle, to, between, high))
  }
  const found = walk(0, size, 0, indexes.length)
  demandProof(used === path.length, `a path of ${path.length} hashes is too long`)
  demandProof(equalBytes(found, root), `the entries are not in the tree of ${size} with this root`)
}
