import { encodeUtf8 } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { encodeColumn } from "./column-encoding.ts"
import { Dictionary } from "./dictionary.ts"
import { hashKeyOf } from "./keyed-hash.ts"
import { idFirst } from "./part-format.ts"
import { type PartCounts, topValues } from "./top-values.ts"
import { Turns } from "./turns.ts"
import { ValueTable } from "./value-table.ts"

const key = hashKeyOf(new Uint8Array(16).fill(7))
const always = () => new Turns(() => 0, 1)

/** A part with so many rows of each value, counted whole or row by row. */
function partOf(counts: ReadonlyMap<string, number>, isWhole: boolean): PartCounts {
  const table = new ValueTable(key)
  const rows: number[] = []
  for (const [value, count] of counts) {
    const id = idFirst + table.idOf(encodeUtf8(value))
    for (let i = 0; i < count; i++) rows.push(id)
  }
  const section = encodeColumn(Uint32Array.from(rows), table).dictionary
  const dictionary = new Dictionary(new Uint8Array(section))
  const { rows: all, common } = dictionary
  if (isWhole) return { dictionary, counts: all, listed: common, rows: rows.length }
  const ids = Uint32Array.from({ length: all.length - idFirst }, (_, i) => i + idFirst).reverse()
  const listed = { ids, counts: ids.map((id) => all[id]!), least: 1 }
  return { dictionary, counts: undefined, listed, rows: rows.length }
}

function wanted(parts: readonly ReadonlyMap<string, number>[], most: number) {
  const sums = new Map<string, number>()
  for (const part of parts)
    for (const [value, count] of part) sums.set(value, (sums.get(value) ?? 0) + count)
  const values = [...sums].map(([value, count]) => ({ value, count }))
  values.sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
  return values.slice(0, most)
}

describe("the most frequent values of several parts", () => {
  test("are those of all rows together, however they are spread", async () => {
    const value = fc.nat(60).map((i) => `value${i}`)
    const count = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 300 }))
    const part = fc
      .array(fc.tuple(value, count), { minLength: 1, maxLength: 40 })
      .map((list) => new Map(list))
    const parts = fc.array(fc.tuple(part, fc.boolean()), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(parts, fc.integer({ min: 1, max: 30 }), async (list, most) => {
        const counted = list.map(([counts, isWhole]) => partOf(counts, isWhole))
        const found = await topValues("action", key, counted, most, always())
        const all = list.map(([counts]) => counts)
        expect(found).toEqual({ values: wanted(all, most), covered: list.length })
      }),
      { numRuns: 300 },
    )
  })

  test("are found where none is frequent, in as many parts as there is time for", async () => {
    const maps = [0, 1, 2].map((place) => {
      const rare = Array.from({ length: 40_000 }, (_, i) => [`v${place}-${i}`, 1] as const)
      return new Map([...rare, ["z1", 2], ["z2", 1]])
    })
    const parts = maps.map((map, place) => partOf(map, place !== 1))
    const found = await topValues("action", key, parts, 2, always())
    expect(found).toEqual({ values: wanted(maps, 2), covered: 3 })
    let now = 0
    const short = new Turns(() => now++, 5)
    const less = await topValues("action", key, parts, 2, short)
    expect(less.covered).toBe(1)
    expect(less.values[0]).toEqual({ value: "z1", count: 2 })
    expect(less.values.map(({ count }) => count)).toEqual([2, 1])
  })
})
