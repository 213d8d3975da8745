import { encodeUtf8, parseBase64 } from "@postern/log/base"
import { checkInclusion, leafHash } from "@postern/log/tlog"
import { describe, expect, it } from "vitest"
import { openDesk } from "./api.test.support.ts"
import type { EntryJson } from "./entry.ts"
import { FakeLog, naiveRoot } from "./fake-log.test.support.ts"
import type { Page } from "./page.ts"
import { rootOfSeveral } from "./several-path.test.support.ts"

const app = "spiffe://postern.test/writer/app"
const web = "spiffe://postern.test/writer/web"

/** Index 0 is the port's start, then come the openings and events of two writers. */
async function mixedLog(): Promise<FakeLog> {
  const log = new FakeLog()
  log.append([{ action: "a.one" }], app)
  log.append([{ action: "b.one" }], web)
  log.append([{ action: "a.two" }], app)
  log.fill(300)
  await log.publish()
  return log
}

/** What a verifier does with a page, from its leaves and the checkpoint's size alone. */
function expectProven(page: Page, log: FakeLog): void {
  const { proof, checkpoint = "" } = page
  const size = proof?.size ?? 0
  const covered = [...page.entries, ...page.openings].filter(({ index }) => index < size)
  const hashes = new Map(covered.map(({ index, leaf }) => [index, leafHash(encodeUtf8(leaf))]))
  expect(checkpoint.split("\n")[1]).toBe(String(size))
  expect(rootOfSeveral(hashes, size, proof?.path ?? [])).toEqual(
    naiveRoot(log.leafHashes.slice(0, size)),
  )
}

const indexes = (entries: readonly EntryJson[]) => entries.map(({ index }) => index)

describe("a list of entries", () => {
  it("gives rows with their leaf, their writer and one proof for all", async () => {
    const { json, log } = openDesk(await mixedLog())
    const page = await json("/v1/entries?from=0&to=6")
    expect(indexes(page.entries)).toEqual([0, 1, 2, 3, 4, 5])
    const [started, opened, first, , second, third] = page.entries as EntryJson[]
    expect(started?.writer).toBe("postern://postern.test/log")
    expect(opened?.event.action).toBe("postern.stream.opened")
    expect(first).toMatchObject({ writer: app, stream: 1, sequence: 0 })
    expect(first?.received).toBe("2026-11-22T12:00:00.003000Z")
    expect(second).toMatchObject({ writer: web, stream: 3, sequence: 0 })
    expect(third).toMatchObject({ writer: app, stream: 1, sequence: 1 })
    expect(page.openings).toEqual([])
    expectProven(page, log)
  })

  it("adds the openings that a range leaves out, so that writers can be checked", async () => {
    const { json, log } = openDesk(await mixedLog())
    const page = await json("/v1/entries?from=4&to=6")
    expect(indexes(page.openings)).toEqual([1, 3])
    expectProven(page, log)
  })

  it("goes in pages of at most the limit, each with where the next one begins", async () => {
    const { json, log } = openDesk(await mixedLog())
    const size = log.all.length
    const seen: number[] = []
    let from: number | undefined = 0
    while (from !== undefined) {
      const page = await json(`/v1/entries?from=${from}&limit=37`)
      expect(page.entries.length).toBeLessThanOrEqual(37)
      expectProven(page, log)
      seen.push(...indexes(page.entries))
      from = page.next
    }
    expect(seen).toEqual(Array.from({ length: size }, (_, i) => i))
    expect((await json("/v1/entries")).entries).toHaveLength(100)
    expect((await json("/v1/entries?limit=9999")).entries).toHaveLength(size)
  })

  it("ends a page early when its bytes are used up, but gives at least one entry", async () => {
    const { json } = openDesk(await mixedLog(), { pageBytesMax: 1 })
    const page = await json("/v1/entries?from=3&to=9")
    expect(indexes(page.entries)).toEqual([3])
    expect(page.next).toBe(4)
  })

  it("leaves out of the proof what no checkpoint covers, and says how far the log goes", async () => {
    const log = await mixedLog()
    const published = log.all.length
    log.fill(5)
    const { json } = openDesk(log)
    const page = await json(`/v1/entries?from=${published - 2}`)
    expect(page.size).toBe(published + 5)
    expect(page.proof.size).toBe(published)
    expect(page.entries).toHaveLength(7)
    expectProven(page, log)
    const newest = await json(`/v1/entries?from=${published}`)
    expect(indexes(newest.openings)).toEqual([1])
    expectProven(newest, log)
  })

  it("before the first checkpoint has no proof at all", async () => {
    const { json } = openDesk()
    const page = await json("/v1/entries")
    expect(page.entries).toHaveLength(1)
    expect(page).not.toHaveProperty("proof")
    expect(page).not.toHaveProperty("checkpoint")
  })

  it("is empty at the very end and not there beyond it", async () => {
    const { json, log } = openDesk(await mixedLog())
    const size = log.all.length
    expect((await json(`/v1/entries?from=${size}`)).entries).toEqual([])
    expect((await json(`/v1/entries?from=${size + 1}`, 404)).code).toBe("NOT_FOUND")
    expect((await json("/v1/entries?from=5&to=99999")).to).toBe(size)
    expect((await json("/v1/entries?from=5&to=4", 400)).code).toBe("REQUEST_INVALID")
  })

  it("of a time range has exactly the entries received in it", async () => {
    const { json, log } = openDesk(await mixedLog())
    const { entries } = await json("/v1/entries?limit=1000")
    for (const at of [1, 7, 250]) {
      const time = entries[at].received
      const until = entries[at + 3].received
      const page = await json(`/v1/entries?since=${time}&until=${until}`)
      expect(indexes(page.entries)).toEqual([at, at + 1, at + 2])
      expect([page.from, page.to]).toEqual([at, at + 3])
    }
    const all = await json("/v1/entries?since=2000-01-01T00:00:00Z&until=2100-01-01T00:00:00Z")
    expect([all.from, all.to]).toEqual([0, log.all.length])
    const none = await json("/v1/entries?since=2100-01-01T00:00:00Z")
    expect(none.entries).toEqual([])
    const offset = await json("/v1/entries?since=2026-11-22T13:00:00.005%2B01:00&limit=1")
    expect(offset.entries[0].received).toBe("2026-11-22T12:00:00.005000Z")
  })

  it("joins times and indexes", async () => {
    const { json } = openDesk(await mixedLog())
    const page = await json("/v1/entries?from=10&to=20&since=2026-11-22T12:00:00.016Z")
    expect([page.from, page.to]).toEqual([15, 20])
  })
})

describe("one entry", () => {
  it("comes with the audit paths of itself and of its opening", async () => {
    const { json, log } = openDesk(await mixedLog())
    const root = naiveRoot(log.leafHashes)
    const answer = await json("/v1/entries/4")
    expect(answer.entry).toMatchObject({ index: 4, writer: web, stream: 3 })
    expect(answer.opening.event.data.writer).toBe(web)
    for (const [entry, inclusion] of [
      [answer.entry, answer.inclusion],
      [answer.opening, answer.openingInclusion],
    ]) {
      const path = inclusion.path.map((text: string) => parseBase64(text))
      expect(inclusion).toMatchObject({ index: entry.index, size: log.all.length })
      checkInclusion(entry.index, inclusion.size, leafHash(encodeUtf8(entry.leaf)), path, root)
    }
  })

  it("is proven in the tree of any size that held it", async () => {
    const { json, log } = openDesk(await mixedLog())
    const { entry, inclusion } = await json("/v1/entries/4?size=17")
    const path = inclusion.path.map((text: string) => parseBase64(text))
    const root = naiveRoot(log.leafHashes.slice(0, 17))
    checkInclusion(4, 17, leafHash(encodeUtf8(entry.leaf)), path, root)
    expect((await json("/v1/entries/4?size=4", 404)).code).toBe("NOT_FOUND")
    expect((await json("/v1/entries/4?size=99999", 404)).code).toBe("NOT_FOUND")
  })

  it("that no checkpoint covers has no proof yet, though its opening may", async () => {
    const log = await mixedLog()
    log.fill(1)
    const { json } = openDesk(log)
    const answer = await json(`/v1/entries/${log.all.length - 1}`)
    expect(answer).not.toHaveProperty("inclusion")
    expect(answer.openingInclusion.index).toBe(1)
  })

  it("that opens its own stream names nobody else", async () => {
    const { json } = openDesk(await mixedLog())
    const answer = await json("/v1/entries/0")
    expect(answer).not.toHaveProperty("opening")
    expect(answer.entry.writer).toBe("postern://postern.test/log")
  })

  it("is not there beyond the head", async () => {
    const { json, log } = openDesk(await mixedLog())
    expect((await json(`/v1/entries/${log.all.length}`, 404)).code).toBe("NOT_FOUND")
  })
})

describe("a log that is damaged", () => {
  const nonce = "A".repeat(22)
  const stamp = (open: number) => `{"r":1764000000000000,"o":${open},"q":0,"n":"${nonce}"}`
  const leaves = [
    ["no stamp", "hello"],
    ["an event that is no JSON", `${stamp(0)}\n{`],
    ["a stream that opens later", `${stamp(99)}\n{"id":"x"}`],
    ["an opening without a writer", `${stamp(1)}\n{"id":"x"}`],
  ] as const

  it.each(leaves)("is a finding, not a crash: %s", async (_, text) => {
    const log = new FakeLog()
    log.appendRaw(encodeUtf8(text))
    const { json, lines } = openDesk(log)
    for (const path of ["/v1/entries", "/v1/entries/1", "/v1/search"]) {
      expect((await json(path, 500)).code).toBe("LOG_DAMAGED")
    }
    expect(lines.length).toBeGreaterThan(0)
    expect((await json("/v1/entries/0")).entry.index).toBe(0)
  })
})
