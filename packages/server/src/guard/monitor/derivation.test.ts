import { concatBytes } from "@postern/log/base"
import { leafHash, openCheckpoint, rangeRoot } from "@postern/log/tlog"
import { describe, expect, test } from "vitest"
import { TileTree } from "../verify/index.ts"
import { entriesOf, type PublishedLog, publish } from "../verify/tiles.test.support.ts"
import { checkDerived, type DerivedTree, deriveTree } from "./derivation.ts"
import { key, TestPort } from "./port.test.support.ts"

const sizes = [0, 1, 2, 255, 256, 257, 300, 511, 512, 513, 700]

async function derive(log: PublishedLog, from?: DerivedTree, entries = true) {
  return deriveTree(log, from, await openCheckpoint(log.note, key.vkey), { entries })
}

describe("a tree that is derived as the log grows", () => {
  test("has the signed root at every size, from every earlier size", async () => {
    const logs = await Promise.all(sizes.map((size) => publish(entriesOf(size), key)))
    for (const [i, small] of logs.entries()) {
      const before = await derive(small)
      expect(before.faults, `size ${sizes[i]}`).toEqual([])
      for (const [j, large] of logs.entries()) {
        if (j < i) continue
        const after = await derive(large, before.derived)
        expect(after.faults, `from ${sizes[i]} to ${sizes[j]}`).toEqual([])
        expect(await checkDerived(after.derived as DerivedTree)).toBe(after.derived)
      }
    }
  })

  test("goes on with what is new only", async () => {
    const port = await TestPort.of(700)
    const { derived } = await derive(await publish(entriesOf(520), key))
    const to = await openCheckpoint(port.published.note, key.vkey)
    await deriveTree(port, derived, to, { entries: true })
    expect(port.asked.sort()).toEqual([
      "tile/0/002.p/188",
      "tile/1/000.p/2",
      "tile/entries/002.p/188",
    ])
  })

  test("is the same over three levels, in steps, from hashes alone", async () => {
    const port = await TestPort.of(65_536 + 300)
    port.entries = false
    const first = await openCheckpoint((await publish(entriesOf(65_536), key)).note, key.vkey)
    const { derived, saw } = await deriveTree(port, undefined, first, { entries: true })
    expect(saw).toBe("hashes")
    expect(derived?.frontier.map((hashes) => hashes.length / 32)).toEqual([0, 1])
    const to = await openCheckpoint(port.published.note, key.vkey)
    const after = await deriveTree(port, derived, to, { entries: false })
    expect(after.faults).toEqual([])
    expect(after.derived?.checkpoint.size).toBe(65_836)
  })

  test("is not that of another history behind it", async () => {
    const { derived } = await derive(await publish(entriesOf(300), key))
    const { faults } = await derive(await publish(entriesOf(700, 1), key), derived)
    expect(faults).toEqual(["tile 0/1 does not begin as it did before"])
    const whole = await derive(await publish(entriesOf(512), key))
    const later = await derive(await publish(entriesOf(700, 1), key), whole.derived)
    expect(later.faults.join()).toMatch(/tile 1\/0 is not what.*the tiles lead to the root/)
  })

  test.each<[string, (log: PublishedLog) => void, RegExp]>([
    ["an entry", (log) => flip(log, "tile/entries/001", 5000), /entry \d+ has not the leaf hash/],
    ["a tile", (log) => flip(log, "tile/0/001", 40), /entry 257 has not the leaf hash/],
    ["a tile above", (log) => flip(log, "tile/1/000.p/2", 3), /tile 1\/0 is not what/],
    ["a missing tile", (log) => log.files.delete("tile/0/001"), /no tile 0\/1 of 256/],
    ["a missing bundle", (log) => log.files.delete("tile/entries/001"), /no bundle 1 of 256/],
  ])("names %s", async (_what, damage, words) => {
    const log = await publish(entriesOf(700), key)
    damage(log)
    const { derived, faults } = await derive(log)
    expect(derived).toBeUndefined()
    expect(faults.join("; ")).toMatch(words)
  })

  test("whose hashes were changed is not believed", async () => {
    const { derived } = await derive(await publish(entriesOf(700), key))
    const good = derived as DerivedTree
    const other = good.rest.slice()
    other[0] = (other[0] as number) ^ 1
    expect(await checkDerived({ ...good, rest: other })).toBeUndefined()
    expect(await checkDerived({ ...good, frontier: [] })).toBeUndefined()
    expect(await checkDerived({ ...good, size: 256 })).toBeUndefined()
    expect(await checkDerived({ ...good, frontier: [...good.frontier, other] })).toBeUndefined()
    expect(await checkDerived({ ...good, rest: good.rest.subarray(32) })).toBeUndefined()
  })
})

describe("a tree that goes on", () => {
  test("from its frontier has the root of the whole", async () => {
    const tiles = 258
    const hashes = concatBytes(...entriesOf(tiles * 256).map(leafHash))
    for (const at of [0, 1, 2, 255, 256, 257, 258]) {
      const first = new TileTree()
      for (let i = 0; i < at; i++) first.push(hashes.subarray(i * 8192, (i + 1) * 8192))
      const tree = TileTree.resume(first.size, first.frontier()) as TileTree
      for (let i = at; i < tiles; i++) tree.push(hashes.subarray(i * 8192, (i + 1) * 8192))
      expect(await tree.root(), `${at} tiles`).toEqual(rangeRoot(0, hashes))
    }
  })

  test("does not from hashes that cannot be its own", () => {
    expect(TileTree.resume(100, [])).toBeUndefined()
    expect(TileTree.resume(256, [])).toBeUndefined()
    expect(TileTree.resume(256, [new Uint8Array(31)])).toBeUndefined()
    expect(TileTree.resume(-256, [])).toBeUndefined()
    expect(TileTree.resume(0, [new Uint8Array(0)])).toBeUndefined()
    expect(TileTree.resume(0, [])?.size).toBe(0)
  })
})

function flip(log: PublishedLog, path: string, at: number): void {
  const bytes = (log.files.get(path) as Uint8Array).slice()
  bytes[at] = (bytes[at] as number) ^ 1
  log.files.set(path, bytes)
}
