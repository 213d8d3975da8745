import { PosternError } from "../base/index.ts"
import { emptyRoot } from "./hash.ts"
import { type ReadHashes, type Subtree, splitPoint, subtreeHashes } from "./subtree.ts"

/**
 * Root of the tree of the first `size` entries (RFC 6962 §2.1). Reads at most one tile a tile
 * level.
 * @throws PosternError LOG_DAMAGED if `read` gives the wrong number of bytes
 */
export async function treeRoot(size: number, read: ReadHashes): Promise<Uint8Array> {
  requireRange(Number.isSafeInteger(size) && size >= 0, `no tree has ${size} entries`)
  if (size === 0) return emptyRoot
  const [root] = await subtreeHashes([{ from: 0, to: size }], read)
  return root as Uint8Array
}

/**
 * The audit path of entry `index` in the tree of `size` entries, nearest the leaf first (RFC 6962
 * §2.1.1).
 * @throws PosternError NOT_FOUND unless `0 <= index < size` · LOG_DAMAGED as treeRoot
 */
export async function inclusionProof(
  index: number,
  size: number,
  read: ReadHashes,
): Promise<Uint8Array[]> {
  const integers = Number.isSafeInteger(index) && Number.isSafeInteger(size)
  requireRange(integers && index >= 0 && index < size, `no entry ${index} in a tree of ${size}`)
  const siblings: Subtree[] = []
  let from = 0
  let to = size
  while (to - from > 1) {
    const middle = from + splitPoint(to - from)
    if (index < middle) {
      siblings.push({ from: middle, to })
      to = middle
    } else {
      siblings.push({ from, to: middle })
      from = middle
    }
  }
  return subtreeHashes(siblings.reverse(), read)
}

/**
 * The proof that the tree of `n` entries begins with the tree of `m` (RFC 6962 §2.1.2). It is empty
 * for m = 0, since every tree begins with the empty one, and for m = n.
 * @throws PosternError NOT_FOUND unless `0 <= m <= n` · LOG_DAMAGED as treeRoot
 */
export async function consistencyProof(
  m: number,
  n: number,
  read: ReadHashes,
): Promise<Uint8Array[]> {
  const integers = Number.isSafeInteger(m) && Number.isSafeInteger(n)
  requireRange(integers && m >= 0 && m <= n, `a tree of ${n} does not begin with one of ${m}`)
  if (m === 0 || m === n) return []
  const parts: Subtree[] = []
  let from = 0
  let to = n
  while (m < to) {
    const middle = from + splitPoint(to - from)
    if (m <= middle) {
      parts.push({ from: middle, to })
      to = middle
    } else {
      parts.push({ from, to: middle })
      from = middle
    }
  }
  // What is left ends where the old tree ends. If it is the whole old tree, the verifier knows its
  // hash.
  if (from > 0) parts.push({ from, to })
  return subtreeHashes(parts.reverse(), read)
}

function requireRange(inRange: boolean, detail: string): void {
  if (!inRange) throw new PosternError("NOT_FOUND", detail)
}
