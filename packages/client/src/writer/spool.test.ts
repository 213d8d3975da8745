import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { NewFrame } from "./append-plan.ts"
import { endOf } from "./frame-queue.ts"
import { recordHeaderBytes } from "./record.ts"
import {
  copyAsFound,
  makeDirectory,
  makeFrame,
  Oracle,
  openSpool,
  remove,
  small,
  tearLastWrite,
} from "./spool.test.support.ts"
import type { Spool } from "./spool.ts"
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
  | { readonly do: "tear"; readonly sizes: readonly number[]; readonly share: number }

const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 })
const share = fc.double({ min: 0, max: 0.999, noNaN: true })
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: sizes.map((each) => ({ do: "append" as const, sizes: each })) },
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
        const frames = this.#frames(next.sizes)
        const done = await spool.append(frames)
        for (const frame of frames.slice(0, done)) oracle.append(frame)
        return
      }
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
        await spool.close()
        return this.open(path)
      case "kill": {
        const copy = copyAsFound(path)
        await spool.close()
        return this.open(copy)
      }
      case "tear":
        return this.#tear(path, next.sizes, next.share)
    }
  }

  /** Killed in the middle of a write: what is whole is there, what is not is as if it had never been begun. */
  async #tear(path: string, counts: readonly number[], share: number): Promise<void> {
    const before = copyAsFound(path)
    const end = this.spool.end
    const [frame] = this.#frames(counts)
    const done = await this.spool.append([frame as NewFrame])
    const after = copyAsFound(path)
    const isWhole = share > 0.8
    const bytes = recordHeaderBytes + (frame as NewFrame).region.length
    if (!isWhole) tearLastWrite(before, after, Math.floor((share / 0.8) * (bytes - 1)))
    await this.spool.close()
    await this.open(after)
    this.directories.push(before)
    this.directories.push(after)
    if (done === 1 && isWhole) this.oracle.append(frame as NewFrame)
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
    await spool.append([makeFrame("a", 2), makeFrame("b", 5), makeFrame("c", 3)])
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
    await spool.append([makeFrame("a", 2), makeFrame("b", 5)])
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
    await spool.append([makeFrame("a", 2), makeFrame("b", 5)])
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
    await spool.append([makeFrame("a", 2), makeFrame("b", 5)])
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
