import { parseQuery } from "@postern/log/query"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import {
  type Indexed,
  leafOf,
  newIndexDirectory,
  openIndexed,
  openings,
  removeDirectories,
  scanAll,
  writeLeaves,
} from "./index-log.test.support.ts"

const start = Date.UTC(2026, 10, 1) * 1000
const directory = newIndexDirectory()
let leaves: Uint8Array[]
let indexed: Indexed
beforeAll(async () => {
  leaves = openings(start)
  for (let i = 0; i < 6000; i++) {
    const event = {
      id: `e${i}`,
      actor: { type: "user", id: `10.0.${i % 250}.${i >> 5}` },
      targets: [{ type: "file", id: `f${i}` }],
      data: { note: i % 2 === 0 ? "one two" : "two one" },
    }
    leaves.push(leafOf(JSON.stringify(event), start + i * 1000, 1 + (i % 2), i))
  }
  indexed = await openIndexed(await writeLeaves(leaves, 1 << 20), directory.path)
})
afterAll(async () => {
  await indexed.close()
  directory.remove()
  removeDirectories()
})

const asked = { order: "desc", rows: 1e9, bytes: 1e9 } as const

describe("a question", () => {
  test.each(["actor:10.0.3.0/24", "target:[f100 TO f2]", "NOT actor:10.0.0.0/9", "two"])(
    "that takes longer than its time says how far it came, and another goes on from there: %s",
    async (text) => {
      const query = parseQuery(text)
      const found: number[] = []
      let rest = { from: 0, to: leaves.length }
      let pages = 0
      for (; rest.from < rest.to; pages++) {
        const page = await indexed.answering.search({ query, ...rest, ...asked, ms: 0 })
        expect(page.rest.to).toBeLessThan(rest.to)
        expect(page.rest.from).toBe(rest.from)
        rest = page.rest
        found.push(...page.hits.map(({ index }) => index))
      }
      expect(found.reverse()).toEqual(scanAll(leaves, query))
      expect(pages).toBeGreaterThan(1)
      const question = { query, from: 0, to: leaves.length, ms: 0, fields: ["actor"] as const }
      const counted = await indexed.answering.facets({ ...question, top: 9 })
      const { from, to } = counted.examined
      expect(to).toBe(leaves.length)
      expect(from).toBeGreaterThan(0)
      const within = scanAll(leaves, query).filter((index) => index >= from)
      expect(counted.count).toBe(within.length)
    },
  )

  test("that is quick is answered before a slow one that came earlier", async () => {
    const ended: string[] = []
    const search = async (text: string) => {
      const question = { query: parseQuery(text), from: 0, to: leaves.length, ...asked, ms: 1e6 }
      return (await indexed.answering.search(question)).hits.length
    }
    expect(await search("actor:10.0.3.7")).toBeGreaterThan(0)
    // Every entry has both words, so each is read.
    const slow = ['"one one"', '"two two"', '"one two one"', '"two one two"'].map(async (text) => {
      expect(await search(text)).toBe(0)
      ended.push("slow")
    })
    await search("actor:10.0.3.7")
    ended.push("quick")
    await Promise.all(slow)
    expect(ended[0]).toBe("quick")
  })
})
