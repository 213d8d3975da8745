import { encodeUtf8 } from "@postern/log/base"
import { leafHash } from "@postern/log/tlog"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { openDesk, peerOf } from "./api.test.support.ts"
import { makeCursors } from "./cursor.ts"
import type { EntryJson } from "./entry.ts"
import { FakeLog, naiveRoot } from "./fake-log.test.support.ts"
import { rootOfSeveral } from "./several-path.test.support.ts"

const actions = ["invoice.created", "invoice.deleted", "user.login", "user.logout"]
const outcomes = ["success", "failure", "denied"]

async function searchLog(count = 400): Promise<FakeLog> {
  const log = new FakeLog()
  for (let i = 0; i < count; i++) {
    const event = {
      action: actions[i % 4] as string,
      outcome: outcomes[i % 3] as string,
      actor: { type: "user", id: `u${i % 7}` },
      targets: [{ type: "invoice", id: String(i) }],
    }
    log.append([event], `spiffe://postern.test/writer/w${i % 5}`)
  }
  await log.publish()
  return log
}

type Desk = ReturnType<typeof openDesk>

/** All pages of a search, each one's proof checked. */
async function searchAll(
  desk: Desk,
  query: string,
): Promise<{ entries: EntryJson[]; pages: number }> {
  const entries: EntryJson[] = []
  let cursor = ""
  for (let pages = 1; ; pages++) {
    const page = await desk.json(`/v1/search?${query}${cursor}`)
    if (page.proof !== undefined) {
      const rows: EntryJson[] = [...page.entries, ...page.openings]
      const covered = rows.filter(({ index }) => index < page.proof.size)
      const hashes = new Map(covered.map((row) => [row.index, leafHash(encodeUtf8(row.leaf))]))
      const root = naiveRoot(desk.log.leafHashes.slice(0, page.proof.size))
      expect(rootOfSeveral(hashes, page.proof.size, page.proof.path)).toEqual(root)
    }
    entries.push(...page.entries)
    expect(page.complete).toBe(page.cursor === undefined)
    if (page.complete) return { entries, pages }
    cursor = `&cursor=${page.cursor}`
  }
}

describe("a search", () => {
  it("finds what a look at every entry finds, in either order, whatever the budget", async () => {
    const log = await searchLog()
    const all = await openDesk(log).json("/v1/entries?limit=1000")
    const budgets = fc.record({
      scanEntriesMax: fc.integer({ min: 1, max: 500 }),
      pageBytesMax: fc.integer({ min: 1, max: 5000 }),
      limit: fc.integer({ min: 1, max: 200 }),
      order: fc.constantFrom("asc", "desc"),
      action: fc.constantFrom("invoice.*", "user.login", "(user.login OR invoice.created)", "x.y"),
      outcome: fc.constantFrom("success", "(denied OR failure)"),
    })
    await fc.assert(
      fc.asyncProperty(budgets, async ({ limit, order, action, outcome, ...limits }) => {
        const desk = openDesk(log, limits)
        const q = encodeURIComponent(`action:${action} outcome:${outcome}`)
        const query = `q=${q}&limit=${limit}&order=${order}`
        const { entries } = await searchAll(desk, query)
        const wanted = all.entries.filter((entry: EntryJson) => {
          const is = entry.event.action as string
          const named =
            action.split(/[ ()]+/).includes(is) ||
            (action === "invoice.*" && is.startsWith("invoice."))
          return named && outcome.split(/[ ()]+/).includes(entry.event.outcome as string)
        })
        const ordered = order === "asc" ? wanted : wanted.toReversed()
        expect(entries.map((e) => e.index)).toEqual(ordered.map((e: EntryJson) => e.index))
      }),
      { numRuns: 12 },
    )
  })

  it.each([
    ["q=actor:u3", (e: EntryJson) => (e.event.actor as { id: string }).id === "u3"],
    ["q=actor:user/u3", (e: EntryJson) => (e.event.actor as { id: string }).id === "u3"],
    ["q=target:invoice/17", (e: EntryJson) => e.leaf.includes('"id":"17"')],
    ["q=writer:spiffe://postern.test/writer/w2", (e: EntryJson) => e.writer.endsWith("/w2")],
    ["q=source:postern:*", (e: EntryJson) => (e.event.source as string).startsWith("postern:")],
    ["q=U3", (e: EntryJson) => e.leaf.includes('"u3"')],
    ["q=NOT%20u3", (e: EntryJson) => !e.leaf.includes('"u3"')],
    ["q=index:[7%20TO%2012]", (e: EntryJson) => e.index >= 7 && e.index <= 12],
    [
      "q=received:<=2026-11-22T12:00:00.030Z",
      (e: EntryJson) => e.received <= "2026-11-22T12:00:00.030000Z",
    ],
    ["q=id:e77", (e: EntryJson) => e.event.id === "e77"],
    ["since=2026-11-22T12:00:00.100Z", (e: EntryJson) => e.received >= "2026-11-22T12:00:00.1"],
    ["until=2026-11-22T12:00:00.030Z", (e: EntryJson) => e.received < "2026-11-22T12:00:00.03"],
  ])("by %s finds exactly the entries that fit", async (query, fits) => {
    const desk = openDesk(await searchLog(120))
    const { entries } = await searchAll(desk, `${query}&order=asc&limit=1000`)
    const wanted = (await desk.json("/v1/entries?limit=1000")).entries.filter(fits)
    expect(wanted.length).toBeGreaterThan(0)
    expect(entries.map((e) => e.index)).toEqual(wanted.map((e: EntryJson) => e.index))
  })

  it("is of one tree: entries that come between two pages are not part of it", async () => {
    const desk = openDesk(await searchLog(20))
    const first = await desk.json("/v1/search?limit=2&order=asc")
    desk.log.fill(10)
    const rest = await desk.json(`/v1/search?limit=1000&order=asc&cursor=${first.cursor}`)
    expect(rest.size).toBe(first.size)
    expect(rest.entries.at(-1).index).toBe(first.size - 1)
    expect(rest.scanned).toEqual({ from: 2, to: first.size })
  })

  it("gives newer entries than the checkpoint without a proof of them", async () => {
    const desk = openDesk(await searchLog(20))
    const published = desk.log.all.length
    desk.log.fill(3)
    const page = await desk.json("/v1/search?limit=5")
    expect(page.proof.size).toBe(published)
    expect(page.entries).toHaveLength(5)
    await searchAll(desk, "limit=5")
  })

  it("of an empty time range examines nothing", async () => {
    const { json, log } = openDesk(await searchLog(1000))
    const before = log.reads
    const page = await json("/v1/search?since=2100-01-01T00:00:00Z")
    expect(page).toMatchObject({ entries: [], complete: true })
    expect(log.reads - before).toBeLessThan(10)
  })

  it("is not looked for where the query itself says that it was not received", async () => {
    const { json, log } = openDesk(await searchLog(1000))
    const before = log.reads
    const page = await json("/v1/search?q=received:2100%20u3")
    expect(page).toMatchObject({ entries: [], complete: true })
    expect(log.reads - before).toBeLessThan(10)
  })

  it("stops when its time is used up, however little it found", async () => {
    const log = new FakeLog()
    log.fill(3000)
    const { json } = openDesk(log, { scanMs: 0 })
    const page = await json("/v1/search?q=nothing-has-this")
    expect(page).toMatchObject({ entries: [], complete: false })
    expect(page.scanned).toEqual({ from: 2048, to: log.all.length })
  })

  it("goes down through entries of any size, a bounded number of bytes at a time", async () => {
    const log = new FakeLog()
    for (let i = 0; i < 150; i++) log.append([{ data: { long: "x".repeat(i % 7 ? 50 : 60_000) } }])
    const view = log.leaves.bind(log)
    let most = 0
    log.leaves = async (from, to, bytesMax) => {
      const leaves = await view(from, to, bytesMax)
      most = Math.max(
        most,
        leaves.reduce((sum, leaf) => sum + leaf.length, 0),
      )
      return leaves
    }
    const { entries } = await searchAll(openDesk(log, { pageBytesMax: 300_000 }), "limit=1000")
    expect(entries.map(({ index }) => index)).toEqual(log.all.map((_, i) => i).toReversed())
    expect(most).toBeLessThan(2_097_152 + 65_536)
  })

  it("is refused while too many others run, and not afterwards", async () => {
    const { ask, json, behaviour } = openDesk(await searchLog(5), { scansMax: 2 })
    let release: (() => void) | undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    behaviour.keep = () => held
    const running = [ask("/v1/search"), ask("/v1/search")]
    const problem = await json("/v1/search", 503)
    expect(problem.code).toBe("OVERLOADED")
    release?.()
    for (const answer of await Promise.all(running)) expect(answer.status).toBe(200)
    await json("/v1/search")
  })
})

describe("a cursor", () => {
  const position = { size: 100, from: 3, to: 77 }

  it("comes back as it was given", () => {
    const cursors = makeCursors()
    expect(cursors.parse(cursors.format(position, "q"), "q")).toEqual(position)
  })

  it("that was changed in any bit, cut or lengthened is refused", () => {
    const cursors = makeCursors()
    const good = Buffer.from(cursors.format(position, "q"), "base64url")
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = Buffer.from(good)
      bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(() => cursors.parse(bad.toString("base64url"), "q")).toThrow("cursor")
    }
    const text = cursors.format(position, "q")
    for (const bad of [text.slice(0, -1), `${text}A`, `${text}=`, "", "a".repeat(50), "ä"]) {
      expect(() => cursors.parse(bad, "q")).toThrow("cursor")
    }
  })

  it("of another question, reader, order or process is refused", async () => {
    const desk = openDesk(await searchLog(50))
    desk.grants.set(peerOf("second").id, "auditor")
    const { cursor } = await desk.json("/v1/search?q=action:user.*&limit=2")
    const foreign = [
      `/v1/search?q=action:invoice.*&limit=2&cursor=${cursor}`,
      `/v1/search?limit=2&cursor=${cursor}`,
      `/v1/search?q=action:user.*&order=asc&cursor=${cursor}`,
      `/v1/search?q=action:user.*&since=2000-01-01T00:00:00Z&cursor=${cursor}`,
    ]
    for (const path of foreign) expect((await desk.json(path, 400)).code).toBe("REQUEST_INVALID")
    const again = `/v1/search?q=action:user.*&limit=9&cursor=${cursor}`
    expect((await desk.json(again, 400, "second")).code).toBe("REQUEST_INVALID")
    expect((await openDesk(desk.log).json(again, 400)).code).toBe("REQUEST_INVALID")
    expect((await desk.json(again)).entries).toHaveLength(9)
  })
})
