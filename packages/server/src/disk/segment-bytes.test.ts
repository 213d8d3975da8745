import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { zstdCompressSync } from "node:zlib"
import { type PosternError, sha256 } from "@postern/log/base"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { segmentPath } from "./log-directory.ts"
import { nodeFiles } from "./node-files.ts"
import { encodePackedHeader, packedHeaderBytes, packedRowBytes } from "./packed-form.ts"
import { packSegment } from "./packing.ts"
import {
  type KeptBlocks,
  listCompressed,
  openSegment,
  openSegmentNow,
  packedPath,
} from "./segment-bytes.ts"
import { newDirectory, removeDirectories } from "./slots.test.support.ts"

const blockBytes = 4096
const headerBytes = packedHeaderBytes({})
/** Of which every stretch is another one, with a short last block. */
const plain = Buffer.alloc(41_000)
let path = ""
let packed: Buffer

class Kept extends Map<string, Uint8Array> implements KeptBlocks {
  find = (name: string): Uint8Array | undefined => this.get(name)
  keep = (name: string, bytes: Uint8Array): unknown => this.set(name, bytes)
}

/** What reads a range, both ways. */
const readers = {
  async async(at: number, length: number): Promise<Buffer> {
    const segment = await openSegment(path)
    try {
      const target = Buffer.alloc(length + 3)
      return target.subarray(3, 3 + (await segment.read(target, 3, length, at)))
    } finally {
      await segment.close()
    }
  },
  async now(at: number, length: number): Promise<Buffer> {
    const segment = openSegmentNow(path, new Kept())
    try {
      const target = Buffer.alloc(length)
      return target.subarray(0, segment.read(target, length, at))
    } finally {
      segment.close()
    }
  },
}
const ways = ["async", "now"] as const

beforeAll(async () => {
  for (let at = 0; at < 30_000; at++) plain[at] = Math.imul(at, 2_654_435_761) >>> (at % 23)
  const directory = newDirectory()
  path = segmentPath(directory, 0, "seg")
  await nodeFiles.makeDirectory(dirname(path))
  writeFileSync(path, plain)
  await packSegment(directory, 0, nodeFiles, blockBytes)
  renameSync(`${packedPath(path)}.new`, packedPath(path))
  rmSync(path)
  packed = readFileSync(packedPath(path))
})
afterAll(removeDirectories)

/** The compressed file with other bytes, for as long as `look` takes. */
async function replaced(bytes: Uint8Array, look: () => Promise<void>): Promise<void> {
  writeFileSync(packedPath(path), bytes)
  await look().finally(() => writeFileSync(packedPath(path), packed))
}

const rangeOf = fc.tuple(fc.nat(plain.length + 9000), fc.nat(plain.length + 9000))

describe("a compressed segment", () => {
  test.each(ways)("is read at any place like the plain one (%s)", async (way) => {
    await fc.assert(
      fc.asyncProperty(rangeOf, async ([at, length]) => {
        const found = await readers[way](at, length)
        expect(found.equals(plain.subarray(at, at + length))).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  test("is read right by many at once", async () => {
    const segment = await openSegment(path)
    const places = Array.from({ length: 50 }, (_, i) => (i * 7919) % plain.length)
    await Promise.all(
      places.map(async (at) => {
        const target = Buffer.alloc(6000)
        const read = await segment.read(target, 0, 6000, at)
        expect(target.subarray(0, read).equals(plain.subarray(at, at + 6000))).toBe(true)
      }),
    )
    await segment.close()
  })

  test("says how long the segment is, and gives way to a plain file beside it", async () => {
    const segment = await openSegment(path)
    expect(await segment.size()).toBe(plain.length)
    await segment.close()
    writeFileSync(path, "plain")
    expect((await readers.async(0, 9)).toString()).toBe("plain")
    expect((await readers.now(0, 9)).toString()).toBe("plain")
    rmSync(path)
  })

  test("that is not there is missed under the plain name", async () => {
    const missing = `${path}.other`
    await expect(openSegment(missing)).rejects.toMatchObject({ code: "ENOENT", path: missing })
    expect(() => openSegmentNow(missing, new Kept())).toThrow(
      expect.objectContaining({ code: "ENOENT" }),
    )
  })
})

test("a block that was kept is not read again, whoever opened its segment", async () => {
  const kept = new Kept()
  const target = Buffer.alloc(plain.length)
  const readAll = (): Buffer => {
    const segment = openSegmentNow(path, kept)
    segment.read(target, plain.length, 0)
    segment.close()
    return target
  }
  readAll()
  expect([...kept.keys()]).toEqual(
    Array.from({ length: Math.ceil(plain.length / blockBytes) }, (_, i) => `${path}/${i}`),
  )
  const damaged = Buffer.from(packed)
  damaged.fill(0xff, headerBytes + packedRowBytes * kept.size)
  await replaced(damaged, async () => expect(readAll().equals(plain)).toBe(true))
})

describe("damage", () => {
  test.each(ways)("of any byte is found, or changes nothing that is read (%s)", async (way) => {
    for (let at = 0; at < packed.length; at += at < 140 ? 1 : 211) {
      const damaged = Buffer.from(packed)
      damaged[at] = (damaged[at] as number) ^ (1 << (at % 8))
      await replaced(damaged, async () => {
        const found = await readers[way](0, plain.length).catch((error: PosternError) => error)
        if (Buffer.isBuffer(found)) expect(found.equals(plain), `byte ${at}`).toBe(true)
        else expect(found, `byte ${at}`).toMatchObject({ code: "LOG_DAMAGED" })
        if (at < headerBytes + packedRowBytes) expect(Buffer.isBuffer(found)).toBe(false)
        if (!Buffer.isBuffer(found)) expect(found.detail).toContain("0000000000000000.segz")
      })
    }
  })

  test.each(ways)("a file that is cut off or goes on is refused (%s)", async (way) => {
    for (const bytes of [0, 1, 95, 96, 131, packed.length - 1]) {
      await replaced(packed, async () => {
        truncateSync(packedPath(path), bytes)
        await expect(readers[way](0, 1)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
      })
    }
    await replaced(Buffer.concat([packed, Buffer.alloc(1)]), async () => {
      await expect(readers[way](0, 1)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
    })
  })

  test("leaves the other blocks readable, and who looks at damage reads on", async () => {
    const damaged = Buffer.from(packed)
    const second = headerBytes + 11 * packedRowBytes + packed.readUInt32BE(headerBytes)
    damaged.fill(0, second, second + 20)
    await replaced(damaged, async () => {
      expect((await readers.async(0, blockBytes)).equals(plain.subarray(0, blockBytes))).toBe(true)
      await expect(readers.async(blockBytes - 1, 2)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
      const told: string[] = []
      const segment = await openSegment(path, nodeFiles, ({ detail = "" }) => told.push(detail))
      const all = Buffer.alloc(plain.length)
      expect(await segment.read(all, 0, all.length, 0)).toBe(plain.length)
      await segment.close()
      const expected = Buffer.from(plain).fill(0xff, blockBytes, 2 * blockBytes)
      expect(all.equals(expected)).toBe(true)
      expect(told).toEqual([expect.stringContaining(`at byte ${second}: block 1 `)])
    })
    await replaced(Buffer.from("nothing"), async () => {
      const told: string[] = []
      const segment = await openSegment(path, nodeFiles, ({ detail = "" }) => told.push(detail))
      expect([await segment.size(), await segment.read(Buffer.alloc(9), 0, 9, 0)]).toEqual([0, 0])
      await segment.close()
      expect(told).toHaveLength(1)
    })
  })
})

/** A compressed file with these blocks, whose digests are right. */
function hostile(
  blocks: readonly { readonly stored: Uint8Array; readonly digest: Uint8Array }[],
  shape: { readonly bytes: number; readonly blockBytes: number },
): Buffer {
  const rows = Buffer.concat(
    blocks.map(({ stored, digest }) => {
      const row = Buffer.alloc(4)
      row.writeUInt32BE(stored.length)
      return Buffer.concat([row, digest])
    }),
  )
  const body = Buffer.concat([rows, ...blocks.map(({ stored }) => stored)])
  const fileBytes = headerBytes + body.length
  return Buffer.concat([encodePackedHeader({ ...shape, fileBytes, table: sha256(rows) }), body])
}

describe("a hostile file", () => {
  const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024))
  const digest = sha256(Buffer.alloc(4096))
  const shape = { bytes: 4096, blockBytes: 4096 }
  const cases: readonly (readonly [string, Buffer])[] = [
    ["a block that inflates to much more", hostile([{ stored: bomb, digest }], shape)],
    [
      "a block that inflates to less",
      hostile([{ stored: zstdCompressSync(Buffer.alloc(9)), digest }], shape),
    ],
    ["a block of nothing", hostile([{ stored: new Uint8Array(0), digest }], shape)],
    [
      "a block that is longer than zstd makes any",
      hostile([{ stored: Buffer.alloc(9000), digest }], shape),
    ],
    [
      "blocks of 1 GiB",
      hostile([{ stored: bomb, digest }], { bytes: 2 ** 30, blockBytes: 2 ** 30 }),
    ],
    [
      "blocks of no power of two",
      hostile([{ stored: bomb, digest }], { bytes: 5000, blockBytes: 5000 }),
    ],
    [
      "a segment of 2^60 bytes",
      hostile([{ stored: bomb, digest }], { bytes: 2 ** 60, blockBytes: 4096 }),
    ],
    ["no blocks for its length", hostile([], shape)],
  ]

  test.each(cases)("is refused: %s", async (_, bytes) => {
    await replaced(bytes, async () => {
      for (const way of ways) {
        await expect(readers[way](0, 4096)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
      }
    })
  })

  test("a sound one made the same way is read", async () => {
    const stored = zstdCompressSync(Buffer.alloc(4096))
    await replaced(hostile([{ stored, digest }], shape), async () => {
      expect((await readers.async(0, 5000)).equals(Buffer.alloc(4096))).toBe(true)
    })
  })
})

test("none are compressed in a directory that was made for a log to come", async () => {
  const directory = newDirectory()
  expect(await listCompressed(directory)).toEqual([])
  expect(await listCompressed(`${directory}/not-there`)).toEqual([])
})
