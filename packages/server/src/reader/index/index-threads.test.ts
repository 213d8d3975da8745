import { mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseQuery } from "@postern/log/query"
import { afterEach, describe, expect, test, vi } from "vitest"
import { makeSegmentKeys, openSegmentKeys, segmentKeyMaker } from "../../disclosures/index.ts"
import {
  lendSegmentKeys,
  listSegments,
  nodeFiles,
  packedBlockBytes,
  packSegment,
  segmentPath,
} from "../../disk/index.ts"
import { commit, NaiveLog, newDirectory, openStore } from "../../disk/slots.test.support.ts"
import {
  leafOf,
  newIndexDirectory,
  openings,
  removeDirectories,
  scanAll,
} from "./index-log.test.support.ts"
import { openSearchIndex } from "./index-threads.ts"
import type { SearchIndex } from "./search-index.ts"

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
  const event = {
    id: `e${i}`,
    outcome: i % 4 === 0 ? "denied" : "success",
    data: { note: `word${i % 10}` },
  }
  return leafOf(JSON.stringify(event), start + i * 1000, 1 + (i % 2), i)
}

/** A log that grows, and an index beside it on threads of its own. */
async function openGrowing() {
  const log = newDirectory()
  const { path: index, remove } = newIndexDirectory()
  cleanups.push(remove)
  const naive = new NaiveLog()
  const store = await openStore(log, 65_536)
  cleanups.push(() => store.close())
  const leaves: Uint8Array[] = []
  const told: string[] = []
  async function append(more: readonly Uint8Array[]): Promise<void> {
    leaves.push(...more)
    const before = {
      first: naive.size,
      slot: naive.plans.length,
      previous: naive.previous,
      frontier: naive.frontier(),
    }
    const plan = naive.slot(more)
    if (!store.fits(plan.bytes.length)) await store.roll({ ...store.segment, ...before })
    await commit(store, [plan])
  }
  function open(): SearchIndex {
    const searchIndex = openSearchIndex({ log, index, tell: (_, message) => told.push(message) })
    cleanups.push(() => searchIndex.close())
    return searchIndex
  }
  return { log, index, leaves, told, append, open }
}

async function reached(searchIndex: SearchIndex, end: number): Promise<void> {
  await vi.waitFor(() => expect(searchIndex.state().indexed).toBe(end), patience)
}

async function answerOf(searchIndex: SearchIndex, text: string, to: number) {
  const question = {
    query: parseQuery(text),
    from: 0,
    to,
    order: "asc",
    rows: 1e6,
    bytes: 1e9,
    ms: 20_000,
  } as const
  const { hits, rest } = await searchIndex.search(question)
  return { hits: hits.map(({ index }) => index), rest }
}

async function hitsOf(searchIndex: SearchIndex, text: string, to: number): Promise<number[]> {
  const { hits, rest } = await answerOf(searchIndex, text, to)
  expect(rest.from).toBe(rest.to)
  return hits
}

describe("openSearchIndex", () => {
  test("follows a growing log, over the ends of segments, and answers on the way", async () => {
    const { index, leaves, told, append, open } = await openGrowing()
    await append(openings(start))
    const searchIndex = open()
    for (let round = 0; round < 12; round++) {
      await append(Array.from({ length: 80 }, (_, i) => someLeaf(round * 80 + i)))
      await reached(searchIndex, leaves.length)
      for (const text of ["word3 AND outcome:denied", "outcome:denied", "word7"]) {
        expect(await hitsOf(searchIndex, text, leaves.length)).toEqual(
          scanAll(leaves, parseQuery(text)),
        )
      }
    }
    expect(readdirSync(index).filter((name) => name.endsWith(".part")).length).toBeGreaterThan(0)
    expect(searchIndex.state().pieces).toBeGreaterThan(0)
    const counts = { query: parseQuery(""), from: 0, to: leaves.length, ms: 20_000 }
    const { buckets } = await searchIndex.histogram({ ...counts, interval: 3_600_000_000 })
    expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(leaves.length)
    const { fields } = await searchIndex.facets({ ...counts, fields: ["writer"], top: 2 })
    expect(fields.writer?.map(({ count }) => count)).toEqual([480, 480])
    expect(await searchIndex.values("outcome", "d", 5)).toEqual([{ value: "denied", count: 240 }])
    expect(told).toEqual([])
  }, 180_000)

  test("builds anew when asked to, and after a new start goes on with the files that are there", async () => {
    const { leaves, append, open } = await openGrowing()
    await append(openings(start))
    for (let i = 0; i < 900; i += 60)
      await append(Array.from({ length: 60 }, (_, j) => someLeaf(i + j)))
    const searchIndex = open()
    await reached(searchIndex, leaves.length)
    const seen: number[] = []
    await searchIndex.rebuild(({ done }) => seen.push(done))
    expect(seen.at(-1)).toBe(leaves.length)
    await reached(searchIndex, leaves.length)
    const wanted = scanAll(leaves, parseQuery("word3"))
    // That may have been the state from before: the thread that answers says what it has not taken in yet.
    let answer = await answerOf(searchIndex, "word3", leaves.length)
    while (answer.rest.from < answer.rest.to)
      answer = await answerOf(searchIndex, "word3", leaves.length)
    expect(answer.hits).toEqual(wanted)
    await searchIndex.close()
    const again = open()
    await reached(again, leaves.length)
    expect(await hitsOf(again, "word3", leaves.length)).toEqual(wanted)
  }, 180_000)

  test("reads encrypted segments with the keys that it was told of", async () => {
    const { log, index, leaves, append } = await openGrowing()
    const keys = mkdtempSync(join(tmpdir(), "postern-index-keys-"))
    cleanups.push(() => rmSync(keys, { recursive: true }))
    const takeBack = lendSegmentKeys(openSegmentKeys(keys))
    const maker = segmentKeyMaker((await makeSegmentKeys(keys)).current)
    await append(openings(start))
    for (let i = 0; i < 900; i += 60)
      await append(Array.from({ length: 60 }, (_, j) => someLeaf(i + j)))
    const sealed = (await listSegments(log)).slice(0, -1)
    expect(sealed.length).toBeGreaterThan(0)
    for (const first of sealed) {
      await packSegment(log, first, nodeFiles, packedBlockBytes, maker)
      renameSync(`${segmentPath(log, first, "segz")}.new`, segmentPath(log, first, "segz"))
      rmSync(segmentPath(log, first, "seg"))
    }
    // This thread gives its keys back: those of the index have their own.
    takeBack()
    const searchIndex = openSearchIndex({ log, index, keys, tell: () => undefined })
    cleanups.push(() => searchIndex.close())
    await reached(searchIndex, leaves.length)
    const found = await hitsOf(searchIndex, "word3", leaves.length)
    expect(found).toEqual(scanAll(leaves, parseQuery("word3")))
  }, 180_000)

  test("says no once it is closed", async () => {
    const { append, open } = await openGrowing()
    await append(openings(start))
    const searchIndex = open()
    await searchIndex.close()
    await expect(searchIndex.values("actor", "", 1)).rejects.toThrow(/draining/)
    expect(searchIndex.state().indexed).toBe(0)
  }, 180_000)
})
