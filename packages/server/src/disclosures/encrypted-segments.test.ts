import { createDecipheriv, createHmac, randomBytes } from "node:crypto"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { zstdDecompressSync } from "node:zlib"
import type { PosternError } from "@postern/log/base"
import fc from "fast-check"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import {
  lendSegmentKeys,
  listCompressed,
  nodeFiles,
  openSegment,
  openSegmentNow,
  packSegment,
  segmentPath,
} from "../disk/index.ts"
import { makeSegmentKeys, openSegmentKeys, segmentKeyFiles, segmentKeyMaker } from "./index.ts"

/** What is read is read anew each time. */
const keptNot = { find: () => undefined, keep: () => undefined }

const base = mkdtempSync(join(tmpdir(), "postern-encrypted-"))
const sealing = join(base, "sealing")
const log = join(base, "log")
const blockBytes = 4096
const headerBytes = 192
const rowBytes = 36
const blocks = 11
const firsts = [0, 300] as const
/** Of which every stretch is another one, with a short last block; the two differ. */
const plain: ReadonlyMap<number, Buffer> = new Map(
  firsts.map((first) => [first, Buffer.alloc(41_000)]),
)
const packed = new Map<number, Buffer>()
const undo: (() => void)[] = []

/** What reads a range, both ways. */
const readers = {
  async async(first: number, at: number, length: number): Promise<Buffer> {
    const segment = await openSegment(segmentPath(log, first, "seg"))
    try {
      const target = Buffer.alloc(length)
      return target.subarray(0, await segment.read(target, 0, length, at))
    } finally {
      await segment.close()
    }
  },
  async now(first: number, at: number, length: number): Promise<Buffer> {
    const segment = openSegmentNow(segmentPath(log, first, "seg"), keptNot)
    try {
      const target = Buffer.alloc(length)
      return target.subarray(0, segment.read(target, length, at))
    } finally {
      segment.close()
    }
  },
}
const ways = ["async", "now"] as const

async function encrypt(first: number): Promise<Buffer> {
  const file = segmentPath(log, first, "segz")
  const { current } = await makeSegmentKeys(sealing)
  writeFileSync(segmentPath(log, first, "seg"), plain.get(first) ?? "")
  await packSegment(log, first, nodeFiles, blockBytes, segmentKeyMaker(current))
  renameSync(`${file}.new`, file)
  rmSync(segmentPath(log, first, "seg"))
  return readFileSync(file)
}

function lend(directory = sealing): void {
  undo.push(lendSegmentKeys(openSegmentKeys(directory)))
}

beforeAll(async () => {
  mkdirSync(join(log, "segments"), { recursive: true })
  mkdirSync(sealing)
  const takeBack = lendSegmentKeys(openSegmentKeys(sealing))
  for (const first of firsts) {
    const bytes = plain.get(first) ?? Buffer.alloc(0)
    for (let at = 0; at < 30_000; at++) {
      bytes[at] = Math.imul(at + first, 2_654_435_761) >>> (at % 23)
    }
    packed.set(first, await encrypt(first))
  }
  takeBack()
})
afterEach(() => {
  for (const step of undo.splice(0)) step()
})
afterAll(() => rmSync(base, { recursive: true }))

const bytesOf = (first: number) => packed.get(first) ?? Buffer.alloc(0)

/** The file of a segment with other bytes, for as long as `look` takes. */
async function replaced(first: number, bytes: Uint8Array, look: () => Promise<void>) {
  const file = segmentPath(log, first, "segz")
  writeFileSync(file, bytes)
  await look().finally(() => writeFileSync(file, bytesOf(first)))
}

/** Where a block stands in the file, and how long it is. */
function placeOf(file: Buffer, block: number): { at: number; bytes: number } {
  let at = headerBytes + blocks * rowBytes
  const length = (one: number) => file.readUInt32BE(headerBytes + one * rowBytes)
  for (let one = 0; one < block; one++) at += length(one)
  return { at, bytes: length(block) }
}

describe("an encrypted segment", () => {
  test.each(ways)("is read at any place like the plain one (%s)", async (way) => {
    lend()
    const rangeOf = fc.tuple(fc.nat(50_000), fc.nat(50_000))
    await fc.assert(
      fc.asyncProperty(rangeOf, async ([at, length]) => {
        const found = await readers[way](300, at, length)
        expect(found.equals(bytesFrom(300, at, length))).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  test("holds nothing of the plain one, nor a digest of it, and each has its own key", async () => {
    const [one, other] = [bytesOf(0), bytesOf(300)]
    expect(one.subarray(92, 140).equals(other.subarray(92, 140))).toBe(false)
    for (const file of [one, other]) {
      for (let block = 0; block < blocks; block++) {
        const { at, bytes } = placeOf(file, block)
        expect(() => zstdDecompressSync(file.subarray(at, at + bytes))).toThrow()
      }
    }
    // Made once more it has another key: no nonce is used twice under one.
    lend()
    const again = await encrypt(0)
    const { at, bytes } = placeOf(again, 3)
    expect(again.subarray(at, at + bytes).equals(one.subarray(at, at + bytes))).toBe(false)
    writeFileSync(segmentPath(log, 0, "segz"), one)
  })

  test("is what the page says: opened by hand with nothing but the key file", () => {
    const file = bytesOf(300)
    const kek = Buffer.from(readFileSync(segmentKeyFiles(sealing).current, "latin1"), "base64")
    const kid = createHmac("sha256", kek).update("postern-segments-key-id/v1").digest("hex")
    expect(file.toString("latin1", 0, 8)).toBe("postsegz")
    expect([file.readUInt32BE(8), file.readUInt32BE(12)]).toEqual([2, blockBytes])
    expect(Number(file.readBigUInt64BE(64))).toBe(300)
    expect(file.toString("latin1", 72, 80)).toBe(kid.slice(0, 8))
    const key = open(kek, file.subarray(80, 92), file.subarray(0, 80), file.subarray(92, 140))
    const pieces = Array.from({ length: blocks }, (_, block) => {
      const { at, bytes } = placeOf(file, block)
      const [nonce, number] = [Buffer.alloc(12), Buffer.alloc(8)]
      nonce.writeUInt32BE(block, 8)
      number.writeUInt32BE(block, 4)
      const bound = Buffer.concat([file.subarray(0, 24), file.subarray(64, 72), number])
      return zstdDecompressSync(open(key, nonce, bound, file.subarray(at, at + bytes)))
    })
    expect(Buffer.concat(pieces).equals(plain.get(300) ?? Buffer.alloc(0))).toBe(true)
  })

  test("is named with the key that wraps its own", async () => {
    const { current } = await makeSegmentKeys(sealing)
    expect(await listCompressed(log)).toEqual(firsts.map((first) => ({ first, kid: current.kid })))
  })
})

function bytesFrom(first: number, at: number, length: number): Buffer {
  return (plain.get(first) ?? Buffer.alloc(0)).subarray(at, at + length)
}

function open(key: Uint8Array, nonce: Buffer, bound: Buffer, sealed: Buffer): Buffer {
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 })
  decipher.setAAD(bound)
  decipher.setAuthTag(sealed.subarray(sealed.length - 16))
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()])
}

test("the vector of an encrypted segment is opened", async () => {
  const vectors = JSON.parse(
    readFileSync(new URL("../../../../docs/spec/vectors/segments.json", import.meta.url), "utf8"),
  )
  const { first, encrypted } = vectors
  const place = join(base, "vector")
  const keys = join(place, "sealing")
  mkdirSync(join(place, "segments"), { recursive: true })
  mkdirSync(keys)
  writeFileSync(segmentKeyFiles(keys).current, `${encrypted.wrappingKey}\n`)
  writeFileSync(segmentPath(place, first, "segz"), Buffer.from(encrypted.file, "base64"))
  expect(await listCompressed(place)).toEqual([{ first, kid: encrypted.kid }])
  lend(keys)
  const segment = openSegmentNow(segmentPath(place, first, "seg"), keptNot)
  const found = Buffer.alloc(20_000)
  const length = segment.read(found, 20_000, 0)
  segment.close()
  expect(found.subarray(0, length).toString("base64")).toBe(vectors.plain)
})

describe("a key", () => {
  test.each(ways)(
    "that is not lent leaves the length known, and nothing else (%s)",
    async (way) => {
      const segment = await openSegment(segmentPath(log, 0, "seg"))
      expect(await segment.size()).toBe(41_000)
      await segment.close()
      await expect(readers[way](0, 0, 1)).rejects.toMatchObject({
        code: "SEGMENT_LOCKED",
        message: expect.stringContaining("0000000000000000.segz"),
        hint: expect.stringContaining("--config"),
      })
    },
  )

  test.each(ways)("of another directory opens nothing (%s)", async (way) => {
    const other = join(base, "other")
    mkdirSync(other, { recursive: true })
    await makeSegmentKeys(other)
    lend(other)
    await expect(readers[way](0, 0, 1)).rejects.toMatchObject({ code: "SEGMENT_LOCKED" })
    // Under the name of the right one it is not taken for it.
    const { current } = await makeSegmentKeys(sealing)
    renameSync(segmentKeyFiles(other).current, segmentKeyFiles(other).former(current.kid))
    await expect(readers[way](0, 0, 1)).rejects.toMatchObject({ code: "SEGMENT_LOCKED" })
    rmSync(other, { recursive: true })
  })

  test("that was followed by another one opens what it has wrapped", async () => {
    lend()
    const { current, former } = segmentKeyFiles(sealing)
    const { current: before } = await makeSegmentKeys(sealing)
    const text = readFileSync(current)
    renameSync(current, former(before.kid))
    // The current one of several is never made a second time.
    await expect(makeSegmentKeys(sealing)).rejects.toMatchObject({ code: "CONFIG_INVALID" })
    writeFileSync(current, `${randomBytes(32).toString("base64")}\n`)
    const after = await encrypt(300)
    expect(after.toString("latin1", 72, 80)).not.toBe(before.kid)
    for (const first of firsts) {
      expect((await readers.async(first, 0, 50_000)).equals(bytesFrom(first, 0, 50_000))).toBe(true)
    }
    writeFileSync(current, text)
    rmSync(former(before.kid))
    await expect(readers.async(300, 0, 1)).rejects.toMatchObject({ code: "SEGMENT_LOCKED" })
    writeFileSync(segmentPath(log, 300, "segz"), bytesOf(300))
  })

  test("that cannot open what was made keeps it from being taken", async () => {
    const { current } = await makeSegmentKeys(sealing)
    writeFileSync(segmentPath(log, 0, "seg"), bytesFrom(0, 0, 50_000))
    const made = packSegment(log, 0, nodeFiles, blockBytes, segmentKeyMaker(current))
    await expect(made).rejects.toMatchObject({ code: "SEGMENT_LOCKED" })
    expect(readdirSync(join(log, "segments")).filter((name) => name.endsWith(".new"))).toEqual([])
    rmSync(segmentPath(log, 0, "seg"))
  })
})

describe("damage of an encrypted segment", () => {
  test.each(ways)("at any byte is found, or changes nothing that is read (%s)", async (way) => {
    lend()
    const file = bytesOf(0)
    for (let at = 0; at < file.length; at += at < 240 ? 1 : 211) {
      const damaged = Buffer.from(file)
      damaged[at] = (damaged[at] as number) ^ (1 << (at % 8))
      await replaced(0, damaged, async () => {
        const found = await readers[way](0, 0, 50_000).catch((error: PosternError) => error)
        expect(found, `byte ${at}`).toMatchObject({ code: "LOG_DAMAGED" })
      })
    }
  })

  test.each(ways)("a file that is cut off or goes on is refused (%s)", async (way) => {
    lend()
    const file = bytesOf(0)
    const cut = [0, 1, 95, 96, 191, 192, 300, file.length - 1].map((end) => file.subarray(0, end))
    for (const bytes of [...cut, Buffer.concat([file, Buffer.alloc(1)])]) {
      await replaced(0, bytes, async () => {
        await expect(readers[way](0, 0, 1)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
      })
    }
  })

  test("in one block leaves the others readable", async () => {
    lend()
    const damaged = Buffer.from(bytesOf(0))
    const { at } = placeOf(damaged, 4)
    damaged[at + 20] = (damaged[at + 20] as number) ^ 1
    await replaced(0, damaged, async () => {
      const error = await readers.async(0, 0, 50_000).catch((one: PosternError) => one)
      expect(error).toMatchObject({ detail: expect.stringContaining(`at byte ${at}: block 4 `) })
      for (const [from, to] of [
        [0, 4],
        [5, blocks],
      ] as const) {
        const [begin, length] = [from * blockBytes, (to - from) * blockBytes]
        const found = await readers.async(0, begin, length)
        expect(found.equals(bytesFrom(0, begin, length))).toBe(true)
      }
    })
  })

  test("blocks that changed places, in a segment or between two, are found", async () => {
    lend()
    const [one, other] = [bytesOf(0), bytesOf(300)]
    // The last blocks are zeros and of one length: everything but the place and the key is the same.
    const [from, to] = [placeOf(one, 8), placeOf(one, 9)]
    expect(from.bytes).toBe(to.bytes)
    const within = Buffer.from(one)
    one.copy(within, to.at, from.at, from.at + from.bytes)
    const between = Buffer.from(one)
    const there = placeOf(other, 9)
    expect(there.bytes).toBe(to.bytes)
    other.copy(between, to.at, there.at, there.at + there.bytes)
    for (const bytes of [within, between]) {
      await replaced(0, bytes, async () => {
        await expect(readers.async(0, 9 * blockBytes, 1)).rejects.toMatchObject({
          code: "LOG_DAMAGED",
          message: expect.stringContaining("block 9 "),
        })
      })
    }
  })

  test("a whole file in the place of another one is not taken for it", async () => {
    lend()
    await replaced(0, bytesOf(300), async () => {
      await expect(readers.async(0, 0, 1)).rejects.toMatchObject({
        message: expect.stringContaining("it is the segment of entry 300"),
      })
    })
  })

  test("a key's name that leads elsewhere is none", async () => {
    lend()
    const file = Buffer.from(bytesOf(0))
    file.write("../../xx", 72, "latin1")
    await replaced(0, file, async () => {
      await expect(readers.async(0, 0, 1)).rejects.toMatchObject({ code: "LOG_DAMAGED" })
    })
    expect(existsSync(segmentKeyFiles(sealing).current)).toBe(true)
  })
})
