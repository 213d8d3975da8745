import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { concatBytes, encodeUtf8 } from "../base/index.ts"
import { leafHash, nodeHash } from "./hash.ts"
import { treeRoot } from "./prove.ts"
import { checkSeveral, proveSeveral } from "./several.ts"
import type { ReadHashes } from "./subtree.ts"

const leaves = Array.from({ length: 70 }, (_, i) => leafHash(Uint8Array.of(i)))

function subtree(from: number, to: number): Uint8Array {
  if (to - from === 1) return leaves[from] as Uint8Array
  const middle = from + split(to - from)
  return nodeHash(subtree(from, middle), subtree(middle, to))
}

function split(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

function pathOf(indexes: readonly number[], from: number, to: number): Uint8Array[] {
  const inside = indexes.filter((i) => i >= from && i < to)
  if (inside.length === 0) return [subtree(from, to)]
  if (to - from === 1) return []
  const middle = from + split(to - from)
  return [...pathOf(inside, from, middle), ...pathOf(inside, middle, to)]
}

function hashesOf(indexes: readonly number[]): Uint8Array {
  return new Uint8Array(indexes.flatMap((i) => [...(leaves[i] as Uint8Array)]))
}

function steps(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

function fold(hashes: readonly Uint8Array[], from: number, width: number): Uint8Array {
  if (width === 1) return hashes[from] as Uint8Array
  return nodeHash(fold(hashes, from, width / 2), fold(hashes, from + width / 2, width / 2))
}

const cases = fc.integer({ min: 1, max: 70 }).chain((size) => {
  const some = fc.uniqueArray(fc.nat({ max: size - 1 }), { minLength: 1 })
  return fc.tuple(
    fc.constant(size),
    some.map((indexes) => indexes.sort((a, b) => a - b)),
  )
})

describe("checkSeveral", () => {
  test("accepts what the definition gives, for any entries of any tree", () => {
    fc.assert(
      fc.property(cases, ([size, indexes]) => {
        checkSeveral(indexes, hashesOf(indexes), size, pathOf(indexes, 0, size), subtree(0, size))
      }),
    )
  })

  test("accepts what proveSeveral gives, across the borders of tiles", async () => {
    const many = Array.from({ length: 700 }, (_, i) => leafHash(encodeUtf8(`leaf ${i}`)))
    const read: ReadHashes = (level, from, to) => {
      const unit = 256 ** level
      const nodes = Array.from({ length: to - from }, (_, i) => fold(many, (from + i) * unit, unit))
      return concatBytes(...nodes)
    }
    const sets = fc.uniqueArray(fc.nat({ max: 699 }), { minLength: 1, maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 700 }), sets, async (size, set) => {
        const indexes = set.filter((i) => i < size).sort((a, b) => a - b)
        if (indexes.length === 0) return
        const own = concatBytes(...indexes.map((i) => many[i] as Uint8Array))
        const path = await proveSeveral(indexes, size, read)
        checkSeveral(indexes, own, size, path, await treeRoot(size, read))
      }),
      { numRuns: 50 },
    )
  })

  test("neighbours cost little more than one entry, and the whole tree nothing", async () => {
    const read: ReadHashes = (_, from, to) => hashesOf(steps(from, to))
    const one = (await proveSeveral([30], 70, read)).length
    expect((await proveSeveral(steps(30, 60), 70, read)).length).toBeLessThan(2 * one)
    expect(await proveSeveral(steps(0, 70), 70, read)).toEqual([])
  })

  test("refuses every changed, missing or added hash, another size, another leaf", () => {
    fc.assert(
      fc.property(cases, fc.nat(), ([size, indexes], seed) => {
        const path = pathOf(indexes, 0, size)
        const root = subtree(0, size)
        const refuse = (i: readonly number[], l: Uint8Array, n: number, p: readonly Uint8Array[]) =>
          expect(() => checkSeveral(i, l, n, p, root)).toThrow(
            expect.objectContaining({ code: "PROOF_INVALID" }),
          )
        const hashes = hashesOf(indexes)
        refuse(indexes, hashes, size, [...path, root])
        const changed = hashes.slice()
        changed[seed % changed.length] = (changed[seed % changed.length] as number) + 1
        refuse(indexes, changed, size, path)
        if (path.length === 0) return
        refuse(indexes, hashes, size, path.slice(1))
        const flipped = path.map((hash) => hash.slice())
        const one = flipped[seed % flipped.length] as Uint8Array
        one[seed % 32] = (one[seed % 32] as number) + 128
        refuse(indexes, hashes, size, flipped)
        refuse(indexes, hashes, size, [...path.slice(0, -1), new Uint8Array(31)])
      }),
    )
  })

  test("refuses entries that do not lie in the tree", () => {
    const refused = expect.objectContaining({ code: "PROOF_INVALID" })
    expect(() => checkSeveral([3], hashesOf([3]), 3, [], subtree(0, 3))).toThrow(refused)
    expect(() => checkSeveral([], new Uint8Array(0), 3, [], subtree(0, 3))).toThrow(refused)
    expect(() => checkSeveral([1, 1], hashesOf([1, 1]), 3, [], subtree(0, 3))).toThrow(refused)
  })
})
