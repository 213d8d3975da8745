import { encodeUtf8 } from "@postern/log/base"
import { leafHash } from "@postern/log/tlog"
import fc from "fast-check"
import { describe, expect, it, vi } from "vitest"
import { openDesk, peerOf } from "./api.test.support.ts"
import { FakeLog, naiveRoot } from "./fake-log.test.support.ts"
import { entrySchema, problemSchema, tailCheckpointSchema } from "./schema.ts"
import { rootOfSeveral } from "./several-path.test.support.ts"
import { entriesOf, indexesOf, type SentEvent, Viewer } from "./tail.test.support.ts"

function logOf(count: number): FakeLog {
  const log = new FakeLog()
  log.fill(count)
  return log
}

const ended = (desk: ReturnType<typeof openDesk>) =>
  desk.records.filter(({ action }) => action === "postern.tail.closed").map(({ facts }) => facts)

describe("a tail", () => {
  it("begins now, and shows what comes with the opening of its stream", async () => {
    const desk = openDesk(logOf(5))
    const viewer = new Viewer(await desk.ask("/v1/tail"))
    const before = desk.log.all.length
    expect(await viewer.next()).toEqual([])
    expect(viewer.lastId).toBe(String(before - 1))
    desk.log.append([{ action: "a.b" }], "spiffe://postern.test/writer/new")
    desk.log.append([{ action: "a.c" }])
    const events = await viewer.until((all) => entriesOf(all).length === 3)
    // The new stream's opening is itself a row; the other two were opened before this tail began.
    expect(events.map(({ event, data }) => [event, data.event.action])).toEqual([
      ["opening", "postern.started"],
      ["entry", "postern.stream.opened"],
      ["entry", "a.b"],
      ["opening", "postern.stream.opened"],
      ["entry", "a.c"],
    ])
    for (const { event, data, id } of events) {
      entrySchema.parse(data)
      if (event === "entry") expect(id).toBe(String(data.index))
    }
    expect(entriesOf(events)[1].writer).toBe("spiffe://postern.test/writer/new")
    await viewer.cut()
  })

  it("shows only what fits its query, yet its id moves on over everything", async () => {
    const desk = openDesk(logOf(5), { heartbeatMs: 10 })
    const viewer = new Viewer(await desk.ask("/v1/tail?q=action:a.*%20outcome:denied"))
    desk.log.append([{ action: "a.b" }, { action: "a.c", outcome: "denied" }, { action: "b.c" }])
    const events = await viewer.until((all) => entriesOf(all).length === 1)
    expect(entriesOf(events)[0].event.action).toBe("a.c")
    desk.log.fill(20)
    const last = String(desk.log.all.length - 1)
    while (viewer.lastId !== last) await viewer.next()
    await viewer.cut()
  })

  it("of the whole log begins after -1", async () => {
    const desk = openDesk(logOf(600))
    const viewer = new Viewer(await desk.ask("/v1/tail?after=-1"))
    const events = await viewer.until((all) => entriesOf(all).length >= desk.log.all.length)
    expect(indexesOf(events)).toEqual(desk.log.all.map((_, index) => index))
    await viewer.cut()
  })

  it("proves what it sent as soon as a checkpoint covers it", async () => {
    const desk = openDesk(logOf(300))
    const viewer = new Viewer(
      await desk.ask("/v1/tail?after=3&q=id:(e7%20OR%20e99%20OR%20e200%20OR%20e301)"),
    )
    const sent = await viewer.until((all) => entriesOf(all).length === 4)
    expect(sent.filter(({ event }) => event === "checkpoint")).toEqual([])
    await desk.log.publish(250)
    const some = await viewer.until((all) => all.some(({ event }) => event === "checkpoint"))
    expectProof(desk.log, sent, some.at(-1) as SentEvent, 250)
    await desk.log.publish()
    const rest = await viewer.until((all) => all.some(({ event }) => event === "checkpoint"))
    const late = sent.filter(({ data }) => data.index >= 250)
    expectProof(desk.log, late, rest.at(-1) as SentEvent, desk.log.all.length)
    await viewer.cut()
  })

  /** All that was sent and is below the size must be just what the path is for. */
  function expectProof(
    log: FakeLog,
    sent: readonly SentEvent[],
    event: SentEvent,
    size: number,
  ): void {
    const { checkpoint, proof } = tailCheckpointSchema.parse(event.data)
    expect(checkpoint.split("\n")[1]).toBe(String(size))
    const covered = sent.filter(({ data }) => data.index < size)
    const hashes = new Map(covered.map(({ data }) => [data.index, leafHash(encodeUtf8(data.leaf))]))
    expect(rootOfSeveral(hashes, size, proof.path)).toEqual(
      naiveRoot(log.leafHashes.slice(0, size)),
    )
  }

  it("does not run away from the checkpoints: unproven entries are bounded", async () => {
    const desk = openDesk(logOf(100), { unprovenMax: 10, heartbeatMs: 20 })
    const viewer = new Viewer(await desk.ask("/v1/tail?after=-1"))
    const first = await viewer.until((all) => all.length >= 10)
    // A heartbeat says that the tail is waiting, not sending.
    expect(await viewer.next()).toEqual([])
    expect(first).toHaveLength(10)
    await desk.log.publish()
    const rest = await viewer.until((all) => entriesOf(all).length + 10 >= desk.log.all.length)
    expect(indexesOf([...first, ...rest])).toEqual(desk.log.all.map((_, index) => index))
    await viewer.cut()
  })

  it("resumes after any cuts without a hole and without a repeat", async () => {
    const plan = fc.array(
      fc.record({
        grow: fc.integer({ min: 0, max: 80 }),
        publish: fc.boolean(),
        /** Events taken before the cut, also in the midst of a chunk. */
        take: fc.integer({ min: 0, max: 60 }),
        byHeader: fc.boolean(),
      }),
      { minLength: 1, maxLength: 6 },
    )
    const filters = fc.constantFrom("", "&q=action:odd.*", "&q=nothing-has-this")
    await fc.assert(
      fc.asyncProperty(plan, filters, async (steps, filter) => {
        const desk = openDesk(logOf(3), { heartbeatMs: 1 })
        const seen: number[] = []
        let last = "-1"
        for (const { grow, publish, take, byHeader } of [...steps, finish]) {
          desk.log.append(
            Array.from({ length: grow }, (_, i) => ({ action: i % 2 ? "odd.x" : "even.x" })),
          )
          if (publish) await desk.log.publish()
          const headers = byHeader ? { headers: { "last-event-id": last } } : {}
          const after = byHeader ? "-1" : last
          const answer = await desk.ask(`/v1/tail?after=${after}${filter}`, "auditor", headers)
          const viewer = new Viewer(answer, last)
          let left = take
          while (left > 0 && last !== String(desk.log.all.length - 1)) {
            for (const event of (await viewer.next()) ?? []) {
              if (left-- <= 0) break
              if (event.event === "entry") seen.push(event.data.index)
              last = event.id as string
            }
            if (left > 0) last = viewer.lastId as string
          }
          await viewer.cut()
        }
        const fits = filter === "" ? /./ : filter.includes("odd") ? /"odd\.x"/ : /(?!)/
        const wanted = desk.log.all.flatMap((leaf, i) =>
          fits.test(Buffer.from(leaf).toString()) ? [i] : [],
        )
        expect(seen).toEqual(wanted)
      }),
      { numRuns: 25 },
    )
  })

  const finish = { grow: 0, publish: false, take: 1_000_000, byHeader: true }
})

describe("the end of a tail", () => {
  it("by its viewer is recorded with what was sent", async () => {
    const desk = openDesk(logOf(10))
    const viewer = new Viewer(await desk.ask("/v1/tail?after=3"))
    await viewer.until((all) => entriesOf(all).length === 8)
    await viewer.cut()
    await vi.waitFor(() => expect(ended(desk)).toHaveLength(1), 10_000)
    const [opened] = desk.records
    expect(ended(desk)[0]).toEqual({
      tail: opened?.facts.tail,
      from: 4,
      to: 12,
      entries: 8,
      end: "viewer",
    })
  })

  it("comes when the viewer takes nothing for too long", async () => {
    const desk = openDesk(logOf(10), { stuckMs: 10 })
    const answer = await desk.ask("/v1/tail?after=3")
    await vi.waitFor(() => expect(ended(desk)).toMatchObject([{ end: "stuck" }]), 10_000)
    await expect(answer.text()).rejects.toThrow("the viewer takes nothing")
  })

  it("comes when the grant is gone, without another row", async () => {
    const desk = openDesk(logOf(10))
    const viewer = new Viewer(await desk.ask("/v1/tail"))
    await viewer.next()
    desk.grants.delete(peerOf("auditor").id)
    desk.log.fill(1)
    expect(await viewer.until(() => false)).toEqual([])
    expect(ended(desk)).toMatchObject([{ end: "grant", entries: 0 }])
  })

  it("comes with a drain, for all; and no new tail begins", async () => {
    const desk = openDesk(logOf(10))
    const viewers = [new Viewer(await desk.ask("/v1/tail")), new Viewer(await desk.ask("/v1/tail"))]
    await viewers[0]?.next()
    await desk.api.close()
    for (const viewer of viewers) expect(await viewer.until(() => false)).toEqual([])
    expect(ended(desk)).toMatchObject([{ end: "drain" }, { end: "drain" }])
    expect((await desk.json("/v1/tail", 503)).code).toBe("SHUTTING_DOWN")
  })

  it("comes with a problem when the log cannot be read on", async () => {
    const desk = openDesk(logOf(10))
    const viewer = new Viewer(await desk.ask("/v1/tail"))
    await viewer.next()
    desk.log.appendRaw(encodeUtf8("garbage"))
    const events = await viewer.until(() => false)
    expect(problemSchema.parse(events.at(-1)?.data).code).toBe("LOG_DAMAGED")
    expect(ended(desk)).toMatchObject([{ end: "failed" }])
  })
})

describe("open tails", () => {
  it("are limited, for each reader and in all, and count until they end", async () => {
    const desk = openDesk(logOf(1), { tailsMax: 3, tailsPerReaderMax: 2 })
    desk.grants.set(peerOf("second").id, "auditor")
    const own = [await desk.ask("/v1/tail"), await desk.ask("/v1/tail")]
    expect((await desk.json("/v1/tail", 503)).code).toBe("OVERLOADED")
    const third = await desk.ask("/v1/tail", "second")
    expect(third.status).toBe(200)
    expect((await desk.json("/v1/tail", 503, "second")).code).toBe("OVERLOADED")
    await own[0]?.body?.cancel()
    const again = await desk.ask("/v1/tail", "second")
    expect(again.status).toBe(200)
    for (const answer of [own[1], third, again]) await answer?.body?.cancel()
  })

  it("do not count if their beginning could not be recorded", async () => {
    const desk = openDesk(logOf(1), { tailsMax: 1 })
    desk.behaviour.keep = () => Promise.reject(new Error("full"))
    for (let i = 0; i < 3; i++) {
      expect((await desk.json("/v1/tail", 503)).code).toBe("READ_UNRECORDED")
    }
  })
})
