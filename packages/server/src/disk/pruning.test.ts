import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { encodeUtf8 } from "@postern/log/base"
import { afterEach, describe, expect, test, vi } from "vitest"
import type { FileSystem } from "./file-system.ts"
import { followLog } from "./follower.ts"
import { listSegments, segmentPath } from "./log-directory.ts"
import { LogStore } from "./log-store.ts"
import { nodeFiles } from "./node-files.ts"
import { type Pruned, readPruned, writePruned } from "./pruned.ts"
import { readSegmentAges, rootBefore } from "./pruning.ts"
import { findSlot } from "./slot-finder.ts"
import {
  commit,
  leafOf,
  NaiveLog,
  newDirectory,
  origin,
  removeDirectories,
  Seen,
} from "./slots.test.support.ts"

afterEach(removeDirectories)
afterEach(() => vi.useRealTimers())

const bytesMax = 1 << 20

function open(path: string, files?: FileSystem): Promise<LogStore> {
  return LogStore.open(path, origin, new Seen(), bytesMax, files)
}

/** Three segments: entries [0, 300), [300, 600), [600, 610). */
async function writeSegments(path: string) {
  const log = new NaiveLog()
  const store = await open(path)
  for (const counts of [[290, 10], [300], [10]]) {
    const { size: first, previous } = log
    const slot = log.plans.length
    if (first > 0) {
      const frontier = log.frontier()
      await store.roll({ first, generation: 1, slot, previous, frontier, state: [] })
    }
    await commit(store, log.slots(counts))
  }
  return { log, store }
}

function prunedTo(log: NaiveLog, minimum: number): Pruned {
  const kept = [0, 7].map((index) => ({ index, leaf: leafOf(index) }))
  return { minimum, root: log.root(minimum), entry: 605, kept }
}

async function expectBegins(path: string, log: NaiveLog, minimum: number): Promise<void> {
  const view = await followLog(path)
  expect(view.head().minimum).toBe(minimum)
  const leaves = await view.leaves(minimum, log.size)
  expect(leaves.map((leaf) => Buffer.from(leaf))).toEqual(
    log.leaves.slice(minimum).map((leaf) => Buffer.from(leaf)),
  )
  const hashes = await view.hashes(0, 0, log.size)
  expect(Buffer.from(hashes)).toEqual(Buffer.concat(log.hashes))
  await view.close()
}

describe("a pruned log", () => {
  test("has no file of the entries that went, and goes on", async () => {
    const path = newDirectory()
    const { log, store } = await writeSegments(path)
    await store.prune(prunedTo(log, 300))
    expect(store.minimum).toBe(300)
    expect(existsSync(segmentPath(path, 0, "seg"))).toBe(false)
    expect(
      readdirSync(join(path, "segments")).every((name) => Number(name.slice(0, 16)) >= 300),
    ).toBe(true)
    await commit(store, log.slots([3]))
    await expectBegins(path, log, 300)
    await store.close()
    const again = await open(path)
    expect(again.minimum).toBe(300)
    expect(again.end).toMatchObject({ size: 613, root: log.root() })
    await commit(again, log.slots([3]))
    await expectBegins(path, log, 300)
    await again.prune(prunedTo(log, 600))
    await expectBegins(path, log, 600)
    await again.close()
  })

  test("gives what was kept, and says of the rest that it went", async () => {
    const path = newDirectory()
    const { log, store } = await writeSegments(path)
    const view = await followLog(path)
    expect(await view.leaves(5, 6)).toHaveLength(1)
    await store.prune(prunedTo(log, 300))
    await expect.poll(() => view.head().minimum, { timeout: 10_000 }).toBe(300)
    const gone = { code: "ENTRY_PRUNED" }
    await expect(view.leaves(5, 6)).rejects.toMatchObject(gone)
    await expect(view.leaves(299, 301)).rejects.toMatchObject(gone)
    await expect(view.leaves(0, 2)).rejects.toMatchObject(gone)
    await expect(findSlot(path, 299)).rejects.toMatchObject(gone)
    expect(await view.leaves(7, 8)).toEqual([leafOf(7)])
    expect(await view.leaves(300, 301)).toEqual([Buffer.from(leafOf(300))])
    expect(await view.leaves(4, 4)).toEqual([])
    await view.close()
    await store.close()
  })

  test("is told of to followers also where they have not heard of it", async () => {
    const path = newDirectory()
    const { log, store } = await writeSegments(path)
    // The follower looks at the head when it is asked to only.
    const files = { ...nodeFiles, watch: () => ({ close: () => undefined }) }
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] })
    const [one, other] = [await followLog(path, files), await followLog(path, files)]
    await store.prune(prunedTo(log, 300))
    await expect(one.leaves(20, 21)).rejects.toMatchObject({ code: "ENTRY_PRUNED" })
    expect(await other.leaves(7, 8)).toEqual([leafOf(7)])
    for (const view of [one, other]) await view.close()
    await store.close()
  })

  test("ends its open segment when it is asked to", async () => {
    const path = newDirectory()
    const { log, store } = await writeSegments(path)
    expect(store.fits(4096)).toBe(true)
    store.endSegment()
    expect(store.fits(4096)).toBe(false)
    const { size: first, previous } = log
    const slot = log.plans.length
    const start = { first, generation: 1, slot, previous, frontier: log.frontier(), state: [] }
    await store.roll(start)
    expect(store.fits(4096)).toBe(true)
    await commit(store, log.slots([1]))
    const ages = await readSegmentAges(path)
    expect(ages.map(({ first, end, began }) => [first, end, began])).toEqual([
      [0, 300, 1000],
      [300, 600, 1002],
      [600, 610, 1003],
      [610, undefined, 1004],
    ])
    expect(await rootBefore(path, 600)).toEqual(log.root(600))
    await store.close()
  })
})

/** The machine's disk for a process that is killed at its n-th call that changes something. */
function killedAt(operation: number): FileSystem & { readonly counted: () => number } {
  let count = 0
  const step = (): void => {
    count += 1
    if (count >= operation) throw Object.assign(new Error("killed"), { code: "KILLED" })
  }
  return {
    ...nodeFiles,
    counted: () => count,
    async open(path, opening) {
      if (opening.access === "replace") step()
      return nodeFiles.open(path, opening)
    },
    async rename(from, to) {
      step()
      await nodeFiles.rename(from, to)
    },
    async remove(path) {
      step()
      await nodeFiles.remove(path)
    },
    async syncDirectory(path) {
      step()
      await nodeFiles.syncDirectory(path)
    },
  }
}

describe("a port that is killed while it prunes", () => {
  test("leaves the log as before or as after, at each step", async () => {
    const outcomes: number[] = []
    for (let at = 1; ; at++) {
      const path = newDirectory()
      const { log, store } = await writeSegments(path)
      await store.close()
      const counting = killedAt(Number.POSITIVE_INFINITY)
      const dying = await open(path, counting)
      const begun = counting.counted()
      const killed = killedAt(begun + at)
      await dying.close()
      const last = await open(path, killed)
      const done = await last.prune(prunedTo(log, 600)).then(
        () => true,
        () => false,
      )
      await last.close()
      const again = await open(path)
      outcomes.push(again.minimum)
      expect([0, 600]).toContain(again.minimum)
      expect(await listSegments(path)).toEqual(again.minimum === 0 ? [0, 300, 600] : [600])
      expect(readdirSync(join(path, "segments"))).toHaveLength(again.minimum === 0 ? 9 : 3)
      await commit(again, log.slots([2]))
      await expectBegins(path, log, again.minimum)
      await again.close()
      if (done) break
    }
    expect(outcomes.slice(0, 2)).toEqual([0, 0])
    expect(outcomes.at(-1)).toBe(600)
    expect(outcomes.length).toBeGreaterThan(9)
  })
})

describe("the file pruned", () => {
  test("is read as it was written, and any other byte is noticed", async () => {
    const path = newDirectory()
    const { log, store } = await writeSegments(path)
    await store.prune(prunedTo(log, 300))
    expect(await readPruned(path)).toEqual(prunedTo(log, 300))
    await store.close()
    const file = join(path, "pruned")
    const good = readFileSync(file, "utf8")
    for (const bad of [good.replace("300", "301"), "", "{}", good.slice(0, -2), `${good}x`]) {
      writeFileSync(file, bad)
      await expect(open(path), bad.slice(0, 20)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
    }
  })

  test("names a minimum where a segment begins, or nothing is removed", async () => {
    const path = newDirectory()
    const { log, store } = await writeSegments(path)
    await store.close()
    const leaf = encodeUtf8("kept")
    await writePruned(path, { ...prunedTo(log, 301), kept: [{ index: 0, leaf }] })
    await expect(open(path)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
    expect(await listSegments(path)).toEqual([0, 300, 600])
  })
})
