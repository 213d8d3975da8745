import { expect, test } from "vitest"
import { followLog, LogStore } from "../../packages/server/dist/disk/index.js"
import {
  leafOf,
  NaiveLog,
  origin,
  Seen,
} from "../../packages/server/dist/disk/slots.test.support.js"
import { Decisions } from "../crash/decisions.ts"
import { type LifeFaults, noFaults } from "./faults.ts"
import { type Life, SimulatedDisk } from "./simulated-disk.ts"

const path = "/data/log"
const bytesMax = 1 << 20
const minimum = 60

function open(files: Life): Promise<LogStore> {
  return LogStore.open(path, origin, new Seen(), bytesMax, files)
}

async function commit(store: LogStore, plans: ReturnType<NaiveLog["slots"]>): Promise<void> {
  for (const plan of plans) {
    await store.commit(plan)
    store.advance(store.headOf(plan))
  }
}

/** Three segments: entries [0, 30), [30, 60), [60, 70), all of it durable. */
async function writeSegments(files: Life) {
  const log = new NaiveLog()
  const store = await open(files)
  for (const counts of [[30], [30], [10]]) {
    const { size: first, previous } = log
    const slot = log.plans.length
    const frontier = log.frontier()
    if (first > 0) await store.roll({ first, generation: 1, slot, previous, frontier, state: [] })
    await commit(store, log.slots(counts))
  }
  await store.close()
  return log
}

function prune(store: LogStore, log: NaiveLog): Promise<void> {
  const kept = [{ index: 0, leaf: leafOf(0) }]
  return store.prune({ minimum, root: log.root(minimum), entry: 69, kept })
}

/** The log begins at 0 or at the minimum, and everything from there on is there; gives where. */
async function expectWhole(disk: SimulatedDisk, log: NaiveLog): Promise<number> {
  const files = disk.begin()
  const store = await open(files)
  expect([0, minimum]).toContain(store.minimum)
  await commit(store, log.slots([2]))
  const view = await followLog(path, files)
  const leaves = await view.leaves(store.minimum, log.size)
  expect(leaves.map((leaf) => Buffer.from(leaf))).toEqual(
    log.leaves.slice(store.minimum).map((leaf) => Buffer.from(leaf)),
  )
  expect(Buffer.from(await view.hashes(0, 0, log.size))).toEqual(Buffer.concat(log.hashes))
  await view.close()
  await store.close()
  return store.minimum
}

test("a power loss at any operation of a pruning leaves the log as before, or as after", async () => {
  const found = new Set<number>()
  for (let seed = 0; seed < 3; seed++) {
    for (let crashAt = 1; ; crashAt++) {
      const disk = new SimulatedDisk(new Decisions(seed * 1000 + crashAt))
      const log = await writeSegments(disk.begin())
      const faults: LifeFaults = { ...noFaults, crashAt: Number.POSITIVE_INFINITY }
      const files = disk.begin(faults)
      const store = await open(files)
      ;(faults as { crashAt: number }).crashAt = files.operations + crashAt
      const done = await Promise.race([
        prune(store, log).then(() => "done" as const),
        files.crashed,
      ])
      disk.losePower([0, 0.5, 1][seed % 3] as number)
      const begins = await expectWhole(disk, log)
      found.add(begins)
      if (done === "done") {
        expect(begins).toBe(minimum)
        break
      }
    }
  }
  expect([...found].sort((a, b) => a - b)).toEqual([0, minimum])
})

test("a disk that fails in between is called that, and the next life ends what was begun", async () => {
  for (let errorAt = 1; errorAt < 40; errorAt++) {
    const disk = new SimulatedDisk(new Decisions(errorAt))
    const log = await writeSegments(disk.begin())
    const faults: LifeFaults = { ...noFaults }
    const files = disk.begin(faults)
    const store = await open(files)
    ;(faults as { errorAt: number }).errorAt = files.operations + errorAt
    const code = await prune(store, log).then(
      () => "none",
      (error: { code?: string }) => error.code,
    )
    expect(["none", "DISK_FAILED"], `at ${errorAt}`).toContain(code)
    disk.losePower(0.5)
    const begins = await expectWhole(disk, log)
    if (code === "none") expect(begins).toBe(minimum)
  }
})
