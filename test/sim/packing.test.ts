import { afterAll, beforeAll, expect, test } from "vitest"
import {
  followLog,
  LogStore,
  lendSegmentKeys,
  packedBlockBytes,
  packSegment,
  type SegmentKeyMaker,
} from "../../packages/server/dist/disk/index.js"
import { memoryKeys } from "../../packages/server/dist/disk/segment-keys.test.support.js"
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
const segment = `${path}/segments/${"0".repeat(16)}`

const { keys, maker } = memoryKeys()
let takeBack: () => void
beforeAll(() => {
  takeBack = lendSegmentKeys(keys)
})
afterAll(() => takeBack())

/** What a segment becomes: compressed in clear, or encrypted. */
const ways = [
  { what: "one in clear", how: undefined },
  { what: "an encrypted one", how: maker },
] as const

function open(files: Life): Promise<LogStore> {
  return LogStore.open(path, origin, new Seen(), bytesMax, files)
}

async function commit(store: LogStore, plans: ReturnType<NaiveLog["slots"]>): Promise<void> {
  for (const plan of plans) {
    await store.commit(plan)
    store.advance(store.headOf(plan))
  }
}

/** Two segments: entries [0, 30), [30, 40), all of it durable. */
async function writeSegments(files: Life) {
  const log = new NaiveLog()
  const store = await open(files)
  await commit(store, log.slots([10, 20]))
  const { size: first, previous } = log
  const frontier = log.frontier()
  await store.roll({ first, generation: 1, slot: 2, previous, frontier, state: [] })
  await commit(store, log.slots([10]))
  await store.close()
  return log
}

/** What a keeper and its port do. */
async function compress(store: LogStore, files: Life, how?: SegmentKeyMaker): Promise<void> {
  await packSegment(path, 0, files, packedBlockBytes, how)
  await store.adopt(0)
}

type Form = "plain" | "both" | "packed"

/** Every entry is there, in the next life and after its first commit; gives in which form. */
async function expectWhole(
  disk: SimulatedDisk,
  log: NaiveLog,
  how?: SegmentKeyMaker,
): Promise<Form> {
  const files = disk.begin()
  const store = await open(files)
  const names = await files.list(`${path}/segments`)
  expect(names.filter((name) => name.endsWith(".new"))).toEqual([])
  const isThere = (kind: string) => names.includes(`${"0".repeat(16)}.${kind}`)
  await commit(store, log.slots([2]))
  const view = await followLog(path, files)
  const leaves = await view.leaves(0, log.size)
  expect(leaves.map((leaf) => Buffer.from(leaf))).toEqual(log.leaves.map((l) => Buffer.from(l)))
  await view.close()
  // Whatever was begun is done by the next one who tries.
  if (isThere("seg")) await compress(store, files, how)
  const again = await followLog(path, files)
  expect(await again.leaves(29, 31)).toEqual([log.leaves[29], log.leaves[30]].map(bufferOf))
  await again.close()
  await store.close()
  if (!isThere("seg")) return "packed"
  return isThere("segz") ? "both" : "plain"
}

function bufferOf(bytes: Uint8Array | undefined): Buffer {
  return Buffer.from(bytes ?? [])
}

test.each(ways)(
  "a power loss at any step of making $what leaves the segment in one form or in both",
  async ({ how }) => {
    const found = new Set<Form>()
    for (let seed = 0; seed < 3; seed++) {
      for (let crashAt = 1; ; crashAt++) {
        const disk = new SimulatedDisk(new Decisions(seed * 1000 + crashAt))
        const log = await writeSegments(disk.begin())
        const faults: LifeFaults = { ...noFaults, crashAt: Number.POSITIVE_INFINITY }
        const files = disk.begin(faults)
        const store = await open(files)
        ;(faults as { crashAt: number }).crashAt = files.operations + crashAt
        const done = await Promise.race([
          compress(store, files, how).then(() => "done" as const),
          files.crashed,
        ])
        disk.losePower([0, 0.5, 1][seed % 3] as number)
        found.add(await expectWhole(disk, log, how))
        if (done === "done") break
      }
    }
    expect([...found].sort()).toEqual(["both", "packed", "plain"])
  },
)

test.each(ways)(
  "a disk that fails or is full in the middle of making $what is called that, and nothing is lost",
  async ({ how }) => {
    for (let at = 1; at < 60; at++) {
      const disk = new SimulatedDisk(new Decisions(at))
      const log = await writeSegments(disk.begin())
      const faults: LifeFaults = { ...noFaults }
      const files = disk.begin(faults)
      const store = await open(files)
      const from = files.operations + at
      Object.assign(faults, at % 2 === 0 ? { errorAt: from } : { fullFrom: from, fullTo: from + 5 })
      const code = await compress(store, files, how).then(
        () => "none",
        (error: { code?: string }) => error.code,
      )
      expect(["none", "DISK_FAILED", "DISK_FULL"], `at ${at}`).toContain(code)
      disk.losePower(0.5)
      await expectWhole(disk, log, how)
    }
  },
)

test("a copy that is not adopted before its segment goes is removed", async () => {
  const disk = new SimulatedDisk(new Decisions(1))
  const files = disk.begin()
  const log = await writeSegments(files)
  const store = await open(files)
  await packSegment(path, 0, files)
  const kept = [{ index: 0, leaf: leafOf(0) }]
  const pruned = { minimum: 30, root: log.root(30), entry: 39, kept }
  const [, adopted] = await Promise.all([store.prune(pruned), store.adopt(0)])
  expect(adopted).toBe(false)
  const names = await files.list(`${path}/segments`)
  expect(names.filter((name) => `${path}/segments/${name}`.startsWith(segment))).toEqual([])
  await store.close()
})
