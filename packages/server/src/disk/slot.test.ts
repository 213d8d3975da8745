import { concatBytes, encodeUtf8, sha256 } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import {
  alignSlot,
  type BatchRow,
  batchRowBytes,
  decodeBatchRow,
  decodeSlotHeader,
  encodeBatchRow,
  encodeSlotHeader,
  type SlotHeader,
  slotBytesMax,
  slotHeaderBytes,
  splitRecords,
  tailOf,
} from "./slot.ts"

const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const u53 = fc.maxSafeNat()
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
const header: fc.Arbitrary<SlotHeader> = fc
  .record({
    generation: u32,
    slot: u53,
    first: u53,
    entries: u32,
    recordsBytes: fc.nat({ max: 4 * 1024 * 1024 }),
    batches: fc.nat({ max: 8_000 }),
    receiptBytes: fc.nat({ max: 1024 }),
    time: u53,
    previous: hash,
    root: hash,
    tail: hash,
  })
  .map((some) => {
    const used = slotHeaderBytes + some.recordsBytes + some.batches * batchRowBytes
    return { ...some, bytes: alignSlot(used + some.receiptBytes) }
  })

const example: SlotHeader = {
  generation: 1,
  bytes: 4096,
  slot: 0x1_0000_0002,
  first: 0x2_0000_0003,
  entries: 4,
  recordsBytes: 5,
  batches: 6,
  receiptBytes: 7,
  time: 0x3_0000_0008,
  previous: new Uint8Array(32).fill(9),
  root: new Uint8Array(32).fill(10),
  tail: new Uint8Array(32).fill(11),
}

function encoded(of: SlotHeader): Uint8Array {
  const slot = new Uint8Array(slotHeaderBytes).fill(0xee)
  encodeSlotHeader(of, slot)
  return slot
}

/** A header whose own hash is right, whatever else is not. */
function rehashed(slot: Uint8Array): Uint8Array {
  slot.set(sha256(slot.subarray(0, 224)), 224)
  return slot
}

describe("a slot's header", () => {
  test("stands as docs/spec/disk.md says", () => {
    const u64 = (high: number, low: number) => [0, 0, 0, high, 0, 0, 0, low]
    const wanted = concatBytes(
      encodeUtf8("postern1"),
      Uint8Array.from([
        0,
        0,
        0,
        1,
        0,
        0,
        16,
        0,
        ...u64(1, 2),
        ...u64(2, 3),
        0,
        0,
        0,
        4,
        0,
        0,
        0,
        5,
      ]),
      Uint8Array.from([0, 0, 0, 6, 0, 0, 0, 7, ...u64(3, 8)]),
      new Uint8Array(32).fill(9),
      new Uint8Array(32).fill(10),
      new Uint8Array(32).fill(11),
      new Uint8Array(72),
    )
    expect(encoded(example)).toEqual(concatBytes(wanted, sha256(wanted)))
  })

  test("is read as it was written", () => {
    fc.assert(
      fc.property(header, fc.nat({ max: 9 }), (of, offset) => {
        // As a Buffer at any offset, which is how it comes from the disk.
        const slot = Buffer.concat([Buffer.alloc(offset), encoded(of)]).subarray(offset)
        expect(decodeSlotHeader(slot)).toEqual({ header: of, hash: sha256(slot.subarray(0, 224)) })
      }),
    )
  })

  test("is copied out of the bytes it was read from", () => {
    const slot = Buffer.from(encoded(example))
    const found = decodeSlotHeader(slot)
    slot.fill(0)
    expect(found?.header).toEqual(example)
    expect(found?.hash).toEqual(sha256(encoded(example).subarray(0, 224)))
  })

  test("is none with any one bit flipped, or a byte short", () => {
    const slot = encoded(example)
    for (let bit = 0; bit < slotHeaderBytes * 8; bit++) {
      const flipped = slot.slice()
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(decodeSlotHeader(flipped), `bit ${bit}`).toBeUndefined()
    }
    expect(decodeSlotHeader(slot.subarray(0, slotHeaderBytes - 1))).toBeUndefined()
    expect(decodeSlotHeader(new Uint8Array(slotHeaderBytes))).toBeUndefined()
  })

  test.each([
    ["its length is not a multiple of 4096", 12, 4095],
    ["its length is 0", 12, 0],
    ["it is longer than any slot", 12, slotBytesMax + 4096],
    ["its records do not fit in it", 36, 4096],
    ["its batches do not fit in it", 40, 40],
    ["its receipt does not fit in it", 44, 0xffff_ffff],
  ])("is none if %s", (_, at, value) => {
    const slot = encoded(example)
    new DataView(slot.buffer).setUint32(at, value)
    expect(decodeSlotHeader(rehashed(slot))).toBeUndefined()
  })

  test("says where the tail is", () => {
    const slot = Uint8Array.from({ length: 4096 }, (_, i) => i % 251)
    expect(tailOf(slot, example)).toEqual(slot.subarray(261, 261 + 6 * 104 + 7))
  })
})

describe("a row of the batch table", () => {
  const row: fc.Arbitrary<BatchRow> = fc.record({
    ...{ open: u53, sequence: u53, events: u32, accepted: u32, first: u53, received: u53 },
    ...{ changed: u32, kind: u32, seed: fc.uint8Array({ minLength: 16, maxLength: 16 }) },
    digest: hash,
  })

  test("is read as it was written, and its last eight bytes are zeros", () => {
    fc.assert(
      fc.property(row, fc.nat({ max: 20 }), (of, at) => {
        const bytes = Buffer.alloc(at + batchRowBytes + 3, 0xee)
        encodeBatchRow(of, bytes, at)
        expect(decodeBatchRow(bytes, at)).toEqual(of)
        expect([...bytes.subarray(at + 96)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0xee, 0xee, 0xee])
      }),
    )
  })
})

describe("records", () => {
  const leaves = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 })
  const joined = (all: readonly Uint8Array[]) =>
    concatBytes(
      ...all.map((leaf) => concatBytes(Uint8Array.of(leaf.length >> 8, leaf.length & 255), leaf)),
    )

  test("are split as they were joined", () => {
    fc.assert(
      fc.property(leaves, (all) => {
        expect(splitRecords(joined(all))).toEqual(all)
      }),
    )
  })

  test("are none if they are cut off anywhere within a leaf", () => {
    const all = [3, 0, 258].map((length) => new Uint8Array(length).fill(length))
    const bytes = joined(all)
    const ends = new Set([0, 5, 7, bytes.length])
    for (let cut = 0; cut <= bytes.length; cut++) {
      const found = splitRecords(bytes.subarray(0, cut))
      expect(found !== undefined, `cut at ${cut}`).toBe(ends.has(cut))
    }
  })
})
