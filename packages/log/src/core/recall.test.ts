import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { rowBytes, rowField, tableBytes, verdicts } from "./index.ts"
import { bytesOf, type Desk, desks } from "./twins.test.fixture.ts"

interface Named {
  readonly context: number
  readonly source: Uint8Array
  readonly action: Uint8Array
  readonly outcome: string
}

const named = (source: string, action = "a", outcome = "success", context = 1): Named => ({
  context,
  source: bytesOf(source),
  action: bytesOf(action),
  outcome,
})

const nameOf = ({ context, source, action, outcome }: Named): string =>
  JSON.stringify([context, [...source], [...action], outcome])

/** A row for each, its texts apart from each other's; other contexts are for whoever recalls. */
function layRows(desk: Desk, all: readonly Named[]): void {
  const { core, view, text, rows } = desk
  let at = text
  for (const [i, { source, action, outcome }] of all.entries()) {
    const row = rows + rowBytes * i
    core.memory.fill(0, row, row + rowBytes)
    const fields = [
      [rowField.source, source],
      [rowField.action, action],
      [rowField.outcome, bytesOf(outcome)],
    ] as const
    for (const [field, bytes] of fields) {
      // An empty text may stand anywhere.
      view.setUint32(row + field, bytes.length === 0 ? 0 : at, true)
      view.setUint32(row + field + 4, bytes.length, true)
      core.memory.set(bytes, at)
      at += bytes.length + (i % 3)
    }
    view.setUint32(row + rowField.decision, 0xdead_beef, true)
  }
  core.memory.fill((all.length * 37) & 0xff, at, at + 64)
}

const decisionOf = ({ view, rows }: Desk, row: number): number =>
  view.getUint32(rows + rowBytes * row + rowField.decision, true)

function learn(desk: Desk, key: Named, decision: number): boolean {
  layRows(desk, [key])
  return desk.core.learn(desk.rows, key.context, decision, desk.table)
}

/** What is remembered for each; they share one context. */
function recall(desk: Desk, keys: readonly Named[]): readonly number[] {
  layRows(desk, keys)
  const none = desk.core.recall(desk.rows, keys.length, keys[0]?.context ?? 0, desk.table)
  const found = keys.map((_, i) => decisionOf(desk, i))
  expect(none).toBe(found.filter((decision) => decision === 0).length)
  return found
}

const forget = ({ core, table }: Desk): void => {
  core.memory.fill(0, table, table + core.tableBytes)
}

const text = (most: number) =>
  fc.oneof(
    fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 3 }),
    fc.string({ unit: fc.constantFrom("a", "b"), maxLength: most }),
    fc.constantFrom("", "a".repeat(most), "a".repeat(most - 1), "a".repeat(8), "a".repeat(16)),
  )
const anyKey = (context: number): fc.Arbitrary<Named> =>
  fc.record({
    context: fc.constant(context),
    source: text(256).map(bytesOf),
    action: text(128).map(bytesOf),
    outcome: fc.constantFrom("success", "failure", "denied", "error", "unknown"),
  })
const anyContext = fc.constantFrom(0, 1, 2, 0x7fff_ffff, 0xffff_ffff)

describe.each(desks)("$core.kind: recall and learn", (desk) => {
  it("remember what was learned last, and nothing else", () => {
    const step = anyContext.chain((context) =>
      fc.record({
        learned: fc.array(
          fc.record({ key: anyKey(context), decision: fc.integer({ min: 1, max: 2 ** 31 - 1 }) }),
          { maxLength: 6 },
        ),
        asked: fc.array(anyKey(context), { maxLength: 12 }),
        forgets: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        forget(desk)
        const known = new Map<string, number>()
        for (const { learned, asked, forgets } of steps) {
          if (forgets) {
            forget(desk)
            known.clear()
          }
          for (const { key, decision } of learned) {
            expect(learn(desk, key, decision)).toBe(true)
            known.set(nameOf(key), decision)
          }
          const keys = [...learned.map(({ key }) => key), ...asked]
          if (keys.length === 0) continue
          expect(recall(desk, keys)).toEqual(keys.map((key) => known.get(nameOf(key)) ?? 0))
        }
      }),
      { numRuns: 300 },
    )
  })

  it("tell apart what is the same when put together, and contexts", () => {
    forget(desk)
    const keys = [named("ab", "c"), named("a", "bc"), named("abc", ""), named("", "abc")]
    keys.push(named("ab", "c", "denied"), named("ab\0", "c"), named("ab", "c\0"))
    for (const [i, key] of keys.entries()) expect(learn(desk, key, i + 1)).toBe(true)
    expect(recall(desk, keys)).toEqual([1, 2, 3, 4, 5, 6, 7])
    // Side by side, equally long, with one text another.
    const alike = ["success", "failure", "unknown"].map((outcome) => named("ab", "c", outcome))
    alike.push(named("ab", "d", "unknown"), named("ac", "d", "unknown"))
    for (const [i, key] of alike.entries()) expect(learn(desk, key, i + 11)).toBe(true)
    expect(recall(desk, alike)).toEqual([11, 12, 13, 14, 15])
    const elsewhere = keys.map((key) => ({ ...key, context: 2 }))
    expect(recall(desk, elsewhere)).toEqual(keys.map(() => 0))
  })

  it("leave rows with a verdict alone", () => {
    forget(desk)
    const keys = [named("x"), named("x"), named("y")]
    expect(learn(desk, named("x"), 9)).toBe(true)
    layRows(desk, keys)
    desk.view.setUint32(desk.rows + rowField.verdict, verdicts.syntax, true)
    expect(desk.core.recall(desk.rows, 3, 1, desk.table)).toBe(1)
    expect(keys.map((_, i) => decisionOf(desk, i))).toEqual([0xdead_beef, 9, 0])
  })

  it.each([
    ["short texts", (i: number) => named(`s${i}`, `a${i % 7}`), 5000],
    ["the longest", (i: number) => named(`${i}`.padEnd(256, "s"), "a".repeat(128)), 2000],
  ] as const)("say when there is no room for another key: %s", (_name, keyOf, least) => {
    forget(desk)
    let count = 0
    while (count < 20_000 && learn(desk, keyOf(count), count + 1)) count += 1
    expect(count).toBeGreaterThanOrEqual(least)
    expect(count).toBeLessThan(20_000)
    for (let from = 0; from < count; from += 500) {
      const size = Math.min(500, count - from)
      const found = recall(
        desk,
        Array.from({ length: size }, (_, i) => keyOf(from + i)),
      )
      expect(found).toEqual(Array.from({ length: size }, (_, i) => from + i + 1))
    }
    expect(recall(desk, [keyOf(count)])).toEqual([0])
    expect(learn(desk, keyOf(0), 77)).toBe(true)
    expect(recall(desk, [keyOf(0), keyOf(1)])).toEqual([77, 2])
    // Nothing was written behind the table, and zeros are a table again.
    const { core, table } = desk
    expect(core.memory.subarray(table + tableBytes, table + tableBytes + 64)).toEqual(
      new Uint8Array(64),
    )
    forget(desk)
    expect(recall(desk, [keyOf(0)])).toEqual([0])
    expect(learn(desk, keyOf(count), 5)).toBe(true)
    expect(recall(desk, [keyOf(count), keyOf(0)])).toEqual([5, 0])
  })

  it("go on beside keys that were made to collide", () => {
    forget(desk)
    const colliding = Array.from({ length: 40 }, (_, i) => collidingKey(i))
    const learned = colliding.map((key, i) => learn(desk, key, i + 1))
    expect(recall(desk, colliding)).toEqual(learned.map((took, i) => (took ? i + 1 : 0)))
    // Two groups of eight places each; the plain core's hashes are others.
    expect(learned.filter((took) => took)).toHaveLength(desk.core.kind === "wasm" ? 16 : 40)
    expect(learn(desk, named("another"), 99)).toBe(true)
    expect(recall(desk, [named("another")])).toEqual([99])
  })
})

const mask = 2n ** 64n - 1n
const spread = 0x9e37_79b9_7f4a_7c15n

/** Sources of 16 bytes whose second half undoes the first in the hash of assembly/recall.ts. */
function collidingKey(i: number): Named {
  const source = Buffer.alloc(16)
  source.writeBigUInt64LE((BigInt(i) * spread) & mask)
  const before = (2n * spread) & mask
  const mixed = before ^ source.readBigUInt64LE()
  const rotated = ((mixed << 29n) | (mixed >> 35n)) & mask
  source.writeBigUInt64LE(((rotated * spread) & mask) ^ 0x1234_5678n, 8)
  return { ...named(""), source: new Uint8Array(source) }
}
