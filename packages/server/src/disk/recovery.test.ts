import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { formatBase64, formatHex } from "@postern/log/base"
import { rangeRoot } from "@postern/log/tlog"
import fc from "fast-check"
import { afterEach, describe, expect, test } from "vitest"
import { encodeHead } from "./head-record.ts"
import { filePath, hashesPath, segmentPath } from "./log-directory.ts"
import { LogStore } from "./log-store.ts"
import { slotHeaderBytes } from "./slot.ts"
import {
  commit,
  NaiveLog,
  newDirectory,
  offsetsInSegment,
  openStore,
  origin,
  removeDirectories,
  Seen,
  writeLog,
} from "./slots.test.support.ts"

afterEach(removeDirectories)

/** Opens the log once more and says what was found. */
async function reopen(path: string) {
  const seen = new Seen()
  const store = await LogStore.open(path, origin, seen)
  const { end } = store
  await store.close()
  const { previous, root, frontier, size } = end
  const texts = { previous: formatHex(previous), root: formatHex(root) }
  return { end: { ...end, ...texts, frontier: peaks(frontier, size) }, seen }
}

/** What is to be found of a log whose slots are all there. */
function endOf(log: NaiveLog) {
  const last = log.plans.at(-1)
  const at = last === undefined ? 0 : (offsetsInSegment(log.plans).at(-1) ?? 0) + last.bytes.length
  return {
    slot: log.plans.length,
    size: log.size,
    previous: formatHex(log.previous),
    root: formatHex(log.root()),
    frontier: peaks(log.frontier(), log.size),
    end: at,
    time: last?.time ?? 0,
  }
}

/** The levels of a frontier that mean something in a tree of this size. */
function peaks(frontier: Uint8Array, size: number): string[] {
  return [...size.toString(2)].reverse().flatMap((bit, level) => {
    return bit === "1" ? [formatHex(frontier.subarray(level * 32, level * 32 + 32))] : []
  })
}

/** The log without its last slot. */
function shorter(counts: readonly number[], leafBytes?: number): NaiveLog {
  const log = new NaiveLog()
  log.slots(counts.slice(0, -1), leafBytes)
  return log
}

function segmentOf(path: string): string {
  return segmentPath(path, 0, "seg")
}

describe("a log that was closed or killed is found again", () => {
  test("when there is nothing yet", async () => {
    const { end, seen } = await reopen(newDirectory())
    expect(end).toMatchObject({ ...endOf(new NaiveLog()), lastSlot: undefined })
    expect(seen).toMatchObject({ begins: [0], slots: [] })
  })

  test("whatever its slots hold", async () => {
    const counts = fc.array(fc.oneof(fc.nat({ max: 9 }), fc.constantFrom(255, 256, 257, 600)), {
      minLength: 1,
      maxLength: 8,
    })
    await fc.assert(
      fc.asyncProperty(counts, async (of) => {
        const { path, log } = await writeLog(of)
        const { end, seen } = await reopen(path)
        expect(end).toMatchObject(endOf(log))
        expect(seen.slots.map(({ slot }) => slot)).toEqual(of.map((_, i) => i))
        const { first, entries: count } = log.plans.at(-1) ?? { first: 0, entries: 0 }
        const hashes = Buffer.concat(log.hashes.slice(first))
        const root = count === 0 ? undefined : rangeRoot(first, hashes)
        expect(end.lastSlot).toMatchObject({ first, count, root: root && new Uint8Array(root) })
      }),
      { numRuns: 8 },
    )
  })

  test("and goes on where it ended, life after life", async () => {
    const path = newDirectory()
    const log = new NaiveLog()
    for (const count of [3, 0, 700, 1]) {
      expect((await reopen(path)).end).toMatchObject(endOf(log))
      const store = await openStore(path)
      await commit(store, log.slots([count, 2]))
      await store.close()
    }
    expect((await reopen(path)).end).toMatchObject(endOf(log))
  })
})

test("what follows from the slots is made again, whatever became of it", async () => {
  const { path, log } = await writeLog([300, 300, 200])
  const offsets = segmentPath(path, 0, "offsets")
  const [hashes, tiles] = [hashesPath(path, 0), hashesPath(path, 1)]
  const files = [offsets, hashes, tiles]
  const wanted = files.map((file) => readFileSync(file))
  expect(wanted[1]).toEqual(Buffer.concat(log.hashes))
  expect(wanted[2]).toEqual(Buffer.concat([0, 1, 2].map((i) => log.node(8, i))))
  for (const spoil of [
    (file: string) => rmSync(file),
    (file: string) => writeFileSync(file, ""),
    (file: string) => writeFileSync(file, readFileSync(file).fill(0xaa)),
    (file: string) => writeFileSync(file, readFileSync(file).subarray(0, 7)),
  ]) {
    for (const file of files) spoil(file)
    await reopen(path)
    expect(files.map((file) => readFileSync(file))).toEqual(wanted)
  }
  // Of the offsets file all is read, so it ends where the log does.
  writeFileSync(offsets, Buffer.concat([wanted[0] ?? Buffer.alloc(0), Buffer.alloc(80, 1)]))
  await reopen(path)
  expect(readFileSync(offsets)).toEqual(wanted[0])
})

describe("a last slot that was not written whole", () => {
  const counts = [3, 5, 110]

  /** The log with its last slot, which nobody was told of; and where that slot stands. */
  async function unacknowledged() {
    const path = newDirectory()
    const log = new NaiveLog()
    const plans = log.slots(counts, 60)
    const store = await openStore(path)
    await commit(store, plans.slice(0, -1))
    await store.commit(plans.at(-1) as (typeof plans)[number])
    await store.close()
    const from = offsetsInSegment(plans).at(-1) ?? 0
    return { path, from, to: from + (plans.at(-1)?.bytes.length ?? 0) }
  }

  const sector = 512
  const torn: [string, (slot: Buffer, sectors: number) => void][] = [
    ["its end is missing", (slot, sectors) => slot.fill(0, sectors * sector)],
    ["its end is something older", (slot, sectors) => slot.fill(0x5a, sectors * sector)],
    [
      "a sector within is missing",
      (slot, sectors) => slot.fill(0, sectors * sector, (sectors + 1) * sector),
    ],
    [
      "a byte of a sector is another",
      (slot, sectors) => {
        const at = sectors * sector + 300
        slot[at] = (slot[at] ?? 0) ^ 1
      },
    ],
  ]
  test.each(torn)("is none, at every sector: %s", async (_, tear) => {
    const { path, from, to } = await unacknowledged()
    const whole = readFileSync(segmentOf(path)).subarray(0, to + 65_536)
    const before = shorter(counts, 60)
    // What follows the last byte is padding: without that the slot is whole.
    const used = Math.floor(whole.subarray(from, to).findLastIndex((byte) => byte !== 0) / sector)
    expect(used).toBeGreaterThan(8)
    for (let sectors = 0; sectors < used; sectors++) {
      const file = Buffer.from(whole)
      tear(file.subarray(from, to), sectors)
      writeFileSync(segmentOf(path), file)
      const { end, seen } = await reopen(path)
      expect(end, `sector ${sectors}`).toMatchObject(endOf(before))
      expect(seen.slots).toHaveLength(2)
    }
  })

  test("is taken if all of it is there, and the log goes on behind it", async () => {
    const { path } = await unacknowledged()
    const log = new NaiveLog()
    log.slots(counts, 60)
    expect((await reopen(path)).end).toMatchObject(endOf(log))
  })

  test("is overwritten by the next one", async () => {
    const { path, from } = await unacknowledged()
    const file = readFileSync(segmentOf(path))
    file.fill(0, from + 4096, from + 8192)
    writeFileSync(segmentOf(path), file)
    const log = shorter(counts, 60)
    const store = await openStore(path)
    await commit(store, log.slots([1, 1, 1]))
    await store.close()
    expect((await reopen(path)).end).toMatchObject(endOf(log))
  })

  test("means damage if somebody was told of it", async () => {
    const { path, log } = await writeLog(counts, 60)
    const file = readFileSync(segmentOf(path))
    const at = offsetsInSegment(log.plans).at(-1) ?? 0
    file.fill(0, at + 4096, at + 8192)
    writeFileSync(segmentOf(path), file)
    await expect(reopen(path)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
  })
})

describe("is damaged:", () => {
  const counts = [4, 80, 4, 4]

  test("one flipped bit in a slot that others follow", async () => {
    const { path, log } = await writeLog(counts)
    rmSync(filePath(path, "head")) // Not even the head is needed to see it.
    const whole = readFileSync(segmentOf(path)).subarray(0, 1 << 20)
    const [first = 0, second = 0] = offsetsInSegment(log.plans)
    const { bytes } = log.plans[1] ?? { bytes: new Uint8Array() }
    const tail = bytes.lastIndexOf("r".charCodeAt(0))
    const places = [first, first + 60, first + 100, second + 7, second + 17, second + 130]
    const records = [0, 1, 2, 700, 2000].map((at) => second + slotHeaderBytes + at)
    for (const at of [...places, ...records, second + tail]) {
      const file = Buffer.from(whole)
      file[at] = (file[at] ?? 0) ^ 0x10
      writeFileSync(segmentOf(path), file)
      await expect(reopen(path), `byte ${at}`).rejects.toMatchObject({ code: "LOG_DAMAGED" })
    }
  })

  test("a slot that is missing before a later one", async () => {
    const { path, log } = await writeLog(counts)
    rmSync(filePath(path, "head"))
    const file = readFileSync(segmentOf(path))
    const [, second = 0, third = 0] = offsetsInSegment(log.plans)
    file.fill(0, second, third)
    writeFileSync(segmentOf(path), file)
    await expect(reopen(path)).rejects.toThrow("a later slot stands behind a hole")
  })

  test("slots in another order, each of them whole", async () => {
    const { path, log } = await writeLog([1, 1, 1, 1])
    rmSync(filePath(path, "head"))
    const file = readFileSync(segmentOf(path))
    const [, second = 0, third = 0] = offsetsInSegment(log.plans)
    const swapped = Buffer.from(file)
    file.copy(swapped, second, third, third + 4096)
    file.copy(swapped, third, second, second + 4096)
    writeFileSync(segmentOf(path), swapped)
    await expect(reopen(path)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
  })

  test("a head that knows more entries, more slots, or another root", async () => {
    const { path, log } = await writeLog([4, 4])
    const { root } = log.plans.at(-1) ?? { root: new Uint8Array(32) }
    const head = { slot: 1, size: 8, segment: 0, end: 8192, time: 1001, root, minimum: 0 }
    const other = new Uint8Array(32).fill(1)
    for (const more of [{ size: 9 }, { slot: 2 }, { slot: 2, size: 9 }, { root: other }]) {
      writeFileSync(filePath(path, "head"), encodeHead({ ...head, ...more }))
      await expect(reopen(path)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
    }
    writeFileSync(filePath(path, "head"), encodeHead({ ...head, size: 4, slot: 0 }))
    expect((await reopen(path)).end.size).toBe(8) // It may lag behind: it is not synced.
  })

  test("a segment's start that cannot be read", async () => {
    const { path } = await writeLog([4])
    const start = segmentPath(path, 0, "start")
    const text = readFileSync(start, "utf8")
    for (const spoiled of [
      "",
      "{",
      "{}",
      text.replace('"slot":0', '"slot":"0"'),
      text.slice(0, -9),
      text.replace('"slot":0', '"slot":1'),
      `${text}x`,
    ]) {
      writeFileSync(start, spoiled)
      await expect(reopen(path), spoiled.slice(0, 20)).rejects.toMatchObject({
        code: "LOG_DAMAGED",
      })
    }
  })
})

describe("what was signed", () => {
  async function signed(text: string) {
    const { path, log } = await writeLog([4, 4])
    writeFileSync(filePath(path, "last-signed"), text)
    return { path, log }
  }

  test("may be as large as the log, not larger", async () => {
    const { path, log } = await signed("")
    const say = (size: number, root: Uint8Array) => {
      const text = JSON.stringify({ size, root: formatBase64(root) })
      writeFileSync(filePath(path, "last-signed"), text)
    }
    say(8, log.root())
    expect((await reopen(path)).end.size).toBe(8)
    say(4, log.root(4))
    expect((await reopen(path)).end.size).toBe(8)
    say(9, log.root())
    await expect(reopen(path)).rejects.toMatchObject({ code: "LOG_ROLLED_BACK" })
    say(8, log.root(7))
    await expect(reopen(path)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
  })

  test("must be what the log begins with, even if the log goes further", async () => {
    const { path, log } = await signed("")
    for (const [size, root] of [
      [4, log.root(3)], // Another continuation from before on.
      [6, log.root(6)], // No slot ends there, so nobody signed it.
      [0, log.root(1)],
    ] as const) {
      const text = JSON.stringify({ size, root: formatBase64(root) })
      writeFileSync(filePath(path, "last-signed"), text)
      await expect(reopen(path), `${size}`).rejects.toMatchObject({ code: "LOG_DAMAGED" })
    }
  })

  test.each(["{", "[]", '{"size":"8","root":""}', '{"size":8.5,"root":""}', '{"size":8}'])(
    "is not guessed from %s",
    async (text) => {
      const { path } = await signed(text)
      await expect(reopen(path)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
    },
  )
})

describe("a directory", () => {
  test("of another origin or format is refused", async () => {
    const { path } = await writeLog([1])
    const other = LogStore.open(path, "other.test/log", new Seen())
    await expect(other).rejects.toMatchObject({ code: "LOG_FORMAT" })
    const file = filePath(path, "log.json")
    const text = readFileSync(file, "utf8")
    writeFileSync(file, text.replace("log@v1", "log@v2"))
    await expect(reopen(path)).rejects.toMatchObject({ code: "LOG_FORMAT" })
    writeFileSync(file, "not json")
    await expect(reopen(path)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
  })

  test("is made private", async () => {
    const { path } = await writeLog([1])
    expect(statSync(path).mode & 0o027).toBe(0)
    for (const file of ["log.json", "head", "segments/0000000000000000.seg"]) {
      expect(statSync(`${path}/${file}`).mode & 0o027, file).toBe(0)
    }
    expect(existsSync(`${path}/log.json.new`)).toBe(false)
  })
})
