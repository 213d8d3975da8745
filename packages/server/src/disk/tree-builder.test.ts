import { concatBytes, sha256 } from "@postern/log/base"
import { rangeRoot } from "@postern/log/tlog"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { leafOf, NaiveLog, noPeaks } from "./slots.test.support.ts"
import { TreeBuilder } from "./tree-builder.ts"

function recordsOf(leaves: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    ...leaves.map((leaf) => concatBytes(Uint8Array.of(leaf.length >> 8, leaf.length & 0xff), leaf)),
  )
}

describe("a tree that grows slot by slot", () => {
  test("has the roots, range roots, nodes and peaks of the definition", () => {
    const counts = fc.array(fc.oneof(fc.nat({ max: 20 }), fc.constantFrom(255, 256, 300)), {
      minLength: 1,
      maxLength: 7,
    })
    fc.assert(
      fc.property(counts, (of) => {
        const log = new NaiveLog()
        const tree = new TreeBuilder(0, noPeaks)
        for (const count of of) {
          const plan = log.slot(Array.from({ length: count }, (_, i) => leafOf(log.size + i)))
          const leaves = log.leaves.slice(plan.first)
          expect(tree.add(recordsOf(leaves))).toBe(count)
          expect(tree.size).toBe(log.size)
          expect(tree.root()).toEqual(log.root())
          const hashes = concatBytes(...log.hashes.slice(plan.first))
          if (count > 0) expect(tree.rangeRoot()).toEqual(rangeRoot(plan.first, hashes))
          for (const { level, from, hashes: nodes } of plan.nodes) {
            expect(tree.completed(level)).toEqual({ from, hashes: nodes })
          }
        }
      }),
      { numRuns: 20 },
    )
  })

  test("goes on from the peaks of another", () => {
    const log = new NaiveLog()
    log.slots([77])
    const tree = new TreeBuilder(77, log.frontier())
    expect(tree.root()).toEqual(log.root())
    log.slots([50])
    tree.add(recordsOf(log.leaves.slice(77)))
    expect(tree.root()).toEqual(log.root())
    tree.restart(0, noPeaks)
    tree.add(recordsOf(log.leaves))
    expect(tree.root()).toEqual(log.root())
  })

  test("refuses records whose lengths do not add up, and is as it was", () => {
    const tree = new TreeBuilder(0, noPeaks)
    const records = recordsOf([leafOf(0), leafOf(1)])
    for (const wrong of [records.subarray(0, -1), concatBytes(records, Uint8Array.of(0))]) {
      expect(tree.add(wrong)).toBeUndefined()
      expect(tree.size).toBe(0)
      expect(tree.root()).toEqual(sha256(new Uint8Array()))
    }
    expect(
      tree.add(recordsOf(Array.from({ length: 32_769 }, () => Uint8Array.of(1)))),
    ).toBeUndefined()
    expect(tree.add(records)).toBe(2)
  })
})
