import { expect, test } from "vitest"
import { RangeRows } from "./range-rows.ts"
import { rowAt, rowsOf, settled } from "./rows.test.support.ts"

function open(from: number, to: number, order: "asc" | "desc" = "desc", most = 1000) {
  const asked: [number, number][] = []
  const rows = new RangeRows({
    ...{ from, to, order },
    read: async (first, end) => {
      asked.push([first, end])
      return rowsOf(first, Math.min(end, first + most))
    },
  })
  return { rows, asked }
}

test("any of five million rows can be had at once, the newest first", async () => {
  const { rows, asked } = open(0, 5_000_000)
  rows.want(3_000_000, 3_000_020)
  await settled()
  expect(rows.count).toBe(5_000_000)
  expect(rows.at(3_000_000)?.index).toBe(1_999_999)
  expect(asked.every(([from, to]) => to - from <= 200)).toBe(true)
  expect(rows.at(0)).toBeUndefined()
})

test("the oldest first counts from the beginning of the range", async () => {
  const { rows } = open(1000, 2000, "asc")
  rows.want(0, 10)
  await settled()
  expect(rows.at(0)?.index).toBe(1000)
})

test("an answer that is cut by its size is gone on with", async () => {
  const { rows, asked } = open(0, 100, "desc", 30)
  rows.want(0, 100)
  await settled()
  expect(asked).toEqual([
    [0, 100],
    [30, 100],
    [60, 100],
    [90, 100],
  ])
  expect(rows.at(99)?.index).toBe(0)
})

test("what is far away is forgotten, and comes again", async () => {
  const { rows, asked } = open(0, 100_000)
  for (let at = 0; at < 100_000; at += 1000) {
    rows.want(at, at + 20)
    await settled()
  }
  expect(rows.at(0)).toBeUndefined()
  const before = asked.length
  rows.want(0, 20)
  await settled()
  expect(rows.at(0)?.index).toBe(99_999)
  expect(asked.length).toBeGreaterThan(before)
})

test("entries that come in stand at the top; those that are known already change nothing", async () => {
  const { rows } = open(0, 100)
  expect(rows.grow([rowAt(99), rowAt(100), rowAt(101)])).toBe(2)
  expect([rows.count, rows.newest, rows.at(0)?.index]).toEqual([102, 101, 101])
})

test("a problem stops it until somebody says go on", async () => {
  let fails = true
  let asked = 0
  const rows = new RangeRows({
    ...{ from: 0, to: 10, order: "desc" },
    read: async (from, to) => {
      asked++
      if (fails) throw new Error("no")
      return rowsOf(from, to)
    },
  })
  rows.want(0, 10)
  await settled()
  rows.want(0, 10)
  await settled()
  expect([rows.problem?.message, asked]).toEqual(["no", 1])
  fails = false
  rows.resume()
  await settled()
  expect([rows.problem, rows.at(0)?.index]).toEqual([undefined, 9])
})

test("an answer without the entry that was asked for is a problem, no endless loop", async () => {
  const rows = new RangeRows({ from: 0, to: 10, order: "desc", read: async () => [] })
  rows.want(0, 10)
  await settled()
  expect(rows.problem?.message).toBe("no entry 0 in the answer")
})
