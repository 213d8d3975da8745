import { randomBytes } from "node:crypto"
import { proveSeveral } from "@postern/log/tlog"
import { expect, test } from "vitest"
import { openQuickFold } from "./quick-fold.ts"

test("proofs are those of the slow way, in trees of any size", async () => {
  const fold = openQuickFold()
  for (const size of [1, 2, 3, 255, 256, 257, 511, 600]) {
    const hashes = new Uint8Array(randomBytes(32 * size))
    const read = (level: number, from: number, to: number) => {
      if (level === 0) return hashes.subarray(32 * from, 32 * to)
      return new Uint8Array(32 * (to - from)).fill(from + 1)
    }
    for (const indexes of [[0], [size - 1], [0, size - 1], [Math.floor(size / 3)]]) {
      const distinct = [...new Set(indexes)]
      const [slow, quick] = [undefined, fold].map((way) => proveSeveral(distinct, size, read, way))
      expect(await quick).toEqual(await slow)
    }
  }
})
