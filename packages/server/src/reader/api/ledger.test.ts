import { describe, expect, it, vi } from "vitest"
import { openDesk } from "./api.test.support.ts"
import { FakeLog } from "./fake-log.test.support.ts"

async function publishedLog(): Promise<FakeLog> {
  const log = new FakeLog()
  log.fill(600)
  await log.publish()
  return log
}

const recorded = [
  ["entries", "/v1/entries?from=3&to=5"],
  ["entries", "/v1/entries?since=2026-11-22T12:00:00Z"],
  ["show", "/v1/entries/7"],
  ["search", "/v1/search?q=action:invoice.*"],
  ["bundle", "/tile/entries/000"],
  ["tail", "/v1/tail?after=3"],
] as const

const unrecorded = [
  "/checkpoint",
  "/tile/0/000",
  "/v1/proof/inclusion?index=1&size=5",
  "/v1/proof/consistency?from=1&to=5",
  "/v1/status",
  "/openapi.json",
] as const

describe("a read that shows entries", () => {
  it.each(recorded)("is recorded with reader and question: %s, %s", async (what, path) => {
    const { ask, records, log } = openDesk(await publishedLog())
    const answer = await ask(path)
    expect(records).toHaveLength(1)
    expect(records[0]).toMatchObject({
      action: what === "tail" ? "postern.tail.opened" : "postern.read",
      reader: "spiffe://postern.test/reader/auditor",
      from: "127.0.0.1:5000",
      what,
      question: path,
    })
    if (what !== "bundle") expect(records[0]?.facts.size).toBe(log.all.length)
    await answer.body?.cancel()
  })

  it.each(recorded)("is answered only once its record is kept: %s, %s", async (_, path) => {
    const { ask, behaviour } = openDesk(await publishedLog())
    let keep: (() => void) | undefined
    const asked = new Promise<void>((resolve) => {
      behaviour.keep = () => {
        resolve()
        return new Promise<void>((kept) => {
          keep = kept
        })
      }
    })
    let answered = false
    const answer = ask(path).then((given) => {
      answered = true
      return given
    })
    await asked
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
    expect(answered).toBe(false)
    behaviour.keep = async () => undefined
    keep?.()
    const given = await answer
    expect(given.status).toBe(200)
    await given.body?.cancel()
  })

  it.each(recorded)(
    "that cannot be recorded is READ_UNRECORDED, and no row leaves: %s, %s",
    async (_, path) => {
      const log = await publishedLog()
      const { ask, behaviour, lines, api } = openDesk(log)
      behaviour.keep = () => Promise.reject(new Error("no space left"))
      const answer = await ask(path)
      const text = await answer.text()
      expect(answer.status).toBe(503)
      expect(answer.headers.get("retry-after")).toBe("1")
      expect(JSON.parse(text).code).toBe("READ_UNRECORDED")
      expect(text).not.toContain("invoice.deleted")
      expect(lines.join()).toContain("no space left")
      expect(api.counters.unrecorded).toBe(1)
      behaviour.keep = async () => undefined
      const again = await ask(path)
      expect(again.status).toBe(200)
      await again.body?.cancel()
    },
  )

  it("waits for its record a bounded time", async () => {
    const { json, behaviour } = openDesk(await publishedLog(), { recordMs: 5 })
    behaviour.keep = () => new Promise<void>(() => undefined)
    expect((await json("/v1/entries", 503)).code).toBe("READ_UNRECORDED")
  })

  it("that goes on from a cursor is a question of its own, recorded with where it goes on", async () => {
    const { json, records } = openDesk(await publishedLog())
    const { cursor } = await json("/v1/search?limit=2&order=asc")
    await json(`/v1/search?limit=2&order=asc&cursor=${cursor}`)
    expect(records.map(({ facts }) => facts.from)).toEqual([0, 2])
  })

  it("that is not understood, not granted or not there is not recorded", async () => {
    const { ask, records } = openDesk(await publishedLog())
    for (const path of [
      "/v1/entries?x=1",
      "/v1/entries/999999",
      "/v1/search?cursor=x",
      "/v1/tail?after=99999",
    ]) {
      expect((await ask(path)).status).toBeGreaterThanOrEqual(400)
    }
    for (const [, path] of recorded) expect((await ask(path, "monitor")).status).toBe(403)
    expect(records).toEqual([])
  })
})

describe("a read that shows none", () => {
  it.each(unrecorded)("is not recorded, and needs no recorder: %s", async (path) => {
    const { ask, records, behaviour } = openDesk(await publishedLog())
    behaviour.keep = () => Promise.reject(new Error("no space left"))
    expect((await ask(path)).status).toBe(200)
    expect(records).toEqual([])
  })

  it("is counted", async () => {
    const { ask, api } = openDesk(await publishedLog())
    for (const path of unrecorded) await ask(path)
    expect(api.counters).toMatchObject({ checkpoints: 1, tiles: 1, proofs: 2, questions: 0 })
  })
})

describe("entry bundles", () => {
  const take = async (desk: ReturnType<typeof openDesk>, tiles: readonly number[]) => {
    for (const tile of tiles) {
      expect((await desk.ask(`/tile/entries/00${tile}`)).status).toBe(200)
    }
  }

  it("are announced by one record, and summed up by another when the window ends", async () => {
    const desk = openDesk(await publishedLog())
    await take(desk, [1, 0, 1])
    expect(desk.records).toHaveLength(1)
    await desk.api.close()
    expect(desk.records).toHaveLength(2)
    expect(desk.records[1]?.facts).toEqual({ bundles: 3, from: 0, to: 512 })
  })

  it("need a new record once the old one is used up", async () => {
    const desk = openDesk(await publishedLog(), { readsPerRecord: 2 })
    await take(desk, [0, 1, 0, 1, 0])
    const announced = desk.records.filter(({ question }) => question.startsWith("/tile/"))
    expect(announced).toHaveLength(3)
    await desk.api.close()
    const sums = desk.records.filter(({ facts }) => facts.bundles !== undefined)
    expect(sums.map(({ facts }) => facts.bundles)).toEqual([2, 2])
  })

  it("need a new record after a while", async () => {
    // The window ends when we say so, not between two bundles that come slowly.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    try {
      const desk = openDesk(await publishedLog(), { readWindowMs: 10 })
      await take(desk, [0, 1])
      expect(desk.records).toHaveLength(1)
      await vi.advanceTimersByTimeAsync(10)
      expect(desk.records).toHaveLength(2)
      await take(desk, [0])
      expect(desk.records).toHaveLength(3)
    } finally {
      vi.useRealTimers()
    }
  })

  it("of two readers are recorded apart", async () => {
    const desk = openDesk(await publishedLog())
    desk.grants.set("spiffe://postern.test/reader/second", "auditor")
    await take(desk, [0])
    expect((await desk.ask("/tile/entries/000", "second")).status).toBe(200)
    expect(desk.records.map(({ reader }) => reader.split("/").at(-1))).toEqual([
      "auditor",
      "second",
    ])
  })

  it("are held back while the first of them waits for its record, and fail with it", async () => {
    const desk = openDesk(await publishedLog())
    let fail: ((error: Error) => void) | undefined
    desk.behaviour.keep = () =>
      new Promise((_, reject) => {
        fail = reject
      })
    const both = [desk.ask("/tile/entries/000"), desk.ask("/tile/entries/001")]
    await vi.waitFor(() => expect(fail).toBeDefined(), 10_000)
    fail?.(new Error("no space left"))
    for (const answer of await Promise.all(both)) expect(answer.status).toBe(503)
  })
})
