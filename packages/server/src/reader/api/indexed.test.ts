import fc from "fast-check"
import { beforeAll, describe, expect, it } from "vitest"
import { openDesk } from "./api.test.support.ts"
import type { EntryJson } from "./entry.ts"
import { FakeLog } from "./fake-log.test.support.ts"

const outcomes = ["success", "success", "failure", "denied"]
let log: FakeLog

beforeAll(async () => {
  log = new FakeLog()
  for (let i = 0; i < 150; i++) {
    const event = {
      action: `invoice.${i % 3 === 0 ? "deleted" : "read"}`,
      outcome: outcomes[i % 4] as string,
      actor: { type: "user", id: `u${i % 5}` },
    }
    log.append([event], `spiffe://postern.test/writer/w${i % 2}`)
  }
  await log.publish()
})

function deskOf(indexed: number, limits = {}) {
  return openDesk(
    log,
    { indexWaitMs: 0, ...limits },
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    indexed,
  )
}

async function searchAll(desk: ReturnType<typeof deskOf>, query: string): Promise<EntryJson[]> {
  const entries: EntryJson[] = []
  for (let cursor = ""; ; ) {
    const page = await desk.json(`/v1/search?${query}${cursor}`)
    entries.push(...page.entries)
    if (page.complete) return entries
    cursor = `&cursor=${page.cursor}`
  }
}

describe("a search with an index", () => {
  it("finds what a scan finds, however far the index has come, whatever the budget", async () => {
    const asked = fc.record({
      indexed: fc.integer({ min: 0, max: log.all.length }),
      limit: fc.integer({ min: 5, max: 60 }),
      order: fc.constantFrom("asc", "desc"),
      q: fc.constantFrom("", "outcome:denied", "action:invoice.deleted AND actor:u2", "nothing"),
      limits: fc.record({
        pageBytesMax: fc.integer({ min: 1000, max: 9000 }),
        scanEntriesMax: fc.integer({ min: 10, max: 100 }),
      }),
    })
    await fc.assert(
      fc.asyncProperty(asked, async ({ indexed, limit, order, q, limits }) => {
        const desk = deskOf(indexed, limits)
        const query = `q=${encodeURIComponent(q)}&limit=${limit}&order=${order}`
        const found = await searchAll(desk, query)
        const scanned = await searchAll(desk, `${query}&scan=1`)
        expect(found.map(({ index }) => index)).toEqual(scanned.map(({ index }) => index))
      }),
      { numRuns: 15 },
    )
  })

  it("says who answered, how far the index goes, and how long the parts took", async () => {
    const desk = deskOf(50)
    expect(await desk.json("/v1/search?q=denied")).toMatchObject({ engine: "index", indexed: 50 })
    const scanned = await desk.ask("/v1/search?q=denied&scan=1")
    expect(await scanned.json()).toMatchObject({ engine: "scan" })
    const timing = scanned.headers.get("server-timing")
    expect(timing?.replaceAll(/[\d.]+/g, "N")).toBe("record;dur=N, find;dur=N, prove;dur=N")
  })

  it("goes on with the engine that it began with", async () => {
    const desk = deskOf(50)
    const { cursor } = await desk.json("/v1/search?limit=2&scan=1")
    await desk.json(`/v1/search?limit=2&scan=1&cursor=${cursor}`)
    expect((await desk.json(`/v1/search?limit=2&cursor=${cursor}`, 400)).code).toBe(
      "REQUEST_INVALID",
    )
  })
})

describe("completeness", () => {
  it("of a range is shown by its indexes and by the entries next to it", async () => {
    const desk = deskOf(0)
    const all: EntryJson[] = (await desk.json("/v1/entries?limit=1000")).entries
    const since = all[20]?.received as string
    const until = all[31]?.received as string
    const page = await desk.json(`/v1/search?since=${since}&until=${until}&order=asc&prove=1`)
    expect(page.completeness).toEqual({ kind: "range", ...page.scanned })
    const { from, to } = page.scanned
    expect(page.entries.map((entry: EntryJson) => entry.index)).toEqual(
      Array.from({ length: to - from }, (_, i) => from + i),
    )
    const [before, after] = page.neighbours as EntryJson[]
    expect([before?.index, after?.index]).toEqual([from - 1, to])
    expect((before?.received as string) < since).toBe(true)
    expect((after?.received as string) >= until).toBe(true)
  })

  it("of a stream is shown by its sequences", async () => {
    const desk = deskOf(0)
    const [entry] = (await desk.json("/v1/search?q=action:invoice.read&limit=1")).entries
    const page = await desk.json(`/v1/search?q=stream:${entry.stream}&order=asc&prove=1&limit=9`)
    const [first, last] = [page.entries[0].sequence, page.entries.at(-1).sequence]
    expect(page.completeness).toEqual({ kind: "stream", stream: entry.stream, first, last })
    expect(last - first + 1).toBe(page.entries.length)
  })

  it.each(["q=outcome:denied", "q=actor:u1 AND received:>2000-01-01", "q=stream:>0"])(
    "of %s cannot be shown, and the answer says so",
    async (query) => {
      const { completeness } = await deskOf(0).json(`/v1/search?${query}&prove=1`)
      expect(completeness).toMatchObject({ kind: "none" })
    },
  )
})

describe("counts", () => {
  it("are those of the entries that a search finds, as far as the index goes", async () => {
    const desk = deskOf(120)
    const found = await searchAll(desk, "q=actor:u1&order=asc&limit=1000")
    const within = found.filter(({ index }) => index < 120)
    const histogram = await desk.json("/v1/histogram?q=actor:u1&buckets=10")
    expect(histogram).toMatchObject({ indexed: 120, total: within.length, complete: false })
    expect(histogram.buckets.length).toBeLessThanOrEqual(10)
    const facets = await desk.json("/v1/facets?q=actor:u1&fields=outcome,actor")
    expect(facets.facets.actor).toEqual([{ value: "user/u1", count: within.length }])
    const denied = within.filter(({ event }) => event.outcome === "denied").length
    expect(facets.facets.outcome).toContainEqual({ value: "denied", count: denied })
  })

  it("are complete once the index has got there", async () => {
    expect(await deskOf(log.all.length).json("/v1/histogram")).toMatchObject({
      total: log.all.length,
      complete: true,
    })
  })

  it("of times without any entry are none", async () => {
    const answer = await deskOf(120).json("/v1/histogram?since=2100-01-01T00:00:00Z")
    expect(answer).toMatchObject({ total: 0, buckets: [], complete: true })
  })

  it("are recorded once for a question that is asked again and again", async () => {
    const desk = deskOf(120)
    for (let i = 0; i < 3; i++) await desk.json("/v1/histogram?q=denied")
    await desk.json("/v1/facets?q=denied&fields=actor")
    await desk.json("/v1/facets?q=failure")
    expect(desk.records.map(({ what, question }) => [what, question])).toEqual([
      ["counts", "/v1/histogram?q=denied"],
      ["counts", "/v1/facets?q=failure"],
    ])
    await desk.api.close()
    expect(desk.records.at(-1)).toMatchObject({ what: "counts", facts: { reads: 4 } })
  })

  it.each(["fields=actor,nonsense", "top=0", "top=101"])("refuse %s", async (query) => {
    expect((await deskOf(120).json(`/v1/facets?${query}`, 400)).code).toBe("REQUEST_INVALID")
  })
})

describe("a completion", () => {
  it.each([
    ["act", { from: 0, to: 3, kind: "field", items: [{ text: "action:" }, { text: "actor:" }] }],
    ["outcome:den", { from: 8, to: 11, kind: "value", items: [{ text: "denied" }] }],
    ["actor:u3 AN", { from: 9, to: 11, kind: "operator", items: [{ text: "AND" }] }],
  ])("of %s", async (q, answer) => {
    expect(await deskOf(150).json(`/v1/complete?q=${encodeURIComponent(q)}`)).toMatchObject(answer)
  })

  it("offers frequent values, and is recorded then", async () => {
    const desk = deskOf(150)
    const { items } = await desk.json("/v1/complete?q=actor:user/u")
    expect(items).toHaveLength(5)
    expect(items[0]).toMatchObject({ text: "user/u0" })
    await desk.json("/v1/complete?q=actor:user/u1")
    expect(desk.records).toHaveLength(1)
    await desk.json("/v1/complete?q=act")
    expect(desk.records).toHaveLength(1)
  })
})
