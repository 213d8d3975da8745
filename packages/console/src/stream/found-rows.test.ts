import { expect, test } from "vitest"
import { type FoundPage, FoundRows } from "./found-rows.ts"
import type { Row } from "./row.ts"
import { rowAt, rowsOf, settled } from "./rows.test.support.ts"

/** A search over `size` entries of which each tenth fits; a page has at most `limit` of them and examines `most`. */
function searchOver(size: number, limit = 100, most = Number.POSITIVE_INFINITY) {
  const asked: (string | undefined)[] = []
  async function fetch(cursor: string | undefined): Promise<FoundPage> {
    asked.push(cursor)
    const from = cursor === undefined ? 0 : Number(cursor)
    const rows: Row[] = []
    let at = from
    for (; at < size && rows.length < limit && at - from < most; at++) {
      const index = size - 1 - at
      if (index % 10 === 0) rows.push(rowAt(index))
    }
    const isComplete = at >= size
    return {
      rows,
      size,
      isComplete,
      examined: { from, to: at },
      cursor: isComplete ? undefined : `${at}`,
    }
  }
  return { asked, rows: new FoundRows(fetch) }
}

async function scroll(rows: FoundRows, pages: number): Promise<void> {
  for (let i = 0; i < pages; i++) {
    rows.want(Math.max(0, rows.count - 20), rows.count)
    await settled()
  }
}

test("pages come one after the other, and say when that is all", async () => {
  const { rows } = searchOver(5000)
  rows.want(0, 40)
  await settled()
  expect(rows.count).toBe(100)
  expect(rows.progress.isComplete).toBe(false)
  await scroll(rows, 6)
  expect(rows.count).toBe(500)
  expect(rows.progress).toMatchObject({ isComplete: true, examined: 5000, of: 5000 })
  expect(rows.at(499)?.index).toBe(0)
})

test("a page that was forgotten is asked for with its cursor, and has the same rows", async () => {
  const { rows, asked } = searchOver(100_000)
  rows.want(0, 40)
  await settled()
  await scroll(rows, 90)
  expect(rows.count).toBeGreaterThan(7000)
  expect(rows.at(0)).toBeUndefined()
  rows.want(0, 40)
  await settled()
  expect(rows.at(0)?.index).toBe(99_990)
  expect(asked.at(-1)).toBeUndefined()
})

test("it does not search a large log through by itself when nothing is found", async () => {
  const { rows, asked } = searchOver(1_000_000, 100, 5)
  rows.want(0, 40)
  await settled()
  await settled()
  const rest = new FoundRows(async (cursor) => {
    const from = Number(cursor ?? 0)
    const to = from + 1000
    return { rows: [], size: 1_000_000, isComplete: false, examined: { from, to }, cursor: `${to}` }
  })
  rest.want(0, 40)
  await settled()
  expect(rest.progress).toMatchObject({ isPaused: true, examined: 8000, of: 1_000_000 })
  rest.resume()
  await settled()
  expect(rest.progress.examined).toBe(16_000)
  expect(asked.length).toBeGreaterThan(0)
})

test("entries that come in stand above what was found, each once", async () => {
  const { rows } = searchOver(50)
  rows.want(0, 40)
  await settled()
  expect(rows.newest).toBe(49)
  expect(rows.grow([rowAt(49), rowAt(50), rowAt(60)])).toBe(2)
  expect(rows.grow([rowAt(60)])).toBe(0)
  expect([rows.at(0)?.index, rows.at(1)?.index, rows.at(2)?.index]).toEqual([60, 50, 40])
})

test("a problem keeps what is there, and is tried again on request", async () => {
  let fails = false
  const rows = new FoundRows(async (cursor) => {
    if (fails) throw new Error("gone")
    const from = Number(cursor ?? 0)
    return {
      rows: rowsOf(from, from + 100),
      ...{ size: 1000, isComplete: false, cursor: `${from + 100}` },
      examined: { from, to: from + 100 },
    }
  })
  rows.want(0, 10)
  await settled()
  fails = true
  rows.want(80, 100)
  await settled()
  expect([rows.count, rows.problem?.message]).toEqual([100, "gone"])
  fails = false
  rows.resume()
  await settled()
  expect([rows.count, rows.problem]).toEqual([200, undefined])
})
