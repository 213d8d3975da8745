import { generateKeyPairSync, sign } from "node:crypto"
import { concatBytes, encodeUtf8, limits } from "@postern/log/base"
import type { Changed } from "@postern/log/event"
import { checkBatchReceipt, formatReceiptText, receiptKeyName } from "@postern/log/evidence"
import { formatVkey, leafHash, noteKeyId, rangeRoot, signNote } from "@postern/log/tlog"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { alignSlot, splitRecords } from "../../disk/index.ts"
import { decodeSlotHeader, NaiveLog, noPeaks, tailOf } from "../../disk/slots.test.support.ts"
import { type PlacedBatch, type SealedSlot, Sequencer } from "./index.ts"
import { type Batch, batchOf, leavesOf, memory, place } from "./placing.test.support.ts"

const origin = "sequencer.test/log"
const { privateKey, publicKey } = generateKeyPairSync("ed25519")
const rawKey = new Uint8Array(publicKey.export({ type: "spki", format: "der" }).subarray(-32))
const name = receiptKeyName(origin)
const receiptVkey = formatVkey(name, rawKey)

/** The receipt of a slot, signed as the port does. */
function receiptOf({
  first,
  entries: count,
  rangeRoot: root,
}: SealedSlot<unknown>): Promise<string> {
  if (root === undefined) throw new Error("an empty slot has no receipt")
  const signer = {
    name,
    keyId: noteKeyId(name, rawKey),
    sign: (message: Uint8Array) => new Uint8Array(sign(null, message, privateKey)),
  }
  return signNote(formatReceiptText({ origin, first, count, root }), signer)
}

function begin(size = 0, frontier: Uint8Array = noPeaks): Sequencer<number> {
  return new Sequencer<number>(memory, { slot: 0, size, previous: new Uint8Array(32), frontier })
}

const event = fc.integer({ min: 2, max: 300 }).map((bytes) => new Uint8Array(bytes).fill(0x61))
const batch: fc.Arbitrary<Batch> = fc
  .record({
    events: fc.array(event, { minLength: 1, maxLength: 40 }),
    refusing: fc.array(fc.nat({ max: 39 }), { maxLength: 6 }),
    open: fc.nat({ max: limits.sequenceMax }),
    sequence: fc.nat({ max: limits.sequenceMax - 40 }),
    received: fc.maxSafeNat(),
    changed: fc.constantFrom<Changed>(0, 1, 2),
    seed: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    digest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  })
  .map(({ refusing, ...rest }) => {
    const refused = [...new Set(refusing.filter((p) => p < rest.events.length))].sort(
      (a, b) => a - b,
    )
    return { ...rest, refused }
  })

/** What a sealed slot says, held against the definitions. */
function checkSlot(
  slot: SealedSlot<number>,
  batches: readonly Batch[],
  log: NaiveLog,
  before: { slot: number; hash: Uint8Array; receipt: Uint8Array; time: number },
): void {
  const leaves = batches.flatMap(leavesOf)
  const first = log.size
  log.leaves.push(...leaves)
  log.hashes.push(...leaves.map(leafHash))
  const { header, hash } = decodeSlotHeader(slot.bytes) ?? {}
  expect(hash).toEqual(slot.hash)
  expect(header).toMatchObject({
    ...{
      generation: 1,
      bytes: slot.bytes.length,
      slot: before.slot,
      first,
      entries: leaves.length,
    },
    ...{ batches: batches.length, previous: before.hash, root: log.root(), time: before.time },
  })
  if (header === undefined) throw new Error("unreachable")
  const records = slot.bytes.subarray(256, 256 + header.recordsBytes)
  expect(splitRecords(records)).toEqual(leaves)
  const tail = tailOf(slot.bytes, header)
  expect(tail.subarray(batches.length * 104)).toEqual(before.receipt)
  const used = 256 + header.recordsBytes + tail.length
  expect(slot.bytes.length).toBe(alignSlot(used))
  expect(slot.bytes.subarray(used).every((byte) => byte === 0)).toBe(true)
  const range = concatBytes(...log.hashes.slice(first))
  expect(slot.rangeRoot).toEqual(leaves.length === 0 ? undefined : rangeRoot(first, range))
}

async function checkReceipts(slot: SealedSlot<number>, batches: readonly Batch[]): Promise<void> {
  const note = slot.entries === 0 ? "" : await receiptOf(slot)
  for (const [i, { events, refused }] of batches.entries()) {
    const { first: firstIndex, ...row } = slot.batches[i] as PlacedBatch<number>
    if (row.accepted === 0) continue
    const path = slot.rangePath(firstIndex, row.accepted)
    const ack = { ...row, firstIndex, path, changed: row.changed as Changed }
    await checkBatchReceipt({ ack, events, refused, note, receiptVkey })
  }
}

describe("whatever is placed, in whatever slots", () => {
  test("entries, indexes, roots, rows and receipts are as docs/spec says", async () => {
    const slots = fc.array(fc.array(batch, { maxLength: 6 }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(slots, async (plan) => {
        const sequencer = begin()
        const log = new NaiveLog()
        const [hash, none]: Uint8Array[] = [new Uint8Array(32), new Uint8Array(0)]
        let before = { slot: 0, hash: hash as Uint8Array, receipt: none as Uint8Array, time: 7 }
        for (const [number, batches] of plan.entries()) {
          const size = log.size
          let next = size
          for (const [i, of] of batches.entries()) {
            const accepted = of.events.length - of.refused.length
            expect(sequencer.next).toBe(next)
            const placed = place(sequencer, of, i)
            const { open, sequence, received, changed, seed, digest } = of
            const row = { open, sequence, received, changed, seed, digest }
            expect(placed).toMatchObject({ ...row, first: next, accepted, owner: i })
            expect(placed.events).toBe(of.events.length)
            next += accepted
          }
          expect(sequencer.waiting).toBe(batches.length)
          const bytes = sequencer.slotBytes(before.receipt)
          const slot = sequencer.seal(before.time, before.receipt)
          expect(slot.bytes.length).toBe(bytes)
          checkSlot(slot, batches, log, before)
          await checkReceipts(slot, batches)
          const receipt = encodeUtf8(`receipt ${number}`)
          before = { slot: number + 1, hash: slot.hash, receipt, time: before.time + number }
        }
        const { first, slot, previous } = sequencer.segmentStart()
        expect({ first, slot, previous }).toEqual({
          first: log.size,
          slot: plan.length,
          previous: before.hash,
        })
      }),
      { numRuns: 40 },
    )
  })

  test("hash files and offsets get what a naive log would give them", () => {
    const sequencer = begin()
    const log = new NaiveLog()
    const events = (count: number) =>
      Array.from({ length: count }, () => new Uint8Array(9).fill(0x62))
    for (const count of [1, 254, 1, 1, 511, 3000, 0, 260]) {
      const of = batchOf({ events: events(count) })
      if (count > 0) place(sequencer, of, 0)
      const slot = sequencer.seal(0, new Uint8Array(0))
      const naive = log.slot(leavesOf(count > 0 ? of : batchOf({ events: [] })))
      expect(slot.nodes).toEqual(naive.nodes)
      for (const segment of [0, 1, slot.first]) {
        if (segment > slot.first) continue
        const { row, offsets } = slot.recordOffsets(segment)
        const wanted = naive.recordOffsets(segment)
        expect(offsets, `segment ${segment}, slot ${slot.slot}`).toEqual(wanted.offsets)
        if (offsets.length > 0) expect(row).toBe(wanted.row)
      }
    }
    expect(sequencer.segmentStart().first).toBe(log.size)
  })

  test("a log goes on from where recovery ended it", () => {
    const log = new NaiveLog()
    log.slots([77, 3])
    const sequencer = new Sequencer<number>(memory, {
      slot: 2,
      size: 80,
      previous: log.previous,
      frontier: log.frontier(),
    })
    const of = batchOf({ events: [encodeUtf8("{}"), encodeUtf8("[]")] })
    expect(place(sequencer, of, 0).first).toBe(80)
    const slot = sequencer.seal(9, new Uint8Array(0))
    checkSlot(slot, [of], log, { slot: 2, hash: log.previous, receipt: new Uint8Array(0), time: 9 })
  })
})

describe("one slot fills while the other is on its way to disk", () => {
  test("and the sealed one stays as it is", () => {
    const sequencer = begin()
    place(sequencer, batchOf(), 0)
    const one = sequencer.seal(0, new Uint8Array(0))
    const bytes = one.bytes.slice()
    const path = one.rangePath(0, 1)
    for (let i = 0; i < 50; i++) place(sequencer, batchOf({ seed: new Uint8Array(16).fill(i) }), i)
    expect(one.bytes).toEqual(bytes)
    const two = sequencer.seal(0, new Uint8Array(0))
    expect(one.bytes).toEqual(bytes)
    expect(one.rangePath(0, 1)).toEqual(path)
    expect(two.entries).toBe(50)
    expect(sequencer.waiting).toBe(0)
  })
})

describe("bounds", () => {
  test("an event that exceeds an entry only with its stamp gets a verdict and no entry", () => {
    const sequencer = begin()
    // As core.stamp counts: the longest event whose leaf still has 65,535 bytes, and one byte more.
    const stamp = leavesOf(batchOf())[0]?.indexOf(0x0a) ?? 0
    const longest = limits.entryBytesMax - stamp - 1
    const events = [longest + 1, longest, 2].map((bytes) => new Uint8Array(bytes).fill(0x63))
    const placed = place(sequencer, batchOf({ events }), 0)
    expect(placed).toMatchObject({ events: 3, accepted: 2 })
    const slot = sequencer.seal(0, new Uint8Array(0))
    const leaves = leavesOf(batchOf({ events, refused: [0] }))
    const { header } = decodeSlotHeader(slot.bytes) ?? {}
    expect(splitRecords(slot.bytes.subarray(256, 256 + (header?.recordsBytes ?? 0)))).toEqual(
      leaves,
    )
  })

  test("what fits can be placed and sealed: entries, bytes, batches", () => {
    const receipt = new Uint8Array(1024)
    const tiny = Array.from({ length: 10_000 }, () => new Uint8Array(2))
    const large = Array.from({ length: 16 }, () => new Uint8Array(65_000))
    for (const events of [tiny, large, [new Uint8Array(2)]]) {
      const sequencer = begin()
      const bytes = events.reduce((sum, of) => sum + of.length + 4, 0)
      let count = 0
      while (sequencer.fits(events.length, bytes)) {
        place(sequencer, batchOf({ events }), 0)
        count += 1
      }
      expect(count).toBeGreaterThan(0)
      expect(count).toBeLessThanOrEqual(8000)
      expect(sequencer.seal(0, receipt).entries).toBe(count * events.length)
    }
  })

  test("a batch of the largest frame goes into an empty slot", () => {
    expect(begin().fits(limits.batchEventsMax, limits.frameBytesMax)).toBe(true)
  })

  test("a slot may hold batches without entries, or nothing at all", () => {
    const sequencer = begin()
    place(sequencer, batchOf({ refused: [0] }), 0)
    const one = sequencer.seal(0, new Uint8Array(0))
    expect(one).toMatchObject({ entries: 0, rangeRoot: undefined, first: 0 })
    expect(one.batches).toHaveLength(1)
    const two = sequencer.seal(0, new Uint8Array(0))
    expect(two).toMatchObject({ entries: 0, slot: 1, root: one.root })
  })
})
