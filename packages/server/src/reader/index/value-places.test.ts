import { encodeUtf8 } from "@postern/log/base"
import { type FieldQuery, parseQuery } from "@postern/log/query"
import { describe, expect, test } from "vitest"
import { encodeColumn } from "./column-encoding.ts"
import { Dictionary } from "./dictionary.ts"
import { hashKeyOf } from "./keyed-hash.ts"
import { idFirst } from "./part-format.ts"
import { Turns } from "./turns.ts"
import { idsHolding } from "./value-places.ts"
import { ValueTable } from "./value-table.ts"

function dictionaryOf(count: number): Dictionary {
  const table = new ValueTable(hashKeyOf(new Uint8Array(16).fill(7)))
  const rows = Uint32Array.from({ length: count }, (_, i) => {
    return idFirst + table.idOf(encodeUtf8(`10.0.${i >> 8}.${i % 256}`))
  })
  return new Dictionary(new Uint8Array(encodeColumn(rows, table).dictionary))
}

const network = parseQuery("action:10.0.1.0/24") as FieldQuery

describe("values that are asked one by one", () => {
  test("are all asked if there is time, across every pause", async () => {
    const dictionary = dictionaryOf(3000)
    const turns = new Turns(() => 0, 1)
    const ranges = await idsHolding("action", dictionary, network, turns)
    const ids = ranges?.flatMap(({ from, to }) =>
      Array.from({ length: to - from }, (_, i) => from + i),
    )
    const texts = ids?.map((id) => Buffer.from(dictionary.valueOf(id)).toString())
    expect(texts?.length).toBe(256)
    expect(texts?.every((text) => text.startsWith("10.0.1."))).toBe(true)
  })

  test("are asked no longer than that", async () => {
    let looks = 0
    const turns = new Turns(() => looks++, 3)
    expect(await idsHolding("action", dictionaryOf(20_000), network, turns)).toBeUndefined()
    expect(looks).toBeLessThan(8)
  })
})
