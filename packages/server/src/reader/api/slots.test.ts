import { formatHex } from "@postern/log/base"
import { describe, expect, test } from "vitest"
import type { Head } from "../../disk/index.ts"
import { openDesk, peerOf } from "./api.test.support.ts"
import { FakeLog, naiveRoot } from "./fake-log.test.support.ts"
import type { RawSlots, SlotPiece } from "./index.ts"

/** A log in which each entry is a slot of its own, with a segment for each ten. */
class SlottedLog extends FakeLog implements RawSlots {
  closed = 0

  override head(): Head {
    const head = super.head()
    return { ...head, slot: head.size - 1 }
  }

  async open(from: number) {
    const { PosternError } = await import("@postern/log/base")
    if (from > this.head().slot + 1) throw new PosternError("NOT_FOUND", "beyond the head")
    let slot = from
    return {
      next: async (): Promise<SlotPiece[]> => {
        const pieces: SlotPiece[] = []
        for (; slot <= this.head().slot && pieces.length < 7; slot++) {
          if (slot % 10 === 0) {
            pieces.push({ kind: "segment", first: slot, start: Buffer.from(`start ${slot}`) })
          }
          const bytes = Buffer.from(`slot ${slot}`)
          pieces.push({ kind: "slot", slot, first: slot, entries: 1, bytes })
        }
        return pieces
      },
      close: async () => {
        this.closed += 1
      },
    }
  }
}

/** Frames as they come, by an independent reading of docs/spec/mirror.md. */
class Follower {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  #held = Buffer.alloc(0)

  constructor(answer: Response) {
    if (answer.body === null) throw new Error("there is no body")
    this.#reader = answer.body.getReader()
  }

  async next(): Promise<{ type: number; body: Buffer } | undefined> {
    for (;;) {
      const length = this.#held.length < 6 ? Number.POSITIVE_INFINITY : this.#held.readUInt32BE(0)
      if (this.#held.length >= 4 + length) {
        const frame = this.#held.subarray(0, 4 + length)
        this.#held = this.#held.subarray(4 + length)
        expect(frame[5]).toBe(0)
        return { type: frame[4] ?? 0, body: frame.subarray(6) }
      }
      const { done, value } = await this.#reader.read()
      if (done) return undefined
      this.#held = Buffer.concat([this.#held, value])
    }
  }

  /** Readable frames up to and including the one that is waited for. */
  async until(wanted: string): Promise<string[]> {
    const frames: string[] = []
    for (;;) {
      const frame = await this.next()
      if (frame === undefined) return frames
      frames.push(describeFrame(frame))
      if (frames.at(-1) === wanted) return frames
    }
  }

  cut(): Promise<void> {
    return this.#reader.cancel()
  }
}

function describeFrame({ type, body }: { type: number; body: Buffer }): string {
  if (type === 2) return `segment ${body.readBigUInt64BE(0)} ${body.subarray(8)}`
  if (type === 4) return `checkpoint ${body.toString().split("\n")[1]}`
  if (type === 5) return `head ${body.readBigUInt64BE(0)} ${body.readBigUInt64BE(8)}`
  return body.toString()
}

function openSlotted(count: number, limits: Parameters<typeof openDesk>[1] = {}) {
  const log = new SlottedLog()
  log.fill(count)
  return { ...openDesk(log, limits, log), log }
}

async function follow(desk: ReturnType<typeof openSlotted>, from: number, as = "auditor") {
  const follower = new Follower(await desk.ask(`/v1/log/slots?from=${from}`, as))
  const begin = JSON.parse(
    describeFrame((await follower.next()) ?? { type: 0, body: Buffer.alloc(0) }),
  )
  return { follower, begin }
}

describe("slots", () => {
  test("come in order with their segments, and go on as the log grows", async () => {
    const desk = openSlotted(18)
    const { follower, begin } = await follow(desk, 8)
    expect(begin).toMatchObject({ postern: "slots@v1", from: 8, slots: 20, size: 20 })
    expect(begin.origin).toBe(desk.log.origin)
    const first = await follower.until("slot 19")
    expect(first.slice(0, 5)).toEqual([
      "head 20 20",
      "slot 8",
      "slot 9",
      "segment 10 start 10",
      "slot 10",
    ])
    desk.log.fill(3)
    expect(await follower.until("slot 22")).toEqual([
      "segment 20 start 20",
      "slot 20",
      "slot 21",
      "slot 22",
    ])
    await follower.cut()
  })

  test("are recorded once before the first byte leaves, and at the end with counts", async () => {
    const desk = openSlotted(8)
    let recorded = false
    desk.behaviour.keep = async () => {
      recorded = true
    }
    const { follower, begin } = await follow(desk, 0)
    expect(recorded).toBe(true)
    await follower.until("slot 9")
    await follower.cut()
    expect(desk.records).toMatchObject([
      {
        action: "postern.mirror.opened",
        what: "slots",
        facts: { from: 0, session: begin.session },
      },
      { action: "postern.mirror.closed", facts: { from: 0, to: 10, slots: 10, entries: 10 } },
    ])
    expect(desk.log.closed).toBe(1)
  })

  test("do not leave if that cannot be recorded", async () => {
    const desk = openSlotted(8)
    desk.behaviour.keep = () => Promise.reject(new Error("disk"))
    expect(await desk.json("/v1/log/slots?from=0", 503)).toMatchObject({ code: "READ_UNRECORDED" })
    expect(desk.log.closed).toBe(1)
  })

  test("are followed by each checkpoint, once all that it covers was sent", async () => {
    const desk = openSlotted(18)
    await desk.log.publish(20)
    const { follower } = await follow(desk, 0)
    const sent = await follower.until("checkpoint 20")
    expect(sent.indexOf("checkpoint 20")).toBe(sent.indexOf("slot 19") + 1)
    desk.log.fill(2)
    await desk.log.publish(21)
    const more = await follower.until("checkpoint 21")
    expect(more.indexOf("slot 20")).toBeGreaterThanOrEqual(0)
    expect(more.filter((text) => text.startsWith("checkpoint"))).toEqual(["checkpoint 21"])
    await follower.cut()
  })

  test("that are all there are followed by the head, again and again", async () => {
    const desk = openSlotted(3, { heartbeatMs: 10 })
    const { follower } = await follow(desk, 5)
    for (let i = 0; i < 3; i++) expect(describeFrame((await follower.next())!)).toBe("head 5 5")
    await follower.cut()
  })

  test("are for auditors, and end with the grant", async () => {
    const desk = openSlotted(3)
    await desk.json("/v1/log/slots?from=0", 403, "monitor")
    const { follower } = await follow(desk, 0)
    await follower.until("slot 4")
    desk.grants.set(peerOf("auditor").id, "monitor")
    desk.log.fill(1)
    expect(await follower.until("never")).toEqual([])
    expect(desk.records.at(-1)?.facts).toMatchObject({ end: "grant", to: 5 })
  })

  test("beyond the head are not there, and parameters are strict", async () => {
    const desk = openSlotted(3)
    expect(await desk.json("/v1/log/slots?from=6", 404)).toMatchObject({ code: "NOT_FOUND" })
    for (const query of ["", "?from=-1", "?from=x", "?from=0&from=1", "?from=0&to=3"]) {
      await desk.json(`/v1/log/slots${query}`, 400)
    }
  })

  test("are given to two answers of a reader at a time", async () => {
    const desk = openSlotted(3)
    const [a, b] = [await follow(desk, 0), await follow(desk, 0)]
    expect(await desk.json("/v1/log/slots?from=0", 503)).toMatchObject({ code: "OVERLOADED" })
    await a.follower.cut()
    const c = await follow(desk, 0)
    await Promise.all([b, c].map(({ follower }) => follower.cut()))
  })

  test("that cannot be read end the answer with the reason", async () => {
    const desk = openSlotted(3)
    const { PosternError } = await import("@postern/log/base")
    desk.log.open = async () => ({
      next: () => Promise.reject(new PosternError("LOG_DAMAGED", "a hole")),
      close: async () => undefined,
    })
    const { follower } = await follow(desk, 0)
    const [, end = ""] = await follower.until("never")
    expect(JSON.parse(end)).toMatchObject({ code: "LOG_DAMAGED", detail: "a hole" })
    expect(desk.records.at(-1)?.facts).toMatchObject({ end: "failed" })
  })

  test("end with the process, recorded", async () => {
    const desk = openSlotted(3)
    const { follower } = await follow(desk, 0)
    await follower.until("slot 4")
    await desk.api.close()
    expect(await follower.until("never")).toEqual([])
    expect(desk.records.at(-1)?.facts).toMatchObject({ end: "drain" })
    await desk.json("/v1/log/slots?from=0", 503)
  })
})

describe("an agreement", () => {
  const rootOf = (log: FakeLog, size: number) => formatHex(naiveRoot(log.leafHashes.slice(0, size)))
  const path = (session: string, size: number, root: string) =>
    `/v1/log/agreement?session=${session}&size=${size}&root=${root}`

  test("is the mirror's word: shown, and recorded at most once a minute", async () => {
    const desk = openSlotted(18)
    expect((await desk.json("/v1/status")).mirrors).toEqual([])
    const { follower, begin } = await follow(desk, 0)
    for (const size of [5, 20]) {
      const answer = await desk.json(path(begin.session, size, rootOf(desk.log, size)))
      expect(answer).toEqual({ size, agrees: true })
    }
    const { mirrors } = await desk.json("/v1/status")
    expect(mirrors).toMatchObject([{ reader: peerOf("auditor").id, size: 20, connected: true }])
    expect(desk.mirrors.at(-1)).toEqual(mirrors)
    const actions = desk.records.map(({ action }) => action)
    expect(actions).toEqual(["postern.mirror.opened", "postern.mirror.confirmed"])
    await follower.cut()
    expect(desk.records.at(-1)?.facts).toMatchObject({ confirmed: 20 })
    expect((await desk.json("/v1/status")).mirrors).toMatchObject([{ size: 20, connected: false }])
  })

  test("with another root is none, and the operator hears of it", async () => {
    const desk = openSlotted(18)
    const { follower, begin } = await follow(desk, 0)
    const answer = await desk.json(path(begin.session, 5, rootOf(desk.log, 6)))
    expect(answer).toEqual({ size: 5, agrees: false })
    expect((await desk.json("/v1/status")).mirrors).toEqual([])
    expect(desk.lines.join()).toContain("another history")
    await follower.cut()
  })

  test("needs an open answer of one's own, and a size that is there", async () => {
    const desk = openSlotted(18)
    desk.grants.set(peerOf("second").id, "auditor")
    const { follower, begin } = await follow(desk, 0)
    const good = path(begin.session, 5, rootOf(desk.log, 5))
    await desk.json(path("0f8fad5b-d9cb-469f-a165-70867728950e", 5, rootOf(desk.log, 5)), 404)
    await desk.json(path(begin.session, 21, rootOf(desk.log, 5)), 404)
    await desk.json(good.replace("size=5", "size=x"), 400)
    expect((await desk.ask(good, "second")).status).toBe(404)
    await follower.cut()
    await desk.json(good, 404)
  })
})
