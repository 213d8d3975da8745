import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { followLog, LogStore, segmentPath } from "../../packages/server/dist/disk/index.js"
import { NaiveLog, origin, Seen } from "../../packages/server/dist/disk/slots.test.support.js"
import { Decisions } from "../crash/decisions.ts"
import { noFaults } from "./faults.ts"
import { type Life, SimulatedDisk } from "./simulated-disk.ts"

const path = "/data/log"
const megabyte = 1 << 20

function open(files: Life, bytesMax?: number): Promise<LogStore> {
  return LogStore.open(path, origin, new Seen(), bytesMax, files)
}

async function commit(store: LogStore, plans: ReturnType<NaiveLog["slots"]>): Promise<void> {
  for (const plan of plans) {
    await store.commit(plan)
    store.advance(store.headOf(plan))
  }
}

function roll(store: LogStore, log: NaiveLog): Promise<void> {
  const { size: first, previous } = log
  const slot = log.plans.length
  return store.roll({ first, generation: 1, slot, previous, frontier: log.frontier(), state: [] })
}

/** Everything that is there, as a follower sees it. */
async function expectAll(files: Life, log: NaiveLog): Promise<void> {
  const view = await followLog(path, files)
  const leaves = await view.leaves(0, log.size)
  expect(leaves.map((leaf) => Buffer.from(leaf))).toEqual(log.leaves.map((l) => Buffer.from(l)))
  const hashes = await view.hashes(0, 0, log.size)
  expect(Buffer.from(hashes)).toEqual(Buffer.concat(log.hashes))
  await view.close()
}

const eio = { code: "DISK_FAILED" }

describe("after a power loss", () => {
  test("the hashes of older segments are there, their files' names too", async () => {
    const disk = new SimulatedDisk(new Decisions(1))
    const log = new NaiveLog()
    const store = await open(disk.begin())
    await commit(store, log.slots([20, 280]))
    await roll(store, log)
    await commit(store, log.slots([5]))
    disk.losePower(0)
    const files = disk.begin()
    expect((await open(files)).end.size).toBe(305)
    await expectAll(files, log)
  })

  test("a slot is there that a sync could not confirm, and that the next life found", async () => {
    const disk = new SimulatedDisk(new Decisions(2))
    const log = new NaiveLog()
    const files = disk.begin()
    const store = await open(files, megabyte) // Too short for zeros to be written ahead.
    await commit(store, log.slots([3]))
    files.failing = "sync"
    await expect(commit(store, log.slots([4]))).rejects.toMatchObject(eio)
    disk.kill()
    const second = await open(disk.begin(), megabyte)
    expect(second.end.size).toBe(7)
    await commit(second, log.slots([2]))
    disk.losePower(0)
    const last = disk.begin()
    expect((await open(last)).end.size).toBe(9)
    await expectAll(last, log)
  })

  test.each([...Array(40).keys()])(
    "a log is there whose directory somebody began to make, cut off at operation %i",
    async (crashAt) => {
      for (let seed = 0; seed < 8; seed++) {
        const disk = new SimulatedDisk(new Decisions(seed))
        const killed = disk.begin({ ...noFaults, crashAt: crashAt + 1 })
        await Promise.race([open(killed), killed.crashed])
        disk.kill()
        // Some of the names that were not synced are lost at once, others only later.
        if (seed > 0) disk.losePower(0.5)
        const log = new NaiveLog()
        await commit(await open(disk.begin()), log.slots([3]))
        disk.losePower(0)
        const files = disk.begin()
        expect((await open(files)).end.size).toBe(3)
        await expectAll(files, log)
      }
    },
  )
})

describe("a disk that fails", () => {
  test("while zeros are written ahead fails the slot beside them too", async () => {
    let refused = 0
    for (let seed = 0; seed < 30; seed++) {
      const disk = new SimulatedDisk(new Decisions(seed))
      const log = new NaiveLog()
      const files = disk.begin()
      const store = await open(files, 64 * megabyte)
      await commit(store, log.slots([1, 1])) // The second one waited for zeros; there are more to come.
      const segment = segmentPath(path, 0, "seg")
      while ((disk.file(segment)?.size ?? 0) < 8 * megabyte) {
        await new Promise((turn) => setImmediate(turn))
      }
      // The zeros are written, and will be synced. Whichever sync comes first is told of the failure, and so must the other be.
      files.failing = "sync"
      const confirmed = await commit(store, log.slots([2])).then(
        () => true,
        () => false,
      )
      const at = 2 * (log.plans[0]?.bytes.length ?? 0)
      const slot = log.plans[2]?.bytes ?? new Uint8Array()
      const stable = disk.stableFile(segment)?.stable
      const isStable = stable?.subarray(at, at + slot.length).equals(slot)
      if (confirmed) expect(isStable, `seed ${seed}`).toBe(true)
      else refused += 1
    }
    expect(refused).toBeGreaterThan(0)
  })

  test("while it is read is not called a damaged log", async () => {
    const disk = new SimulatedDisk(new Decisions(5))
    const store = await open(disk.begin())
    await commit(store, new NaiveLog().slots([3]))
    await store.close()
    for (let errorAt = 1; errorAt < 40; errorAt++) {
      const files = disk.begin({ ...noFaults, errorAt })
      const opened = await open(files).catch((error: unknown) => {
        expect(error, `at ${errorAt}`).toMatchObject(eio)
      })
      await opened?.close()
      disk.kill()
    }
  })

  test("is not called a log without entries by a follower", async () => {
    const disk = new SimulatedDisk(new Decisions(6))
    const store = await open(disk.begin())
    await commit(store, new NaiveLog().slots([3]))
    await store.close()
    for (let errorAt = 1; errorAt <= 3; errorAt++) {
      const files = disk.begin({ ...noFaults, errorAt })
      await expect(followLog(path, files).then((view) => view.close())).rejects.toMatchObject({
        code: "EIO",
      })
    }
  })
})

test("whatever fails while a segment is begun, the store says that it was the disk", async () => {
  for (const direct of ["taken", "refused"] as const) {
    for (let errorAt = 40; errorAt < 110; errorAt++) {
      const disk = new SimulatedDisk(new Decisions(7))
      const log = new NaiveLog()
      const files = disk.begin({ ...noFaults, errorAt, direct })
      const course = open(files, megabyte).then(async (store) => {
        await commit(store, log.slots([3]))
        await roll(store, log)
        await commit(store, log.slots([3]))
        await store.close()
      })
      const code = await course.then(
        () => "none",
        (error: { code?: string }) => error.code,
      )
      expect(["none", "DISK_FAILED"], `${direct} ${errorAt}: ${code}`).toContain(code)
    }
  }
})

test("nothing in the room of the disk but its own file system touches another one", () => {
  const room = join(import.meta.dirname, "../../packages/server/src/disk")
  const sources = readdirSync(room).filter((name) => !/\.test\.(?:support\.)?ts$/.test(name))
  const touching = sources.filter((name) =>
    /from "node:(?:fs|sqlite|child_process)/.test(readFileSync(join(room, name), "utf8")),
  )
  expect(touching.sort()).toEqual(["lock.ts", "node-files.ts"])
})
