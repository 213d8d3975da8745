import { formatBase64 } from "@postern/log/base"
import fc from "fast-check"
import { expect, test } from "vitest"
import { FakeLog, naiveRoot } from "./fake-log.test.support.ts"
import { rootOfSeveral } from "./several-path.test.support.ts"
import { proveSeveral } from "./several-path.ts"

const log = new FakeLog()
log.fill(700)

async function leadsToRoot(indexes: readonly number[], size: number): Promise<number> {
  const path = (await proveSeveral(log, indexes, size)).map(formatBase64)
  const own = new Map(indexes.map((index) => [index, log.leafHashes[index] as Uint8Array]))
  expect(rootOfSeveral(own, size, path)).toEqual(naiveRoot(log.leafHashes.slice(0, size)))
  return path.length
}

test("every set of entries of every tree up to 7 leads to its root", async () => {
  for (let size = 1; size <= 7; size++) {
    for (let mask = 1; mask < 2 ** size; mask++) {
      const indexes = Array.from({ length: size }, (_, i) => i).filter((i) => (mask >> i) & 1)
      await leadsToRoot(indexes, size)
    }
  }
})

test("sets of entries of trees across tile borders lead to their roots", async () => {
  const tree = fc
    .integer({ min: 1, max: 700 })
    .chain((size) =>
      fc.tuple(
        fc.constant(size),
        fc.uniqueArray(fc.integer({ min: 0, max: size - 1 }), { minLength: 1, maxLength: 40 }),
      ),
    )
  await fc.assert(
    fc.asyncProperty(tree, async ([size, indexes]) => {
      await leadsToRoot(
        indexes.toSorted((a, b) => a - b),
        size,
      )
    }),
    { numRuns: 60 },
  )
})

test("neighbours cost little more than one entry, and the whole tree nothing", async () => {
  const run = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
  const single = await leadsToRoot([300], 700)
  expect(await leadsToRoot(run(300, 400), 700)).toBeLessThan(2 * single)
  expect(await leadsToRoot(run(0, 700), 700)).toBe(0)
})
