import { readdirSync, readlinkSync } from "node:fs"
import { parseQuery } from "@postern/log/query"
import { afterEach, expect, test, vi } from "vitest"
import { listSegments } from "../../disk/index.ts"
import { commit, NaiveLog, newDirectory, openStore } from "../../disk/slots.test.support.ts"
import {
  leafOf,
  newIndexDirectory,
  openings,
  removeDirectories,
  scanAll,
} from "./index-log.test.support.ts"
import { openSearchIndex } from "./index-threads.ts"
import { rebuildIndex } from "./offline.ts"

const start = Date.UTC(2026, 10, 1) * 1000
/** The thread that builds is nicer than all others: where these keep the cores busy it takes its time. */
const patience = { timeout: 60_000, interval: 20 }
let cleanups: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const clean of cleanups.reverse()) await clean()
  cleanups = []
  removeDirectories()
})

function someLeaf(i: number): Uint8Array {
  const event = { id: `e${i}`, outcome: "success", data: { note: `word${i % 10}` } }
  return leafOf(JSON.stringify(event), start + i * 1000, 1 + (i % 2), i)
}

/** A log of many segments that can be pruned. */
async function openLog() {
  const log = newDirectory()
  const { path: index, remove } = newIndexDirectory()
  cleanups.push(remove)
  const naive = new NaiveLog()
  const store = await openStore(log, 65_536)
  cleanups.push(() => store.close())
  const leaves = [...openings(start), ...Array.from({ length: 6000 }, (_, i) => someLeaf(i))]
  for (let at = 0; at < leaves.length; at += 100) {
    const { size: first, previous } = naive
    const slot = naive.plans.length
    const frontier = naive.frontier()
    const plan = naive.slot(leaves.slice(at, at + 100))
    if (!store.fits(plan.bytes.length))
      await store.roll({ ...store.segment, first, slot, previous, frontier })
    await commit(store, [plan])
  }
  const kept = [0, 1, 2].map((at) => ({ index: at, leaf: leaves[at] as Uint8Array }))
  const prune = (minimum: number) =>
    store.prune({ minimum, root: naive.root(minimum), entry: naive.size - 1, kept })
  return { log, index, leaves, prune, firsts: await listSegments(log) }
}

/** Removed segments that this process has open. */
function removedAndOpen(log: string): string[] {
  const links = readdirSync("/proc/self/fd").map((fd) => linkIfAny(`/proc/self/fd/${fd}`))
  return links.filter((path) => path.startsWith(log) && path.endsWith("(deleted)"))
}

function linkIfAny(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return "" // Closed meanwhile.
  }
}

test("parts of what was removed go, and the rest is found as before", async () => {
  const { log, index, leaves, prune, firsts } = await openLog()
  expect(firsts.length).toBeGreaterThan(6)
  const searchIndex = openSearchIndex({ log, index, tell: () => undefined })
  cleanups.push(() => searchIndex.close())
  await vi.waitFor(() => expect(searchIndex.state().indexed).toBe(leaves.length), patience)
  const query = parseQuery("word3")
  const find = async (from: number) => {
    const asked = { query, from, to: leaves.length, order: "asc", rows: 9999 } as const
    const { hits } = await searchIndex.search({ ...asked, bytes: 1e9, ms: 10_000 })
    return hits.map((hit) => hit.index)
  }
  const all = scanAll(leaves, query)
  expect(await find(0)).toEqual(all)
  const minimum = firsts[3] as number
  await prune(minimum)
  const partsBelow = () => readdirSync(index).filter((name) => Number(name.slice(0, 16)) < minimum)
  await vi.waitFor(() => expect(partsBelow()).toEqual([]), patience)
  await vi.waitFor(() => expect(searchIndex.state().indexed).toBe(leaves.length), patience)
  expect(await find(minimum)).toEqual(all.filter((at) => at >= minimum))
  // What somebody has open is still on the disk. The thread that answers hears of it after the files of the index are gone.
  if (process.platform === "linux")
    await vi.waitFor(() => expect(removedAndOpen(log)).toEqual([]), patience)
  const count = { query, from: minimum, to: leaves.length, ms: 10_000 }
  const facets = await searchIndex.facets({ ...count, fields: ["writer"], top: 5 })
  expect(facets.count).toBe(all.filter((at) => at >= minimum).length)
}, 180_000)

test("an index that was not there when entries went begins where the log does", async () => {
  const { log, index, leaves, prune, firsts } = await openLog()
  const before = await rebuildIndex(log, index, () => undefined)
  expect(before.parts).toBeGreaterThan(4)
  const minimum = firsts[4] as number
  await prune(minimum)
  const searchIndex = openSearchIndex({ log, index, tell: () => undefined })
  cleanups.push(() => searchIndex.close())
  await vi.waitFor(() => expect(searchIndex.state().indexed).toBe(leaves.length), patience)
  expect(readdirSync(index).filter((name) => Number(name.slice(0, 16)) < minimum)).toEqual([])
}, 180_000)

test("an index is built of a log that begins later", async () => {
  const { log, index, leaves, prune, firsts } = await openLog()
  await prune(firsts[2] as number)
  const status = await rebuildIndex(log, index, () => undefined)
  expect(status.entries).toBe(leaves.length)
  expect(status.indexed).toBeGreaterThan(firsts.at(-2) as number)
  expect(status.parts).toBe(firsts.length - 2 - 1)
})
