import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { addRange, decodeMeta, encodeMeta, type Meta, metaSlotBytes, type Range } from "./meta.ts"
import { findRecords, noTag, recordBytes, recordPieces } from "./record.ts"

interface Written {
  readonly kind: "batch" | "gap"
  readonly count: number
  readonly region: Uint8Array
}

const written: fc.Arbitrary<Written> = fc.record({
  kind: fc.constantFrom("batch", "gap"),
  count: fc.integer({ min: 1, max: 1000 }),
  region: fc.uint8Array({ maxLength: 100 }),
})

function writeAll(list: readonly Written[], from: number): Buffer {
  const pieces: Buffer[] = []
  let position = from
  for (const { kind, count, region } of list) {
    pieces.push(
      ...recordPieces({ kind, position, count, parts: 0, tag: noTag }, Buffer.from(region)),
    )
    position += count
  }
  return Buffer.concat(pieces)
}

describe("records", () => {
  it("are found as they were written, whatever older ones stand behind them", () => {
    fc.assert(
      fc.property(fc.array(written), fc.array(written), (newer, older) => {
        const tail = writeAll(older, 0)
        const head = writeAll(newer, 1_000_000)
        const file = Buffer.concat([head, tail.subarray(Math.min(head.length, tail.length))])
        const found = findRecords(file).filter(({ position }) => position >= 1_000_000)
        expect(found.map(({ kind, count, regionBytes }) => [kind, count, regionBytes])).toEqual(
          newer.map(({ kind, count, region }) => [kind, count, region.length]),
        )
      }),
    )
  })

  it("are found but for the one in which a byte is wrong", () => {
    const list: Written[] = [1, 2, 3].map((count) => ({
      kind: "batch",
      count,
      region: Buffer.from(`{"event":${count}}`),
    }))
    const whole = writeAll(list, 0)
    for (let at = 0; at < whole.length; at++) {
      const spoiled = Buffer.from(whole)
      spoiled[at] = (spoiled[at] ?? 0) ^ 0x40
      const counts = findRecords(spoiled).map(({ count }) => count)
      const isPadding = counts.length === 3
      expect(counts.length).toBeGreaterThanOrEqual(2)
      expect(isPadding).toBe(whole[at] === 0 && at % recordBytes(11) >= 48 + 11)
    }
  })

  it("are not looked for in any bytes without end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        expect(findRecords(Buffer.from(bytes))).toEqual([])
      }),
    )
  })
})

const position = fc.integer({ min: 0, max: 2 ** 40 })
const meta: fc.Arbitrary<Meta> = fc.record({
  stream: fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map((bytes) => Buffer.from(bytes).toString("hex")),
  start: position,
  acked: position,
  ackedAtMs: position,
  digest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  previous: fc.constantFrom(undefined, "ab".repeat(16)),
  end: position,
  dropped: fc
    .array(fc.integer({ min: 1, max: 1000 }), { maxLength: 8 })
    .map((widths) => widths.map((width, i) => ({ from: i * 5000, end: i * 5000 + width }))),
})

describe("meta", () => {
  it("is the newer of two slots, and the older one where the newer is torn", () => {
    fc.assert(
      fc.property(meta, meta, fc.nat(255), (older, newer, at) => {
        const file = Buffer.alloc(2 * metaSlotBytes)
        encodeMeta(older, 7).copy(file, metaSlotBytes)
        encodeMeta(newer, 8).copy(file, 0)
        expect(decodeMeta(file)).toEqual({ meta: newer, generation: 8 })
        file[at] = (file[at] ?? 0) ^ 1
        expect(decodeMeta(file)).toEqual({ meta: older, generation: 7 })
      }),
    )
  })

  it("is nothing where there is nothing", () => {
    expect(decodeMeta(Buffer.alloc(0))).toBeUndefined()
    expect(decodeMeta(Buffer.alloc(2 * metaSlotBytes))).toBeUndefined()
  })
})

it("ranges cover what was added, in order and apart, and are at most eight", () => {
  const range = fc
    .tuple(fc.nat(500), fc.integer({ min: 1, max: 30 }))
    .map(([from, width]): Range => ({ from, end: from + width }))
  fc.assert(
    fc.property(fc.array(range, { maxLength: 30 }), (added) => {
      const ranges = added.reduce((all: Range[], each) => addRange(all, each), [])
      expect(ranges.length).toBeLessThanOrEqual(8)
      for (const [i, { from }] of ranges.entries()) {
        expect(from).toBeGreaterThan(ranges[i - 1]?.end ?? -1)
      }
      for (const { from, end } of added) {
        expect(ranges.some((one) => one.from <= from && end <= one.end)).toBe(true)
      }
    }),
  )
})
