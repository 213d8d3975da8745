import { createHash } from "node:crypto"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { rowBytes, rowField, verdicts } from "./index.ts"
import { type Desk, desks } from "./twins.test.fixture.ts"

interface Batch {
  readonly events: readonly string[]
  readonly refused: readonly number[]
  readonly received: number
  readonly open: number
  readonly sequence: number
  readonly changed: number
  /** Of rows that say it themselves, by their number. */
  readonly own?: Readonly<Record<number, number>>
  readonly seed: Uint8Array
}

/** docs/spec/log.md, Entry, with Node's own tools. */
function recordsOf(batch: Batch): string[] {
  const { received, open, sequence, seed, events, refused, own } = batch
  const records: string[] = []
  for (const [j, event] of events.entries()) {
    if (refused.includes(j)) continue
    const number = Buffer.alloc(4)
    number.writeUInt32BE(j >> 1)
    const block = createHash("sha256").update(seed).update(number).digest()
    const nonce = block.subarray(16 * (j % 2), 16 * (j % 2) + 16).toString("base64url")
    const stamp = { r: received, o: open, q: sequence + j, n: nonce }
    const changed = own?.[j] || batch.changed
    const leaf = `${JSON.stringify(changed === 0 ? stamp : { ...stamp, c: changed })}\n${event}`
    if (Buffer.byteLength(leaf) <= 65_535) records.push(leaf)
  }
  return records
}

interface Stamped {
  readonly leaves: readonly string[]
  readonly verdicts: readonly number[]
}

function stamp(desk: Desk, batch: Batch): Stamped {
  const { core, view, text, rows, records, leaves, seed } = desk
  const memory = core.memory
  let at = text
  for (const [j, event] of batch.events.entries()) {
    const row = rows + rowBytes * j
    memory.fill(0, row, row + rowBytes)
    view.setUint32(row + rowField.offset, at, true)
    const { length } = Buffer.from(event)
    memory.set(Buffer.from(event), at)
    view.setUint32(row + rowField.length, length, true)
    if (batch.refused.includes(j)) view.setUint32(row + rowField.verdict, verdicts.syntax, true)
    memory[row + rowField.changed] = batch.own?.[j] ?? 0
    // What else stands in the row is not the stamp's.
    view.setUint32(row + rowField.decision, 0x7fff_ffff, true)
    memory[row + rowField.mentions] = 0xff
    at += length
  }
  memory.set(batch.seed, seed)
  memory.fill(0xbb, records, records + 150_000)
  const { events, received, open, sequence, changed } = batch
  const count = events.length
  const end = core.stamp(rows, count, records, leaves, received, open, sequence, changed, seed)
  expect([...memory.subarray(end, end + 64)].every((byte) => byte === 0xbb)).toBe(true)
  return {
    leaves: leavesBetween(desk, end),
    verdicts: events.map((_, j) => view.getUint32(rows + rowBytes * j + rowField.verdict, true)),
  }
}

/**
 * The leaves named in the list, which must fill the region up to `end`, each behind two zero bytes.
 */
function leavesBetween({ core, view, records, leaves }: Desk, end: number): string[] {
  const found: string[] = []
  for (let at = records; at < end; ) {
    const leaf = view.getUint32(leaves + 8 * found.length, true)
    const length = view.getUint32(leaves + 8 * found.length + 4, true)
    expect(leaf).toBe(at + 2)
    expect([core.memory[at], core.memory[at + 1]]).toEqual([0, 0])
    at = leaf + length
    found.push(Buffer.from(core.memory.subarray(leaf, at)).toString())
  }
  return found
}

const seed = fc.uint8Array({ minLength: 16, maxLength: 16 })
const numberMax = 99_999_999_999_999

describe.each(desks)("$core.kind", (desk) => {
  it("writes records exactly as docs/spec/log.md says", () => {
    const event = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ maxLength: 400 }))
    const index = fc.oneof(
      fc.integer({ min: 0, max: numberMax - 100 }),
      fc.nat({ max: 20 }),
      fc.constantFrom(9, 95, 990, 9_999_999_990, numberMax - 100),
    )
    fc.assert(
      fc.property(
        fc.record({
          events: fc.array(event, { maxLength: 40 }),
          refused: fc.array(fc.nat({ max: 40 }), { maxLength: 20 }),
          received: fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constant(1_764_000_000_000_000)),
          open: index,
          sequence: index,
          changed: fc.nat({ max: 7 }),
          own: fc.dictionary(fc.nat({ max: 40 }).map(String), fc.nat({ max: 7 })),
          seed,
        }),
        (batch) => {
          expect(stamp(desk, batch).leaves).toEqual(recordsOf(batch))
        },
      ),
      { numRuns: 400 },
    )
  })

  const longest = {
    refused: [],
    received: Number.MAX_SAFE_INTEGER,
    open: numberMax,
    sequence: numberMax,
    changed: 2,
    seed: new Uint8Array(16).fill(0xff),
  }

  it("writes the longest stamp in 96 bytes with its line feed", () => {
    const [leaf] = stamp(desk, { ...longest, events: ["x"] }).leaves
    expect(leaf?.indexOf("\n")).toBe(95)
    expect([leaf]).toEqual(recordsOf({ ...longest, events: ["x"] }))
  })

  it("marks an event whose leaf would exceed 65,535 bytes, and no other", () => {
    const fits = "f".repeat(65_535 - 96)
    const stamped = stamp(desk, {
      ...longest,
      sequence: 10_000_000_000_000,
      events: ["a", `${fits}f`, fits],
    })
    expect(stamped.verdicts).toEqual([0, verdicts.tooLarge, 0])
    expect(stamped.leaves.map((leaf) => leaf.length)).toEqual([97, 65_535])
  })

  it("counts a row's own change into the length of its leaf", () => {
    const fits = "f".repeat(65_535 - 96)
    const batch = { ...longest, sequence: 10_000_000_000_000, changed: 0, own: { 1: 4, 2: 4 } }
    const events = [`${fits}${"f".repeat(6)}`, `${fits}f`, fits, `${fits}${"f".repeat(7)}`]
    const stamped = stamp(desk, { ...batch, events })
    expect(stamped.verdicts).toEqual([0, verdicts.tooLarge, 0, verdicts.tooLarge])
    expect(stamped.leaves).toEqual(recordsOf({ ...batch, events }))
  })

  it("encodes every sextet at every place of a nonce", () => {
    // The alphabet is met through many nonces: 4,000 of them show each letter in each column.
    const seen = Array.from({ length: 22 }, () => new Set<string>())
    for (let i = 0; i < 100; i++) {
      const events = Array.from({ length: 40 }, () => "e")
      const batch = { ...longest, sequence: 7, events, seed: new Uint8Array(16).fill(i) }
      const { leaves } = stamp(desk, batch)
      expect(leaves).toEqual(recordsOf(batch))
      for (const leaf of leaves) {
        const nonce = leaf.slice(leaf.indexOf('"n":"') + 5).slice(0, 22)
        for (const [column, letter] of [...nonce].entries()) seen[column]?.add(letter)
      }
    }
    expect(seen.slice(0, 21).every((letters) => letters.size === 64)).toBe(true)
    expect([...(seen[21] ?? [])].sort()).toEqual(["A", "Q", "g", "w"])
  })
})
