import { describe, expect, test } from "vitest"
import { concatBytes, equalBytes, formatHex, isPosternError, PosternError } from "../base/index.ts"
import { leaves, node, spoiled, treeOf } from "./definition.test.support.ts"
import {
  checkConsistency,
  checkInclusion,
  consistencyProof,
  emptyRoot,
  inclusionProof,
  type ReadHashes,
  treeRoot,
} from "./index.ts"

const long = process.env.LONG === "1"
const timeout = long ? 180_000 : 30_000
const all = leaves(301)
const tree = treeOf(all)

describe("every tree up to 300 entries", () => {
  test("has the root of the definition", async () => {
    for (let n = 0; n <= 300; n++) {
      expect(formatHex(await treeRoot(n, tree.read(n)))).toBe(formatHex(tree.root(n)))
    }
  })

  test("has the inclusion proofs of the definition, and they check", { timeout }, async () => {
    for (let n = 1; n <= 300; n++) {
      const read = tree.read(n)
      for (let i = 0; i < n; i++) {
        const proof = tree.inclusion(i, n)
        checkInclusion(i, n, all[i] as Uint8Array, proof, tree.root(n))
        // Proving hashes most of a tile each time: of the larger trees an eleventh must do, another
        // one in each.
        if (n > 100 && !long && (i + n) % 11 > 0) continue
        const proven = await inclusionProof(i, n, read)
        if (!sameHashes(proven, proof)) throw new Error(`entry ${i} of ${n}`)
      }
    }
  })

  test("has the consistency proofs of the definition, and they check", { timeout }, async () => {
    const max = long ? 300 : 150
    for (let n = 0; n <= max; n++) {
      const read = tree.read(n)
      for (let m = 0; m <= n; m++) {
        const proof = await consistencyProof(m, n, read)
        if (!sameHashes(proof, tree.consistency(m, n))) throw new Error(`${m} to ${n}`)
        checkConsistency(m, n, proof, tree.root(m), tree.root(n))
      }
    }
  })
})

describe("a spoiled inclusion proof is refused:", () => {
  test.each([
    [1, 0],
    [2, 1],
    [7, 6],
    [8, 3],
    [13, 8],
    [33, 32],
    [300, 77],
  ])("size %i, entry %i", (n, i) => {
    const leaf = all[i] as Uint8Array
    const proof = tree.inclusion(i, n)
    const root = tree.root(n)
    for (const [what, bad] of spoiled(proof)) {
      refused(what, () => checkInclusion(i, n, leaf, bad, root))
    }
    const other = tree.root(n + 1)
    refused("other root", () => checkInclusion(i, n, leaf, proof, other))
    refused("short root", () => checkInclusion(i, n, leaf, proof, root.subarray(1)))
    refused("leaf as root", () => checkInclusion(i, n, root, proof, leaf), n > 1)
    refused("short leaf", () => checkInclusion(i, n, leaf.subarray(1), proof, root))
    refused("other leaf", () => checkInclusion(i, n, all[i + 1] as Uint8Array, proof, root))
    refused("index + 1", () => checkInclusion(i + 1, n, leaf, proof, root))
    refused("index - 1", () => checkInclusion(i - 1, n, leaf, proof, root))
    for (const size of [-1, 0, i, 2 ** 53, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      refused(`size ${size}`, () => checkInclusion(i, size, leaf, proof, root))
    }
    for (const index of [-1, n, 2 ** 53, i + 0.5, Number.NaN]) {
      refused(`index ${index}`, () => checkInclusion(index, n, leaf, proof, root))
    }
  })

  test("a proof for another size is refused wherever the shape of the tree differs", () => {
    for (let n = 1; n <= 64; n++) {
      for (let i = 0; i < n; i++) {
        const proof = tree.inclusion(i, n)
        for (const size of [n - 1, n + 1]) {
          // The real root of the other size: nothing but the proof can be wrong.
          const check = () => checkInclusion(i, size, all[i] as Uint8Array, proof, tree.root(size))
          refused(`entry ${i}, size ${n} said to be ${size}`, check)
        }
      }
    }
  })
})

describe("a spoiled consistency proof is refused:", () => {
  test.each([
    [1, 2],
    [1, 8],
    [3, 7],
    [4, 7],
    [6, 8],
    [64, 65],
    [65, 129],
    [128, 300],
    [255, 256],
  ])("%i to %i", (m, n) => {
    const proof = tree.consistency(m, n)
    const [old, now] = [tree.root(m), tree.root(n)]
    checkConsistency(m, n, proof, old, now)
    for (const [what, bad] of spoiled(proof)) {
      refused(what, () => checkConsistency(m, n, bad, old, now))
    }
    refused("roots swapped", () => checkConsistency(m, n, proof, now, old))
    refused("sizes swapped", () => checkConsistency(n, m, proof, old, now))
    refused("no proof", () => checkConsistency(m, n, [], old, now))
    refused("old root twice", () => checkConsistency(m, n, proof, old, old))
    refused("new root twice", () => checkConsistency(m, n, proof, now, now))
    refused("short root", () => checkConsistency(m, n, proof, old.subarray(1), now))
    refused("long root", () => checkConsistency(m, n, proof, old, concatBytes(now, old)))
    for (const size of [-1, 0, n, 2 ** 53, m + 0.5, Number.NaN]) {
      refused(`old size ${size}`, () => checkConsistency(size, n, proof, old, now))
    }
    for (const size of [-1, 0, m, 2 ** 53, n + 0.5, Number.NaN]) {
      refused(`new size ${size}`, () => checkConsistency(m, size, proof, old, now))
    }
  })

  test("sizes one off are refused against the real roots of those sizes", () => {
    for (let n = 3; n <= 40; n++) {
      for (let m = 2; m < n; m++) {
        const proof = tree.consistency(m, n)
        const [old, now] = [tree.root(m), tree.root(n)]
        for (const size of [n - 1, n + 1]) {
          const check = () => checkConsistency(m, size, proof, old, tree.root(size))
          refused(`${m} to ${n} said to be ${size}`, check)
        }
        for (const size of [m - 1, m + 1]) {
          const check = () => checkConsistency(size, n, proof, tree.root(size), now)
          refused(`${m} said to be ${size}, to ${n}`, check)
        }
      }
    }
  })
})

test("a proof in a larger tree is refused, though its hashes lead to that tree's roots", () => {
  const [left, right] = [all[0] as Uint8Array, all[1] as Uint8Array]
  checkInclusion(1, 2, right, [left], tree.root(2))
  refused("inclusion", () => checkInclusion(0, 1, right, [left], tree.root(2)))
  const upper = treeOf(all.slice(4, 8))
  const proof = [...upper.consistency(3, 4), tree.root(4)]
  checkConsistency(7, 8, proof, tree.root(7), tree.root(8))
  refused("consistency", () => checkConsistency(3, 4, proof, tree.root(7), tree.root(8)))
})

test("the empty tree begins every tree, by its own root and without a proof", () => {
  checkConsistency(0, 5, [], emptyRoot, tree.root(5))
  checkConsistency(0, 0, [], emptyRoot, emptyRoot)
  refused("other root", () => checkConsistency(0, 5, [], tree.root(5), tree.root(5)))
  refused("a proof", () => checkConsistency(0, 5, [tree.root(5)], emptyRoot, tree.root(5)))
  refused("two empty roots", () => checkConsistency(0, 0, [], tree.root(1), tree.root(1)))
})

test("one size with two roots is refused", () => {
  checkConsistency(5, 5, [], tree.root(5), tree.root(5))
  refused("fork", () => checkConsistency(5, 5, [], tree.root(5), tree.root(6)))
})

test("sizes beyond 32 bits prove and check", async () => {
  for (const size of [2 ** 32 + 1, 2 ** 40 - 1, 2 ** 53 - 1, 3 * 2 ** 45 + 12_345]) {
    for (const index of [0, 255, 2 ** 31, 2 ** 32 - 1, 2 ** 32, Math.floor(size / 3), size - 1]) {
      const sparse = sparseTree(index)
      const root = sparse.root(0, size)
      expect(equalBytes(await treeRoot(size, sparse.read), root)).toBe(true)
      const proof = await inclusionProof(index, size, sparse.read)
      checkInclusion(index, size, sparse.special, proof, root)
      for (const [what, bad] of spoiled(proof)) {
        if (what.endsWith("swapped")) continue // Two subtrees may well be equal here.
        refused(what, () => checkInclusion(index, size, sparse.special, bad, root))
      }
      refused("index + 2^32", () =>
        checkInclusion(index + 2 ** 32, size, sparse.special, proof, root),
      )
      for (const m of [1, index + 1, size - 1]) {
        const consistency = await consistencyProof(m, size, sparse.read)
        checkConsistency(m, size, consistency, sparse.root(0, m), root)
      }
    }
  }
})

test("each tile is read once, and no more than is needed of it", async () => {
  const size = 2 ** 40 + 77_777
  const sparse = sparseTree(12_345)
  const seen: string[] = []
  const read: ReadHashes = (level, from, to) => {
    seen.push(`${level}/${Math.floor(from / 256)}`)
    expect(to - from).toBeLessThanOrEqual(256)
    return sparse.read(level, from, to)
  }
  await inclusionProof(12_345, size, read)
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen.length).toBeLessThan(12)
})

test("what is beyond the tree is NOT_FOUND, and nothing is read", async () => {
  const read: ReadHashes = () => {
    throw new Error("read")
  }
  const cases = [
    inclusionProof(5, 5, read),
    inclusionProof(-1, 5, read),
    inclusionProof(0, 0, read),
    inclusionProof(0.5, 5, read),
    inclusionProof(0, 2 ** 53, read),
    consistencyProof(6, 5, read),
    consistencyProof(-1, 5, read),
    consistencyProof(1, Number.NaN, read),
    treeRoot(-1, read),
    treeRoot(2 ** 53, read),
  ]
  for (const outcome of await Promise.allSettled(cases)) {
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "NOT_FOUND" } })
  }
})

test("a read of the wrong length is LOG_DAMAGED, an error of the read comes through", async () => {
  const short: ReadHashes = (_, from, to) => new Uint8Array(32 * (to - from) - 1)
  await expect(treeRoot(5, short)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
  const failing: ReadHashes = () => Promise.reject(new PosternError("DISK_FAILED"))
  await expect(treeRoot(5, failing)).rejects.toMatchObject({ code: "DISK_FAILED" })
})

function sameHashes(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((hash, i) => equalBytes(hash, b[i] as Uint8Array))
}

function refused(what: string, check: () => void, expected = true): void {
  if (!expected) return
  try {
    check()
  } catch (error) {
    if (isPosternError(error) && error.code === "PROOF_INVALID") return
    throw error
  }
  throw new Error(`accepted: ${what}`)
}

/**
 * A tree of any size in which all leaves are equal but one, so that every subtree can be computed
 * at once.
 */
function sparseTree(index: number) {
  const [plain, special] = leaves(2) as [Uint8Array, Uint8Array]
  const full = [plain]
  for (let k = 1; k <= 53; k++)
    full.push(node(full[k - 1] as Uint8Array, full[k - 1] as Uint8Array))
  const fullNode = (k: number, i: number): Uint8Array => {
    if (Math.floor(index / 2 ** k) !== i) return full[k] as Uint8Array
    if (k === 0) return special
    return node(fullNode(k - 1, 2 * i), fullNode(k - 1, 2 * i + 1))
  }
  const root = (from: number, to: number): Uint8Array => {
    const k = Math.floor(Math.log2(to - from) + 1e-12)
    const width = 2 ** k > to - from ? 2 ** (k - 1) : 2 ** k
    const left = fullNode(Math.log2(width), from / width)
    return from + width === to ? left : node(left, root(from + width, to))
  }
  const read: ReadHashes = (level, from, to) => {
    const row: Uint8Array[] = []
    for (let i = from; i < to; i++) row.push(fullNode(8 * level, i))
    return concatBytes(...row)
  }
  return { special, root, read }
}
