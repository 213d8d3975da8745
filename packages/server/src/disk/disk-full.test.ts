import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import { replaceFile } from "./durable.ts"
import { followLog } from "./follower.ts"
import { commit, NaiveLog, openStore } from "./slots.test.support.ts"
import { createSmallDisk, type SmallDisk, whyNoSmallDisk } from "./small-disk.test.support.ts"

const why = whyNoSmallDisk()
const disks: SmallDisk[] = []

afterEach(() => {
  for (const disk of disks.splice(0)) disk.remove()
})

function newDisk(bytes: number): SmallDisk {
  const disk = createSmallDisk(bytes)
  disks.push(disk)
  return disk
}

/** Those of this disk alone: tests of other files, in this process too, have theirs closed a moment later. */
function openFiles({ path }: SmallDisk): number {
  const links = readdirSync("/proc/self/fd").map((fd) => linkIfAny(`/proc/self/fd/${fd}`))
  return links.filter((link) => link.startsWith(`${path}/`)).length
}

function linkIfAny(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return "" // Closed meanwhile.
  }
}

const full = { code: "DISK_FULL" }

describe.skipIf(why !== undefined)(
  `on a full disk${why === undefined ? "" : ` (not here: ${why})`}`,
  () => {
    test("a slot is refused, and the same slot taken once there is room", async () => {
      const disk = newDisk(8 << 20)
      const log = new NaiveLog()
      const store = await openStore(join(disk.path, "log"), 1 << 20)
      await commit(store, log.slots([3]))
      disk.fill()
      const [plan] = log.slots([300], 3000)
      for (let i = 0; i < 3; i++) await expect(store.commit(plan!)).rejects.toMatchObject(full)
      expect(store.end.size).toBe(0)
      disk.free()
      await commit(store, [plan!, ...log.slots([2])])
      await store.close()
      const view = await followLog(store.directory.path)
      expect(await view.leaves(0, 305)).toEqual(log.leaves.map((leaf) => Buffer.from(leaf)))
      await view.close()
    })

    test("a slot is refused for want of room for its hashes alone", async () => {
      const disk = newDisk(4 << 20)
      const log = new NaiveLog()
      const store = await openStore(join(disk.path, "log"), 1 << 20)
      await commit(store, log.slots([100, 100])) // Its segment has room, written ahead.
      disk.fill()
      const plans = log.slots([40, 40, 40])
      await expect(commit(store, plans)).rejects.toMatchObject(full)
      disk.free()
      await commit(store, plans.slice(plans.findIndex(({ first }) => first >= 240)))
      await store.close()
      expect(readFileSync(join(disk.path, "log/hashes/0")).length).toBe(320 * 32)
    })

    test("a new segment is refused without leaving files open, and begun once there is room", async () => {
      const disk = newDisk(4 << 20)
      const log = new NaiveLog()
      const store = await openStore(join(disk.path, "log"), 1 << 20)
      await commit(store, log.slots([3]))
      disk.fill()
      const { size: first, previous } = log
      const frontier = log.frontier()
      const start = { first, generation: 1, slot: 1, previous, frontier, state: [] }
      await expect(store.roll(start)).rejects.toMatchObject(full)
      const before = openFiles(disk)
      expect(before).toBeGreaterThan(0)
      for (let i = 0; i < 5; i++) await expect(store.roll(start)).rejects.toMatchObject(full)
      expect(openFiles(disk)).toBe(before)
      expect(store.segment.first).toBe(0)
      disk.free()
      await store.roll(start)
      await commit(store, log.slots([2]))
      await store.close()
      const again = await openStore(store.directory.path)
      expect(again.end).toMatchObject({ size: 5, slot: 2 })
      await again.close()
    })

    test("a file is replaced whole or not at all", async () => {
      const disk = newDisk(1 << 20)
      const file = join(disk.path, "file")
      await replaceFile(file, "old")
      disk.fill()
      await expect(replaceFile(file, "n".repeat(8192))).rejects.toMatchObject(full)
      expect(readFileSync(file, "utf8")).toBe("old")
      disk.free()
      await replaceFile(file, "new")
      expect(readFileSync(file, "utf8")).toBe("new")
    })
  },
)

test("what cannot be written for another reason has failed", async () => {
  await expect(replaceFile("/dev/null/file", "")).rejects.toMatchObject({ code: "DISK_FAILED" })
})
