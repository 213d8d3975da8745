import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import { followLog } from "./follower.ts"
import { listSegments, openLogDirectory, segmentPath } from "./log-directory.ts"
import { LogStore } from "./log-store.ts"
import { readSegmentStart } from "./segment-start.ts"
import { findSlot } from "./slot-finder.ts"
import {
  commit,
  NaiveLog,
  newDirectory,
  openStore,
  origin,
  removeDirectories,
  Seen,
} from "./slots.test.support.ts"

afterEach(removeDirectories)

const bytesMax = 16_384

/** A log over several small segments, as a port writes it; its store is open. */
async function writeSegments(path: string, counts: readonly number[]) {
  const log = new NaiveLog()
  const store = await openStore(path, bytesMax)
  const firsts = [0]
  for (const count of counts) {
    const { size: first, previous } = log
    const start = { first, generation: 1, previous, frontier: log.frontier(), state: { first } }
    const slot = log.plans.length
    const plans = log.slots([count])
    if (!store.fits(plans[0]?.bytes.length ?? 0)) {
      await store.roll({ ...start, slot })
      firsts.push(first)
    }
    await commit(store, plans)
  }
  return { log, store, firsts }
}

describe("segments", () => {
  test("follow each other within their bound, and only the last one is read at the start", async () => {
    const path = newDirectory()
    const counts = Array.from({ length: 12 }, (_, i) => 20 + 17 * i)
    const { log, store, firsts } = await writeSegments(path, counts)
    expect(firsts.length).toBeGreaterThan(3)
    expect(await listSegments(path)).toEqual(firsts)
    await store.close()
    const seen = new Seen()
    const again = await LogStore.open(path, origin, seen, bytesMax)
    expect(again.end).toMatchObject({
      size: log.size,
      slot: 12,
      root: log.root(),
      previous: log.previous,
    })
    expect(seen.begins).toEqual([firsts.at(-1)])
    expect(seen.slots.length).toBeLessThan(6)
    expect(again.segment.state).toEqual({ first: firsts.at(-1) })
    await again.close()
  })

  test("keep every hash, also of segments that are not read again", async () => {
    const path = newDirectory()
    const { log, store } = await writeSegments(path, [200, 200, 200, 200])
    await store.close()
    expect(readFileSync(join(path, "hashes/0"))).toEqual(Buffer.concat(log.hashes))
    expect(readFileSync(join(path, "hashes/1"))).toEqual(
      Buffer.concat([0, 1, 2].map((i) => log.node(8, i))),
    )
  })

  test("begin with what was true before", async () => {
    const path = newDirectory()
    const { log, store, firsts } = await writeSegments(path, [100, 100, 100, 100])
    await store.close()
    const first = firsts.at(-1) ?? 0
    const plan = log.plans.find((candidate) => candidate.first === first)
    const start = await readSegmentStart(path, first)
    expect(start).toMatchObject({
      first,
      generation: 1,
      slot: plan?.slot,
      previous: plan?.previous,
    })
  })

  test("take one slot in any case, however long it is", async () => {
    const path = newDirectory()
    const store = await openStore(path, 4096)
    expect(store.fits(1 << 20)).toBe(true)
    await commit(store, new NaiveLog().slots([200]))
    expect(store.fits(1)).toBe(false)
    await store.close()
  })

  test("that were prepared and never begun are no segments", async () => {
    const path = newDirectory()
    const { log, store } = await writeSegments(path, [3])
    await store.close()
    // As a crash leaves it between the making of the file and that of its start.
    writeFileSync(segmentPath(path, 3, "seg"), Buffer.alloc(8192))
    writeFileSync(`${segmentPath(path, 3, "start")}.new`, "{")
    const again = await openStore(path, bytesMax)
    expect(again.end.size).toBe(3)
    const { size: first, previous } = log
    await again.roll({
      first,
      generation: 1,
      slot: 1,
      previous,
      frontier: log.frontier(),
      state: [],
    })
    await commit(again, log.slots([2]))
    await again.close()
    expect((await openStore(path).then(closed)).end.size).toBe(5)
  })
})

async function closed(store: LogStore): Promise<LogStore> {
  await store.close()
  return store
}

describe("the store", () => {
  test("does not move the head by a commit alone", async () => {
    const path = newDirectory()
    const log = new NaiveLog()
    const store = await openStore(path)
    const [one, two] = log.slots([2, 3])
    await commit(store, [one!])
    const view = await followLog(path)
    await store.commit(two!)
    expect(view.head()).toMatchObject({ size: 2, slot: 0, root: log.root(2) })
    const moved = new Promise((resolve) => view.onHead(resolve))
    store.advance(store.headOf(two!))
    await moved
    expect(view.head()).toMatchObject({ size: 5, slot: 1, root: log.root(5) })
    await view.close()
    await store.close()
  })

  test("finds the slot of every entry again", async () => {
    const path = newDirectory()
    const { log, store } = await writeSegments(path, [100, 0, 300, 1, 250])
    for (const plan of log.plans) {
      for (const index of [plan.first, plan.first + plan.entries - 1]) {
        if (plan.entries === 0) continue
        const { header, rows, hash } = await findSlot(path, index)
        expect(header.slot).toBe(plan.slot)
        expect(hash).toEqual(plan.hash)
        expect(rows[0]).toMatchObject({ first: plan.first, accepted: plan.entries })
      }
    }
    await expect(findSlot(path, log.size)).rejects.toMatchObject({ code: "NOT_FOUND" })
    await store.close()
  })

  test("remembers what is signed and publishes checkpoints as whole files", async () => {
    const path = newDirectory()
    const store = await openStore(path)
    await store.rememberSigned({ size: 0, root: "root" })
    await store.publishCheckpoint("note 1\n")
    await store.publishCheckpoint("note 2\n")
    expect(JSON.parse(readFileSync(join(path, "last-signed"), "utf8"))).toEqual({
      size: 0,
      root: "root",
    })
    expect(readFileSync(join(path, "checkpoint"), "utf8")).toBe("note 2\n")
    expect(readdirSync(path).filter((name) => name.endsWith(".new"))).toEqual([])
    await store.close()
  })
})

test("a directory that is none is not made by those who only read", async () => {
  const path = newDirectory()
  await expect(openLogDirectory(path)).rejects.toMatchObject({ code: "NOT_FOUND" })
  expect(existsSync(path)).toBe(false)
})
