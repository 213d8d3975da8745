import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { NewFrame } from "./append-plan.ts"
import { recordBytes, recordHeaderBytes } from "./record.ts"
import {
  appendAll,
  copyAsFound,
  makeDirectory,
  makeFrame,
  makeLarge,
  Oracle,
  openSpool,
  remove,
  small,
  tearLastWrite,
} from "./spool.test.support.ts"
import type { Spool } from "./spool.ts"
import { endOf } from "./spool-frame.ts"
import { systemWorld } from "./world.ts"

const digest = new Uint8Array(32)
let directory = ""
beforeEach(() => {
  directory = makeDirectory()
})
afterEach(() => remove(directory))

type Action =
  | { readonly do: "append"; readonly sizes: readonly number[] }
  | { readonly do: "settle" | "drop"; readonly share: number }
  | { readonly do: "reopen" | "kill" | "sync" }
  | { readonly do: "large"; readonly sizes: readonly number[] }
  | { readonly do: "tear"; readonly sizes: readonly number[]; readonly share: number }

const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 })
const partSizes = fc.array(fc.integer({ min: 1, max: 2500 }), { minLength: 1, maxLength: 4 })
const share = fc.double({ min: 0, max: 0.999, noNaN: true })
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: sizes.map((each) => ({ do: "append" as const, sizes: each })) },
  { weight: 2, arbitrary: partSizes.map((each) => ({ do: "large" as const, sizes: each })) },
  { weight: 3, arbitrary: share.map((each) => ({ do: "settle" as const, share: each })) },
  { weight: 1, arbitrary: share.map((each) => ({ do: "drop" as const, share: each })) },
  { weight: 2, arbitrary: fc.constantFrom({ do: "reopen" as const }, { do: "kill" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "sync" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("tear" as const), sizes, share }),
  },
)

/** A spool beside its oracle. */
class Trial {
  readonly oracle = new Oracle()
  readonly isPreallocated: boolean
  readonly directories: string[] = []
  spool!: Spool
  #made = 0
  /** What found no room yet comes first. */
  #left: readonly NewFrame[] = []

  constructor(isPreallocated: boolean) {
    this.isPreallocated = isPreallocated
  }

  async open(path: string): Promise<void> {
    if (!this.directories.includes(path)) this.directories.push(path)
    this.spool = await openSpool(path, { isPreallocated: this.isPreallocated })
  }

  #frames(counts: readonly number[]): NewFrame[] {
    return counts.map((count) => makeFrame(`f${this.#made++}`, count))
  }

  async run(next: Action): Promise<void> {
    const { oracle, spool } = this
    const path = this.directories.at(-1) ?? ""
    switch (next.do) {
      case "append": {
        return this.#append(this.#frames(next.sizes))
      }
      case "large":
        return this.#append([makeLarge(`f${this.#made++}`, next.sizes), ...this.#frames([2])])
      case "settle": {
        const end = oracle.settle(next.share)
        if (end !== undefined) spool.settle(end, digest, 1)
        return
      }
      case "drop": {
        const span = spool.end - spool.anchor.position
        spool.dropOldest(spool.anchor.position + Math.floor(span * next.share))
        oracle.drop(spool)
        return spool.recorded()
      }
      case "sync":
        return spool.sync()
      case "reopen":
        this.#left = []
        await spool.close()
        return this.open(path)
      case "kill": {
        this.#left = []
        const copy = copyAsFound(path)
        await spool.close()
        return this.open(copy)
      }
      case "tear":
        return this.#tear(path, next.sizes, next.share)
    }
  }

  async #append(frames: readonly NewFrame[]): Promise<void> {
    const all = [...this.#left, ...frames]
    const done = await appendAll(this.spool, all)
    for (const frame of all.slice(0, done)) this.oracle.append(frame)
    this.#left = all.slice(done)
  }

  /** Killed in the middle of a write: what is whole is there, what is not is as if it had never been begun. */
  async #tear(path: string, counts: readonly number[], share: number): Promise<void> {
    await this.#append([])
    const isLarge = this.#left.length === 0 && share < 0.3
    const before = copyAsFound(path)
    const end = this.spool.end
    const [plain = makeFrame("", 1)] = this.#frames(counts)
    const frame = isLarge ? makeLarge(`f${this.#made++}`, [300, 700]) : plain
    const done = this.#left.length > 0 ? 0 : await this.spool.append([frame])
    const after = copyAsFound(path)
    const isWhole = share > 0.8
    // Of a large one, the first part.
    const bytes = recordHeaderBytes + (frame.parts?.[0] ?? frame.region).length
    this.#left = []
    if (!isWhole && done === 1)
      tearLastWrite(before, after, Math.floor((share / 0.8) * (bytes - 1)))
    await this.spool.close()
    await this.open(after)
    this.directories.push(before)
    this.directories.push(after)
    if (done === 1 && isWhole) this.oracle.append(frame)
    expect(this.spool.end).toBe(done === 1 && isWhole ? end + (counts[0] ?? 0) : end)
  }
}

describe("a spool and an array", () => {
  it.each([false, true])(
    "hold the same, whatever happens (preallocated: %s)",
    async (isPreallocated) => {
      await fc.assert(
        fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (actions) => {
          const trial = new Trial(isPreallocated)
          await trial.open(makeDirectory())
          try {
            for (const next of actions) {
              await trial.run(next)
              expect(await trial.oracle.faults(trial.spool)).toEqual([])
              expect(trial.spool.damagedEvents).toBe(0)
            }
          } finally {
            await trial.spool.close()
            remove(...trial.directories)
          }
        }),
        { numRuns: 40 },
      )
    },
  )

  it("hold the same for a write that was cut at any byte", async () => {
    const spool = await openSpool(directory)
    await spool.append([makeFrame("whole", 3)])
    const before = copyAsFound(directory)
    const torn = makeFrame("torn", 1)
    await spool.append([torn])
    const after = copyAsFound(directory)
    await spool.close()
    const bytes = recordHeaderBytes + torn.region.length
    for (let cut = 0; cut <= bytes; cut++) {
      const found = copyAsFound(after)
      tearLastWrite(before, found, cut)
      const again = await openSpool(found)
      expect(again.end).toBe(cut === bytes ? 4 : 3)
      // What comes next stands where the torn record began.
      await again.append([makeFrame("next", 2)])
      await again.close()
      const last = await openSpool(found)
      expect(last.end).toBe(cut === bytes ? 6 : 5)
      expect(last.damagedEvents).toBe(0)
      await last.close()
      remove(found)
    }
    remove(before, after)
  })
})

describe("a frame with disclosures", () => {
  const large = () => makeLarge("large", [1500, 2500, 40])
  const gone = (spool: Spool) => [...spool.queue].map(({ kind, count }) => [kind, count])

  it("is there with all of its parts or as if it had never been begun, wherever the write was cut", async () => {
    const spool = await openSpool(directory)
    const plain = makeFrame("plain", 2)
    await spool.append([plain])
    const empty = copyAsFound(directory)
    const frame = makeLarge("large", [200, 300])
    await spool.append([frame])
    const after = copyAsFound(directory)
    await spool.close()
    const bytes = recordBytes(33 + 200) + recordBytes(33 + 300) + 48 + frame.region.length
    for (let cut = 0; cut < bytes + 7; cut += 7) {
      const found = copyAsFound(after)
      tearLastWrite(empty, found, cut)
      const again = await openSpool(found)
      const isWhole = again.end === 3
      expect(isWhole).toBe(cut >= bytes)
      // What comes next is not mixed with what was left behind, be it larger or smaller.
      const next = cut % 2 === 0 ? makeFrame("next", 1) : makeLarge("other", [100, 350, 20])
      expect(await again.append([next])).toBe(1)
      await again.close()
      const last = await openSpool(found)
      const expected = new Oracle()
      for (const each of [plain, ...(isWhole ? [frame] : []), next]) expected.append(each)
      expect(await expected.faults(last)).toEqual([])
      await last.close()
      remove(found)
    }
    remove(empty, after)
  })

  it("is a gap if one of its parts is damaged", async () => {
    for (const at of [0, 1, 2]) {
      const path = makeDirectory()
      const spool = await openSpool(path)
      await appendAll(spool, [makeFrame("a", 2), large(), makeFrame("b", 3)])
      await spool.close()
      for (const name of readdirSync(path).filter((name) => name.startsWith("segment"))) {
        const bytes = readFileSync(join(path, name))
        const from = bytes.indexOf(`large.${at}`)
        if (from < 0) continue
        bytes[from] = 0x58
        writeFileSync(join(path, name), bytes)
      }
      const again = await openSpool(path)
      expect(again.damagedEvents).toBe(1)
      expect(gone(again)).toEqual([
        ["batch", 2],
        ["gap", 1],
        ["batch", 3],
      ])
      await again.close()
      remove(path)
    }
  })

  it("that finds no room at once goes on where it stopped, and its parts leave with it", async () => {
    const spool = await openSpool(directory)
    const oracle = new Oracle()
    const first = makeLarge("first", [3000, 3000])
    const second = makeLarge("second", [3000, 3000, 3000])
    expect(await spool.append([first, second])).toBe(1)
    oracle.append(first)
    const room = new Promise<void>((resolve) => {
      spool.onRoom = resolve
    })
    spool.settle(1, digest, 1)
    await room
    expect(await spool.append([second])).toBe(1)
    oracle.append(second)
    oracle.settle(0)
    expect(await oracle.faults(spool)).toEqual([])
    spool.settle(2, digest, 1)
    await spool.close()
    const again = await openSpool(directory)
    expect(again.queue.length).toBe(0)
    expect(await again.append([second])).toBe(1)
    await again.close()
  })

  it("is given up whole with the file that holds any of it", async () => {
    const spool = await openSpool(directory)
    await appendAll(spool, [makeFrame("a", 2), large(), makeFrame("b", 3), makeLarge("c", [3000])])
    while ((await spool.append([makeFrame("x".repeat(300), 3)])) === 1);
    expect(spool.dropOldest(2)).toBeDefined()
    expect(gone(spool).slice(0, 3)).toEqual([
      ["batch", 2],
      ["gap", 4],
      ["batch", 1],
    ])
    await spool.recorded()
    await spool.close()
  })
})

describe("a spool", () => {
  it("takes nothing more when it is full, and does again when frames are settled", async () => {
    const spool = await openSpool(directory)
    let done = 1
    while (done === 1) done = await spool.append([makeFrame("x".repeat(300), 3)])
    expect(readdirSync(directory).filter((name) => name.startsWith("segment-"))).toHaveLength(4)
    const room = new Promise<void>((resolve) => {
      spool.onRoom = resolve
    })
    const half = [...spool.queue][Math.floor(spool.queue.length / 2)]!
    spool.settle(endOf(half), digest, 1)
    await room
    expect(await spool.append([makeFrame("x".repeat(300), 3)])).toBe(1)
    await spool.close()
  })

  it.each([false, true])(
    "keeps what is live on disk while files come and go (preallocated: %s)",
    async (isPreallocated) => {
      const spool = await openSpool(directory, { isPreallocated })
      const oracle = new Oracle()
      for (let i = 0; i < 400; i++) {
        const frame = makeFrame(`${i}.${"x".repeat(i % 500)}`, 1 + (i % 5))
        if ((await spool.append([frame])) === 1) oracle.append(frame)
        // Acknowledgements do not wait for the disk: files are freed while others are written.
        const end = oracle.settle(i % 7 === 0 ? 0.9 : 0.2)
        if (end !== undefined) spool.settle(end, digest, 1)
        if (i % 50 !== 49) continue
        const copy = copyAsFound(directory)
        const found = await openSpool(copy, { isPreallocated })
        expect(await oracle.faults(found)).toEqual([])
        await found.close()
        remove(copy)
      }
      await spool.close()
    },
  )

  it("gives up the oldest file for one gap, but not what was sent", async () => {
    const spool = await openSpool(directory)
    while ((await spool.append([makeFrame("x".repeat(300), 3)])) === 1);
    const sentEnd = endOf(spool.queue.first!)
    const loss = spool.dropOldest(sentEnd)
    const [first, gap, third] = [...spool.queue]
    expect(first?.kind).toBe("batch")
    expect(gap?.kind).toBe("batch") // In the same file as what was sent.
    expect(loss?.events).toBeGreaterThan(0)
    const dropped = [...spool.queue].find(({ kind }) => kind === "gap")
    expect(dropped?.count).toBe(loss?.events)
    expect(third).toBeDefined()
    // A second one beside it becomes part of it.
    const more = spool.dropOldest(sentEnd)
    const gaps = [...spool.queue].filter(({ kind }) => kind === "gap")
    expect(gaps).toHaveLength(1)
    expect(gaps[0]?.count).toBe((loss?.events ?? 0) + (more?.events ?? 0))
    await spool.close()
    const again = await openSpool(directory)
    expect([...again.queue].map(({ kind, count }) => `${kind} ${count}`)).toEqual(
      [...spool.queue].map(({ kind, count }) => `${kind} ${count}`),
    )
    expect(again.damagedEvents).toBe(0)
    await again.close()
  })

  it("says how many events a damaged record held, and goes on behind it", async () => {
    const spool = await openSpool(directory)
    await appendAll(spool, [makeFrame("a", 2), makeFrame("b", 5), makeFrame("c", 3)])
    await spool.close()
    const path = join(directory, "segment-00")
    const bytes = readFileSync(path)
    bytes[bytes.indexOf('"b.1"') + 1] = 0x58
    writeFileSync(path, bytes)
    const again = await openSpool(directory)
    expect(again.damagedEvents).toBe(5)
    expect([...again.queue].map(({ kind, count }) => [kind, count])).toEqual([
      ["batch", 2],
      ["gap", 5],
      ["batch", 3],
    ])
    await again.close()
  })

  it("abandons a frame that cannot be read again", async () => {
    const spool = await openSpool(directory)
    await appendAll(spool, [makeFrame("a", 2), makeFrame("b", 5)])
    await spool.close()
    const again = await openSpool(directory)
    truncateSync(join(directory, "segment-00"), 100)
    const [, second] = [...again.queue]
    expect(await again.load(second!)).toBeUndefined()
    expect(again.abandon(second!)).toEqual({ events: 5, end: 7 })
    expect([...again.queue].map(({ kind }) => kind)).toEqual(["batch", "gap"])
    await again.close()
  })

  it("takes its space at the start and keeps it, where that was asked for", async () => {
    const spool = await openSpool(directory, { isPreallocated: true })
    const files = readdirSync(directory).filter((name) => name.startsWith("segment-"))
    expect(files).toHaveLength(small.segmentsMax)
    for (const name of files) {
      const { size, blocks } = statSync(join(directory, name))
      expect(size).toBe(small.segmentBytes)
      expect(blocks * 512).toBeGreaterThanOrEqual(small.segmentBytes)
    }
    for (let i = 0; i < 30; i++) {
      await spool.append([makeFrame("x".repeat(300), 3)])
      spool.settle(spool.end, digest, 1)
    }
    await spool.close()
    expect(readdirSync(directory).filter((name) => name.startsWith("segment-"))).toEqual(files)
  })

  it("lets everything of a lost `meta` be sent again, in a new stream", async () => {
    const spool = await openSpool(directory)
    await appendAll(spool, [makeFrame("a", 2), makeFrame("b", 5)])
    const { id } = spool.stream
    await spool.close()
    writeFileSync(join(directory, "meta"), Buffer.alloc(512))
    const again = await openSpool(directory)
    expect(again.stream.id).not.toBe(id)
    expect(again.queue.length).toBe(2)
    await again.close()
  })

  it("does not touch a directory of another version", async () => {
    const slot = Buffer.alloc(512)
    slot.write("pspmeta2", "ascii")
    writeFileSync(join(directory, "meta"), slot)
    await expect(openSpool(directory)).rejects.toMatchObject({ code: "SPOOL_DAMAGED" })
  })
})

describe("a spool that was lost in part", () => {
  it("knows how many events it held when its files are gone and `meta` is not", async () => {
    const spool = await openSpool(directory)
    await appendAll(spool, [makeFrame("a", 2), makeFrame("b", 5)])
    spool.settle(2, digest, 1)
    await spool.close()
    rmSync(join(directory, "segment-00"))
    const again = await openSpool(directory)
    expect(again.damagedEvents).toBe(5)
    expect([...again.queue].map(({ kind, position, count }) => [kind, position, count])).toEqual([
      ["gap", 2, 5],
    ])
    expect(again.stream).toEqual(spool.stream)
    await again.close()
  })

  it("remembers the stream that it was in before, and no other", async () => {
    const spool = await openSpool(directory)
    const first = spool.stream.id
    expect(spool.stream.previous).toBeUndefined()
    await spool.switchStream(systemWorld)
    await spool.close()
    const again = await openSpool(directory)
    expect(again.stream).toMatchObject({ id: spool.stream.id, previous: first })
    await again.close()
  })
})
