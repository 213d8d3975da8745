import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { concatBytes } from "@postern/log/base"
import { afterEach, describe, expect, test } from "vitest"
import { followLog } from "./follower.ts"
import { encodeHead } from "./head-record.ts"
import { filePath, segmentPath } from "./log-directory.ts"
import type { LogStore } from "./log-store.ts"
import type { LogView } from "./log-view.ts"
import {
  commit,
  NaiveLog,
  newDirectory,
  openStore,
  removeDirectories,
  writeLog,
} from "./slots.test.support.ts"

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
  removeDirectories()
})

async function follow(path: string): Promise<LogView> {
  const view = await followLog(path)
  closing.push(() => view.close())
  return view
}

/** As a port: a roll where the next slot does not fit, the head after each slot. */
async function write(store: LogStore, log: NaiveLog, count: number): Promise<void> {
  const { size: first, previous } = log
  const slot = log.plans.length
  const frontier = log.frontier()
  const plans = log.slots([count])
  if (!store.fits(plans[0]?.bytes.length ?? 0)) {
    await store.roll({ first, generation: 1, slot, previous, frontier, state: [] })
  }
  await commit(store, plans)
}

/** Resolves when the follower knows of at least this many entries. */
function reaches(view: LogView, size: number): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (view.head().size >= size) resolve()
    }
    view.onHead(look)
    look()
  })
}

function bytes(leaves: readonly Uint8Array[]): string[] {
  return leaves.map((leaf) => Buffer.from(leaf).toString("hex"))
}

describe("a follower", () => {
  test("sees every entry and every hash as they were written, over all segments, as the log grows", async () => {
    const path = newDirectory()
    const log = new NaiveLog()
    const store = await openStore(path, 32_768)
    closing.push(() => store.close())
    await write(store, log, 3)
    const view = await follow(path)
    for (const count of [255, 1, 0, 256, 300, 7, 260]) {
      await write(store, log, count)
      await reaches(view, log.size)
      expect(view.head()).toMatchObject({ size: log.size, root: log.root(), minimum: 0 })
    }
    expect(view.head().segment).toBeGreaterThan(256)
    expect(bytes(await view.leaves(0, log.size))).toEqual(bytes(log.leaves))
    for (const [from, to] of [
      [0, 1],
      [255, 257],
      [511, 830],
      [log.size - 1, log.size],
      [9, 9],
    ] as const) {
      expect(bytes(await view.leaves(from, to))).toEqual(bytes(log.leaves.slice(from, to)))
    }
    expect(await view.hashes(0, 0, log.size)).toEqual(Buffer.concat(log.hashes))
    expect(await view.hashes(1, 1, 4)).toEqual(Buffer.concat([1, 2, 3].map((i) => log.node(8, i))))
  })

  test("never gets beyond the head, though slots stand behind it", async () => {
    const path = newDirectory()
    const log = new NaiveLog()
    const store = await openStore(path)
    closing.push(() => store.close())
    await commit(store, log.slots([300]))
    for (const plan of log.slots([300, 300])) await store.commit(plan)
    const view = await follow(path)
    expect(view.head().size).toBe(300)
    const notFound = { code: "NOT_FOUND" }
    expect(await view.leaves(0, 300)).toHaveLength(300)
    await expect(view.leaves(299, 301)).rejects.toMatchObject(notFound)
    await expect(view.leaves(300, 301)).rejects.toMatchObject(notFound)
    await expect(view.leaves(5, 4)).rejects.toMatchObject(notFound)
    await expect(view.leaves(-1, 4)).rejects.toMatchObject(notFound)
    await expect(view.hashes(0, 299, 301)).rejects.toMatchObject(notFound)
    await expect(view.hashes(1, 0, 2)).rejects.toMatchObject(notFound)
    await expect(view.hashes(0, 2, 1)).rejects.toMatchObject(notFound)
    expect((await view.hashes(1, 0, 1)).length).toBe(32)
  })

  test("gives as many entries as the bytes allow, and one in any case", async () => {
    const { path } = await writeLog([100])
    const view = await follow(path)
    expect(await view.leaves(10, 90, 0)).toHaveLength(1)
    expect(await view.leaves(10, 90, 40)).toHaveLength(1)
    expect(await view.leaves(10, 90, 41)).toHaveLength(2)
    expect(await view.leaves(10, 90, 40 * 200)).toHaveLength(80)
  })

  test("opens more segments than it keeps open, all at once", async () => {
    const path = newDirectory()
    const log = new NaiveLog()
    const store = await openStore(path, 4096)
    closing.push(() => store.close())
    for (let i = 0; i < 40; i++) await write(store, log, 2)
    const view = await follow(path)
    const all = log.leaves.map((_, index) => view.leaves(index, index + 1))
    expect(bytes((await Promise.all(all)).flat())).toEqual(bytes(log.leaves))
  })

  test("does not take a torn head for one", async () => {
    const { path, log } = await writeLog([3])
    const head = readFileSync(filePath(path, "head"))
    const view = await follow(path)
    const newer = encodeHead({
      slot: 7,
      size: 9999,
      segment: 0,
      end: 0,
      time: 0,
      root: log.root(),
      minimum: 0,
    })
    writeFileSync(filePath(path, "head"), concatBytes(newer.subarray(0, 60), head.subarray(60)))
    const after = encodeHead({
      slot: 1,
      size: 4,
      segment: 0,
      end: 0,
      time: 0,
      root: log.root(),
      minimum: 0,
    })
    const moved = reaches(view, 4)
    writeFileSync(filePath(path, "head"), after)
    await moved
    expect(view.head().size).toBe(4)
  })

  test("goes forwards only", async () => {
    const { path, log } = await writeLog([3, 3])
    const view = await follow(path)
    const head = { slot: 1, segment: 0, end: 0, time: 0, root: log.root(), minimum: 0 }
    const heads: number[] = []
    view.onHead(({ size }) => heads.push(size))
    writeFileSync(filePath(path, "head"), encodeHead({ ...head, size: 2 }))
    writeFileSync(filePath(path, "head"), encodeHead({ ...head, size: 7 }))
    await reaches(view, 7)
    expect(heads).toEqual([7])
  })

  test("does not open what is no log, has no entry, or has no whole head", async () => {
    await expect(followLog(newDirectory())).rejects.toMatchObject({ code: "NOT_FOUND" })
    const path = newDirectory()
    await (await openStore(path)).close()
    await expect(followLog(path)).rejects.toMatchObject({ code: "NOT_FOUND" })
    rmSync(filePath(path, "head"))
    await expect(followLog(path)).rejects.toMatchObject({ code: "NOT_FOUND" })
  })

  test("gives the newest checkpoint, and none before the first", async () => {
    const { path } = await writeLog([3])
    const view = await follow(path)
    expect(await view.checkpoint()).toBeUndefined()
    writeFileSync(filePath(path, "checkpoint"), "a note\n")
    expect(await view.checkpoint()).toBe("a note\n")
  })
})

describe("an offsets file", () => {
  test.each([
    ["is empty", () => Buffer.alloc(0)],
    ["is cut off", (file: Buffer) => file.subarray(0, 11)],
    ["was never written in places", (file: Buffer) => Buffer.alloc(file.length)],
    ["leads nowhere", (file: Buffer) => Buffer.alloc(file.length, 0x7f)],
  ])("that %s costs time and changes nothing", async (_, spoil) => {
    const { path, log } = await writeLog([600, 3, 700])
    const file = segmentPath(path, 0, "offsets")
    writeFileSync(file, spoil(readFileSync(file)))
    const view = await follow(path)
    for (const [from, to] of [
      [0, 1],
      [255, 258],
      [300, 301],
      [603, 604],
      [1100, 1303],
    ] as const) {
      expect(bytes(await view.leaves(from, to)), `${from}`).toEqual(
        bytes(log.leaves.slice(from, to)),
      )
    }
  })
})
