import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import { compressSealed } from "./compressed.test.support.ts"
import { followLog } from "./follower.ts"
import { segmentPath } from "./log-directory.ts"
import { listPlain, packSegment, storedBytes } from "./packing.ts"
import { readSegmentAges } from "./pruning.ts"
import { findSlot } from "./slot-finder.ts"
import {
  commit,
  leafOf,
  NaiveLog,
  newDirectory,
  openStore,
  origin,
  removeDirectories,
} from "./slots.test.support.ts"

afterEach(removeDirectories)

const bytesMax = 1 << 20

/** Three segments: entries [0, 300), [300, 600), [600, 610); the store stays open. */
async function writeSegments() {
  const path = newDirectory()
  const log = new NaiveLog()
  const store = await openStore(path, bytesMax)
  for (const counts of [[290, 10], [300], [10]]) {
    const { size: first, previous } = log
    const slot = log.plans.length
    const frontier = log.frontier()
    if (first > 0) await store.roll({ first, generation: 1, slot, previous, frontier, state: [] })
    await commit(store, log.slots(counts))
  }
  return { path, log, store }
}

async function expectAll(path: string, log: NaiveLog, from = 0): Promise<void> {
  const view = await followLog(path)
  const leaves = await view.leaves(from, log.size)
  expect(leaves.map((leaf) => Buffer.from(leaf))).toEqual(
    log.leaves.slice(from).map((leaf) => Buffer.from(leaf)),
  )
  await view.close()
}

const isThere = (path: string, first: number, kind: "seg" | "segz") =>
  existsSync(segmentPath(path, first, kind))

describe("a sealed segment", () => {
  test("is replaced by a smaller one, and every entry is read as before", async () => {
    const { path, log, store } = await writeSegments()
    expect(store.sealed).toBe(600)
    const before = readFileSync(segmentPath(path, 0, "seg"))
    const lengths = await packSegment(path, 0)
    expect(lengths.plain).toBe(before.length)
    expect(await store.adopt(0)).toBe(true)
    expect([isThere(path, 0, "seg"), isThere(path, 0, "segz")]).toEqual([false, true])
    expect(readFileSync(segmentPath(path, 0, "segz"))).toHaveLength(lengths.packed)
    expect(lengths.packed * 3).toBeLessThan(before.length)
    expect(await listPlain(path, store.sealed)).toEqual([300])
    await expectAll(path, log)
    expect((await findSlot(path, 295)).header.slot).toBe(1)
    await commit(store, log.slots([5]))
    await store.close()
    const again = await openStore(path, bytesMax)
    expect(again.end.size).toBe(615)
    await again.close()
    await expectAll(path, log)
  })

  test("that somebody has open is read on in the form in which it was opened", async () => {
    const { path, log, store } = await writeSegments()
    const view = await followLog(path)
    await view.leaves(0, 1)
    await packSegment(path, 0)
    await store.adopt(0)
    expect((await view.leaves(0, 300)).map((leaf) => Buffer.from(leaf))).toEqual(
      log.leaves.slice(0, 300).map((leaf) => Buffer.from(leaf)),
    )
    // The next segment is a reason to look again.
    const { size: first, previous } = log
    const slot = log.plans.length
    await store.roll({ first, generation: 1, slot, previous, frontier: log.frontier(), state: [] })
    await commit(store, log.slots([2]))
    await expect.poll(() => view.head().size, { timeout: 10_000 }).toBe(612)
    await view.leaves(611, 612)
    rmSync(segmentPath(path, 0, "segz"))
    await expect(view.leaves(5, 6)).rejects.toMatchObject({ code: "ENOENT" })
    await view.close()
    await store.close()
  })

  test("goes by rule in either form", async () => {
    const { path, log, store } = await writeSegments()
    await packSegment(path, 0)
    await store.adopt(0)
    const kept = [{ index: 0, leaf: leafOf(0) }]
    const [age] = await readSegmentAges(path)
    expect(age).toMatchObject({ first: 0, end: 300, began: 1000 })
    expect(age?.bytes).toBeLessThan(60_000)
    await store.prune({ minimum: 300, root: log.root(300), entry: 605, kept })
    expect(readdirSync(join(path, "segments")).filter((name) => /^0{16}/.test(name))).toEqual([])
    await expectAll(path, log, 300)
    await packSegment(path, 300)
    await store.close()
    // What nobody adopted is gone at the next start.
    await (await openStore(path, bytesMax)).close()
    expect(readdirSync(join(path, "segments")).filter((name) => name.includes(".new"))).toEqual([])
  })

  test("a damaged one is said to be, and its neighbours are read", async () => {
    const { path, log, store } = await writeSegments()
    await store.close()
    expect(await compressSealed(path, origin)).toEqual([0, 300])
    const file = segmentPath(path, 300, "segz")
    const bytes = readFileSync(file)
    bytes.fill(0, bytes.length - 40)
    bytes.fill(0, 200, 260)
    writeFileSync(file, bytes)
    const view = await followLog(path)
    expect(await view.leaves(0, 300)).toHaveLength(300)
    expect(await view.leaves(600, 610)).toHaveLength(10)
    await expect(view.leaves(310, 311)).rejects.toMatchObject({
      code: "LOG_DAMAGED",
      message: expect.stringContaining("0000000000000300.segz"),
    })
    await view.close()
    await expect(findSlot(path, 310)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
    // Its age is not known, and the log goes on.
    expect((await readSegmentAges(path))[1]).toMatchObject({ first: 300, end: 600 })
    await (await openStore(path, bytesMax)).close()
    expect(log.size).toBe(610)
  })
})

describe("what was made", () => {
  test("is not adopted if it is not whole, or of another length", async () => {
    const { path, log, store } = await writeSegments()
    await packSegment(path, 0)
    const beside = `${segmentPath(path, 0, "segz")}.new`
    const whole = readFileSync(beside)
    writeFileSync(beside, whole.subarray(0, whole.length - 1))
    await expect(store.adopt(0)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
    writeFileSync(beside, whole)
    writeFileSync(segmentPath(path, 0, "seg"), Buffer.alloc(4096), { flag: "a" })
    await expect(store.adopt(0)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
    expect(isThere(path, 0, "seg")).toBe(true)
    await expectAll(path, log)
    await store.close()
  })

  test("is not adopted for the open segment", async () => {
    const { path, log, store } = await writeSegments()
    await packSegment(path, 600)
    expect(await store.adopt(600)).toBe(false)
    expect(existsSync(`${segmentPath(path, 600, "segz")}.new`)).toBe(false)
    await store.close()
    await expectAll(path, log)
  })
})

test("a log that ends with a compressed segment has lost what was behind it", async () => {
  const { path, store } = await writeSegments()
  await store.close()
  await compressSealed(path, origin)
  for (const kind of ["start", "seg", "offsets"] as const) rmSync(segmentPath(path, 600, kind))
  await expect(openStore(path, bytesMax)).rejects.toMatchObject({
    code: "LOG_DAMAGED",
    message: expect.stringContaining("0000000000000300.segz"),
  })
  expect(isThere(path, 300, "seg")).toBe(false)
})

test("the length of a segment's file is that of the form that is there", async () => {
  const { path, store } = await writeSegments()
  const file = segmentPath(path, 0, "seg")
  const plain = await storedBytes(file)
  await packSegment(path, 0)
  await store.adopt(0)
  expect(await storedBytes(file)).toBeLessThan(plain)
  await store.close()
})
