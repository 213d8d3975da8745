import { readFile } from "node:fs/promises"
import { afterEach, describe, expect, test } from "vitest"
import { followLog, LogStore, segmentPath } from "../disk/index.ts"
import {
  commit,
  NaiveLog,
  newDirectory,
  offsetsInSegment,
  openStore,
  origin,
  removeDirectories,
  Seen,
} from "../disk/slots.test.support.ts"
import type { SlotCursor, SlotPiece } from "./api/index.ts"
import { openRawSlots } from "./raw-slots.ts"

afterEach(removeDirectories)

/** Two segments of slots of 1, 300, 2 and 5, 1 entries; the store stays open. */
async function openTwoSegments() {
  const path = newDirectory()
  const log = new NaiveLog()
  const store = await openStore(path, 4096)
  await commit(store, log.slots([1, 300, 2]))
  const { previous, size } = log
  const frontier = log.frontier()
  await store.roll({ first: size, generation: 1, slot: 3, previous, frontier, state: [] })
  await commit(store, log.slots([5, 1]))
  return { path, log, store, view: await followLog(path) }
}

async function all(cursor: SlotCursor, bytesMax: number): Promise<SlotPiece[]> {
  const pieces: SlotPiece[] = []
  for (;;) {
    const more = await cursor.next(bytesMax)
    if (more.length === 0) return pieces
    pieces.push(...more)
  }
}

const shapes = (pieces: readonly SlotPiece[]) =>
  pieces.map((piece) => (piece.kind === "slot" ? piece.slot : `segment ${piece.first}`))

test("slots of what was removed are said to be gone, and the others are given", async () => {
  const { path, log, store, view } = await openTwoSegments()
  const kept = [{ index: 0, leaf: log.leaves[0] as Uint8Array }]
  await store.prune({ minimum: 303, root: log.root(303), entry: 308, kept })
  const slots = openRawSlots(path, view)
  for (const slot of [0, 2]) {
    await expect(slots.open(slot)).rejects.toMatchObject({ code: "ENTRY_PRUNED" })
  }
  const cursor = await slots.open(3)
  expect(shapes(await all(cursor, 1_000_000))).toEqual(["segment 303", 3, 4])
  await cursor.close()
  await view.close()
  await store.close()
})

describe("raw slots", () => {
  test("are the bytes on disk, from any slot on, in windows of any size", async () => {
    const { path, log, store, view } = await openTwoSegments()
    const slots = openRawSlots(path, view)
    const whole = ["segment 0", 0, 1, 2, "segment 303", 3, 4]
    for (const bytesMax of [1, 5000, 1_000_000]) {
      for (let from = 0; from <= 5; from++) {
        const cursor = await slots.open(from)
        const pieces = await all(cursor, bytesMax)
        const expected = from > 3 ? whole.slice(from + 2) : whole.slice(from === 0 ? 0 : from + 1)
        expect(shapes(pieces)).toEqual(expected)
        for (const piece of pieces) {
          if (piece.kind === "segment") {
            const start = await readFile(segmentPath(path, piece.first, "start"))
            expect(Buffer.from(piece.start).toString()).toBe(start.toString())
            continue
          }
          const plan = log.plans[piece.slot]
          expect(Buffer.from(piece.bytes).equals(plan?.bytes ?? Buffer.alloc(0))).toBe(true)
          expect(piece).toMatchObject({ first: plan?.first, entries: plan?.entries })
        }
        await cursor.close()
      }
    }
    await view.close()
    await store.close()
  })

  test("go on as the head moves, into the next segment too", async () => {
    const { path, log, store, view } = await openTwoSegments()
    const cursor = await openRawSlots(path, view).open(5)
    expect(await cursor.next(1000)).toEqual([])
    const seen = new Promise<void>((resolve) => {
      view.onHead(({ slot }) => slot === 6 && resolve())
    })
    await commit(store, log.slots([1]))
    const { previous, size } = log
    const frontier = log.frontier()
    await store.roll({ first: size, generation: 1, slot: 6, previous, frontier, state: [] })
    await commit(store, log.slots([4]))
    await seen
    expect(shapes(await all(cursor, 1000))).toEqual([5, `segment ${size}`, 6])
    await cursor.close()
    await view.close()
    await store.close()
  })

  test("end at the head, whatever stands behind it", async () => {
    const path = newDirectory()
    const log = new NaiveLog()
    const store = await LogStore.open(path, origin, new Seen(), 4096)
    await commit(store, log.slots([1, 1]))
    for (const plan of log.slots([1, 1])) await store.commit(plan)
    const view = await followLog(path)
    const cursor = await openRawSlots(path, view).open(0)
    expect(shapes(await all(cursor, 1_000_000))).toEqual(["segment 0", 0, 1])
    await expect(openRawSlots(path, view).open(3)).rejects.toMatchObject({ code: "NOT_FOUND" })
    await cursor.close()
    await view.close()
    await store.close()
  })

  test("that are damaged are not given", async () => {
    const { path, log, store, view } = await openTwoSegments()
    const [, at = 0] = offsetsInSegment(log.plans)
    const { open } = await import("node:fs/promises")
    const file = await open(segmentPath(path, 0, "seg"), "r+")
    await file.write(Buffer.from([1]), 0, 1, at + 20)
    await file.close()
    const cursor = await openRawSlots(path, view).open(0)
    const failing = all(cursor, 1)
    await expect(failing).rejects.toMatchObject({ code: "LOG_DAMAGED" })
    await expect(openRawSlots(path, view).open(2)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
    await cursor.close()
    await view.close()
    await store.close()
  })
})
