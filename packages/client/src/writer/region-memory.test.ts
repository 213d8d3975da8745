import { createHash } from "node:crypto"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { RegionBuffer } from "./region-buffer.ts"
import { RegionMemory } from "./region-memory.ts"
import { makeDirectory, openSpool, remove } from "./spool.test.support.ts"

const filled = (bytes: number, with_: number): Buffer => Buffer.alloc(bytes, with_ % 256)

describe("memory for regions", () => {
  it("is one region's at a time, however they are given back", () => {
    const step = fc.oneof(
      fc.integer({ min: 1, max: 65_536 }).map((bytes) => ({ bytes })),
      fc.nat().map((back) => ({ back })),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const memory = new RegionMemory()
        const live: { region: Buffer; expected: Buffer }[] = []
        for (const [at, next] of steps.entries()) {
          if ("bytes" in next) {
            const expected = filled(next.bytes, at)
            live.push({ region: memory.copyOf(expected), expected })
          } else {
            const [gone] = live.splice(next.back % Math.max(1, live.length), 1)
            if (gone !== undefined) memory.giveBack(gone.region)
          }
          for (const { region, expected } of live) expect(region.equals(expected)).toBe(true)
        }
      }),
    )
  })

  it("is used again", () => {
    const memory = new RegionMemory()
    const first = memory.copyOf(filled(60_000, 1))
    memory.giveBack(first)
    expect(memory.copyOf(filled(50_000, 2)).buffer).toBe(first.buffer)
    expect(memory.copyOf(filled(50_000, 3)).buffer).not.toBe(first.buffer)
  })

  it("is at most twice what lies in it", () => {
    const memory = new RegionMemory()
    for (let bytes = 1; bytes <= 65_536; bytes += 61) {
      const region = memory.copyOf(filled(bytes, bytes))
      const isOwn = bytes < 4096
      if (!isOwn) expect(region.buffer.byteLength).toBeLessThanOrEqual(2 * Math.max(bytes, 4096))
      memory.giveBack(region)
    }
  })

  it("takes back once, and nothing that is not its own", () => {
    const memory = new RegionMemory()
    const region = memory.copyOf(filled(8_000, 1))
    for (const each of [region, region, Buffer.alloc(8_192)]) memory.giveBack(each)
    const buffers = [1, 2, 3].map((at) => memory.copyOf(filled(8_000, at)).buffer)
    expect(new Set(buffers).size).toBe(3)
    expect(buffers).toContain(region.buffer)
  })
})

it("a region that is gathered is as it was while the next one is", () => {
  const gathered = new RegionBuffer(60_000, new RegionMemory())
  gathered.add(filled(6_000, 1))
  const { count, region } = gathered.take()
  gathered.add(filled(50_000, 2))
  expect([count, gathered.count, region.length]).toEqual([1, 1, 6_004])
  expect(region.subarray(4).equals(filled(6_000, 1))).toBe(true)
  expect(gathered.hasRoomFor(9_000)).toBe(true)
  expect(gathered.hasRoomFor(10_000)).toBe(false)
})

describe("a spool", () => {
  it("has of every frame in memory, and of every one that is read again, the bytes that it was given", async () => {
    const directory = makeDirectory()
    const spool = await openSpool(directory, { segmentBytes: 2 ** 21, segmentsMax: 6 })
    const given = new Map<number, Buffer>()
    const digest = new Uint8Array(32)
    let reread = 0
    try {
      for (let i = 0; i < 400; i++) {
        const hash = createHash("sha256").update(`${i}`).digest()
        const region = spool.regions.copyOf(
          Buffer.alloc(2_000 + (hash.readUInt16BE(0) % 58_000), hash),
        )
        const { end } = spool
        const isAdded = (await spool.append([{ kind: "batch", count: 1, region }])) === 1
        if (isAdded) given.set(end, Buffer.from(region))
        // At first all are kept, so that there are more than stay in memory; then they go as others come.
        if (!isAdded || i > 250) {
          spool.settle(spool.anchor.position + 1, digest, 0)
          await spool.recorded()
        }
        const frame = spool.queue.find(
          spool.anchor.position + (hash.readUInt16BE(2) % spool.queue.length),
        )
        if (frame !== undefined && frame.region === undefined) {
          reread += 1
          await spool.load(frame)
          expect(frame.region).toBeDefined()
        }
        for (const each of spool.queue) {
          if (each.region === undefined) continue
          expect(given.get(each.position)?.equals(each.region)).toBe(true)
        }
      }
      expect(reread).toBeGreaterThan(20)
      expect(spool.anchor.position).toBeGreaterThan(100)
    } finally {
      await spool.close()
      remove(directory)
    }
  })
})
