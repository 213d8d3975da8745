import { appendFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs"
import { afterEach, describe, expect, test } from "vitest"
import { segmentPath } from "./log-directory.ts"
import { slotBytesMax, splitRecords } from "./slot.ts"
import { type ReadSlot, slotBehind, walkSlots } from "./slot-walker.ts"
import {
  NaiveLog,
  newDirectory,
  offsetsInSegment,
  removeDirectories,
} from "./slots.test.support.ts"

afterEach(removeDirectories)

/** A segment file of nothing but these slots. */
function writeSlots(log: NaiveLog): string {
  const path = `${newDirectory()}.seg`
  writeFileSync(path, Buffer.concat(log.plans.map(({ bytes }) => bytes)))
  return path
}

/** Everything that is found; views are copied, since they hold until the next step only. */
async function walk(path: string, at = 0) {
  const found: (Omit<ReadSlot, "records" | "receipt"> & {
    leaves: Uint8Array[]
    receipt: string
  })[] = []
  const slots = walkSlots(path, at)
  for (;;) {
    const step = await slots.next()
    if (step.done === true) return { found, end: step.value }
    const { records, receipt, ...rest } = step.value
    const leaves = splitRecords(records)?.map((leaf) => leaf.slice()) ?? []
    found.push({ ...rest, leaves, receipt: Buffer.from(receipt).toString() })
  }
}

describe("walking", () => {
  test("gives every slot as it was written, small and large, and says where it ended", async () => {
    const log = new NaiveLog()
    log.slots([1, 3, 0, 200, 2])
    log.slots([40], 60_000) // More than the window that it starts with.
    log.slots([5])
    const path = writeSlots(log)
    const { found, end } = await walk(path)
    expect(found.map(({ at }) => at)).toEqual(offsetsInSegment(log.plans))
    expect(found.map(({ hash }) => hash)).toEqual(log.plans.map(({ hash }) => hash))
    expect(found.flatMap(({ leaves }) => leaves)).toEqual(log.leaves)
    expect(found.map(({ rows }) => rows.length)).toEqual(log.plans.map(() => 1))
    expect(found.map(({ rows }) => rows[0]?.accepted)).toEqual([1, 3, 0, 200, 2, 40, 5])
    expect(found.every(({ receipt }) => receipt === "receipt")).toBe(true)
    const bytes = log.plans.reduce((sum, plan) => sum + plan.bytes.length, 0)
    expect(end).toEqual({ at: bytes, bytes })
  })

  test("reads the longest slot there may be", async () => {
    const log = new NaiveLog()
    const { bytes } = log.slots([65], 65_530)[0] ?? { bytes: new Uint8Array() }
    expect(bytes.length).toBeGreaterThan(4 * 1024 * 1024)
    expect(bytes.length).toBeLessThanOrEqual(slotBytesMax)
    expect((await walk(writeSlots(log))).found).toHaveLength(1)
  })

  test("begins at any slot", async () => {
    const log = new NaiveLog()
    log.slots([4, 4, 4, 4])
    const path = writeSlots(log)
    for (const [i, at] of offsetsInSegment(log.plans).entries()) {
      const { found } = await walk(path, at)
      expect(found.map(({ header }) => header.slot)).toEqual([0, 1, 2, 3].slice(i))
    }
    expect((await walk(path, 100)).found).toEqual([])
  })

  test("ends at zeros, at a torn slot, at a broken tail, at the end of the file", async () => {
    const log = new NaiveLog()
    log.slots([4, 150])
    const path = writeSlots(log)
    const [, second = 0] = offsetsInSegment(log.plans)
    const whole = readFileSync(path)
    appendFileSync(path, Buffer.alloc(8192))
    expect((await walk(path)).end).toEqual({ at: whole.length, bytes: whole.length + 8192 })
    for (const cut of [second + 100, second + 300, whole.length - 1]) {
      truncateSync(path, 0)
      writeFileSync(path, whole.subarray(0, cut))
      expect((await walk(path)).end).toEqual({ at: second, bytes: cut })
    }
    const receiptAt = whole.lastIndexOf("receipt")
    whole[receiptAt] = 0x52
    writeFileSync(path, whole)
    expect((await walk(path)).end).toEqual({ at: second, bytes: whole.length })
  })

  test("closes its file also when it is left early", async () => {
    const log = new NaiveLog()
    log.slots([1, 1])
    const path = writeSlots(log)
    const slots = walkSlots(path)
    await slots.next()
    await slots.return({ at: 0, bytes: 0 })
    expect((await slots.next()).done).toBe(true)
  })
})

describe("a slot behind", () => {
  test("is one of a higher number and the same generation, wherever it is", async () => {
    const log = new NaiveLog()
    log.slots([4, 150, 4])
    const [, second = 0, third = 0] = offsetsInSegment(log.plans)
    const path = writeSlots(log)
    expect(await slotBehind(path, second, 1, 1)).toBe(third)
    expect(await slotBehind(path, second, 1, 2)).toBeUndefined()
    expect(await slotBehind(path, third, 2, 1)).toBeUndefined()
    expect(await slotBehind(path, third, 1, 1)).toBe(third)
    expect(await slotBehind(path, third + 4096, 0, 1)).toBeUndefined()
  })
})

test("a segment's file is named by its first index", () => {
  expect(segmentPath("/x", 12, "seg")).toBe("/x/segments/0000000000000012.seg")
})
