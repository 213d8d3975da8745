import { readFileSync } from "node:fs"
import { zstdDecompressSync } from "node:zlib"
import { sha256 } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import {
  decodePackedHeader,
  encodePackedHeader,
  type PackedHeader,
  PackedTable,
  packedHeaderBytes,
  packedHeaderBytesMax,
  packedRowBytes,
} from "./packed-form.ts"

const vectors = JSON.parse(
  readFileSync(new URL("../../../../docs/spec/vectors/segments.json", import.meta.url), "utf8"),
)
const plain = Buffer.from(vectors.plain, "base64")

/** As a reader sees it: what is shorter than the longest header ends in zeros. */
function startOf(file: Uint8Array): Buffer {
  const start = Buffer.alloc(packedHeaderBytesMax)
  start.set(file.subarray(0, packedHeaderBytesMax))
  return start
}

const headers: fc.Arbitrary<PackedHeader> = fc.record({
  bytes: fc.nat(1 << 28),
  blockBytes: fc.constantFrom(4096, 131_072, 262_144),
  fileBytes: fc.nat(1 << 28),
  table: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  lock: fc.option(
    fc.record({
      first: fc.nat(),
      kid: fc.stringMatching(/^[0-9a-f]{8}$/),
      wrapped: fc.uint8Array({ minLength: 60, maxLength: 60 }),
    }),
    { nil: undefined },
  ),
})

describe("the header", () => {
  test("says what was written, and no other bytes are one", () => {
    fc.assert(
      fc.property(headers, fc.nat(191), fc.integer({ min: 1, max: 255 }), (header, at, bits) => {
        const bytes = encodePackedHeader(header)
        const found = decodePackedHeader(startOf(bytes), header.fileBytes)
        const isSmall = header.bytes <= 65_536 * header.blockBytes
        expect(found === undefined).toBe(!isSmall)
        if (found !== undefined) expect(encodePackedHeader(found)).toEqual(bytes)
        const other = Buffer.from(bytes)
        other[at % bytes.length] = (other[at % bytes.length] as number) ^ bits
        expect(decodePackedHeader(startOf(other), header.fileBytes)).toBe(undefined)
        expect(decodePackedHeader(startOf(bytes), header.fileBytes + 1)).toBe(undefined)
      }),
    )
  })

  test("names a key by 8 hex digits, and by nothing that leads elsewhere", () => {
    const header = { bytes: 4096, blockBytes: 4096, fileBytes: 300, table: new Uint8Array(32) }
    const named = (kid: string) => {
      const lock = { first: 0, kid, wrapped: new Uint8Array(60) }
      return decodePackedHeader(startOf(encodePackedHeader({ ...header, lock })), 300)?.lock?.kid
    }
    expect(named("0123abcd")).toBe("0123abcd")
    for (const other of ["../../xx", "0123ABCD", "0123abc\n", "0123abc", ""]) {
      expect(named(other)).toBe(undefined)
    }
  })

  test("is none of whatever else comes, with its hash right or not", () => {
    const noise = fc.uint8Array({ minLength: 192, maxLength: 192 })
    fc.assert(
      fc.property(noise, fc.constantFrom(1, 2, 3), fc.boolean(), (bytes, version, isHashed) => {
        const start = Buffer.from(bytes)
        start.write("postsegz", 0, "latin1")
        start.writeUInt32BE(version, 8)
        const hashAt = version === 1 ? 64 : 160
        if (isHashed) start.set(sha256(start.subarray(0, hashAt)), hashAt)
        const found = decodePackedHeader(start, Number(start.readBigUInt64BE(24)))
        if (found !== undefined)
          expect(Buffer.from(encodePackedHeader(found))).toEqual(
            start.subarray(0, packedHeaderBytes(found)),
          )
      }),
    )
  })
})

describe("the vector of a segment in clear", () => {
  const file = Buffer.from(vectors.clear.file, "base64")
  const blocks = [0, 4096, 8192].map((at) => plain.subarray(at, at + 4096))

  test("is byte for byte what the page says", () => {
    let at = 96 + 3 * 36
    const rows = blocks.map((block, i) => {
      const length = file.readUInt32BE(96 + i * 36)
      expect(zstdDecompressSync(file.subarray(at, at + length)).equals(block)).toBe(true)
      at += length
      const row = Buffer.alloc(36)
      row.writeUInt32BE(length)
      row.set(sha256(block), 4)
      return row
    })
    expect(at).toBe(file.length)
    const head = Buffer.alloc(64)
    head.write("postsegz", 0, "latin1")
    head.writeUInt32BE(1, 8)
    head.writeUInt32BE(vectors.blockBytes, 12)
    head.writeBigUInt64BE(BigInt(plain.length), 16)
    head.writeBigUInt64BE(BigInt(file.length), 24)
    head.set(sha256(Buffer.concat(rows)), 32)
    const expected = Buffer.concat([head, sha256(head), ...rows])
    expect(file.subarray(0, expected.length).equals(expected)).toBe(true)
  })

  test("is read, and written the same", () => {
    const header = decodePackedHeader(startOf(file), file.length)
    if (header === undefined) throw new Error("it is a header")
    expect(header.lock).toBe(undefined)
    expect(Buffer.from(encodePackedHeader(header))).toEqual(file.subarray(0, 96))
    const table = PackedTable.read(header, file.subarray(96, 96 + 3 * packedRowBytes))
    for (const [i, block] of blocks.entries()) {
      const { at, bytes } = table?.place(i) ?? { at: 0, bytes: 0 }
      const found = table?.unpack(i, file.subarray(at, at + bytes), undefined)
      expect(Buffer.from(found ?? []).equals(block)).toBe(true)
    }
  })
})
