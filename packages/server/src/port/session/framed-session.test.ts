import { type ErrorCode, errorRegistry, limits } from "@postern/log/base"
import { encodeFrame, type FrameType, frameTypes } from "@postern/log/wire"
import { describe, expect, test } from "vitest"
import {
  acks,
  audit,
  beat,
  close,
  digestOf,
  doubt,
  expectGoaway,
  Frames,
  hello,
  openOn,
  openSession,
  openStreamSession,
  ping,
  raw,
  slotOf,
  streamOf,
} from "./sessions.test.support.ts"

describe("each frame in each state", () => {
  const batch = () => new Frames().batch(1)
  const gap = () => new Frames().gap(1)
  const frames: Record<string, () => Uint8Array> = {
    hello,
    open: () => openOn(1, "ff".repeat(16)),
    batch,
    gap,
    close: () => close(0),
    ping: () => ping("x"),
    welcome: () => raw(2),
    opened: () => raw(4),
    ack: () => raw(6),
    refused: () => raw(7),
    credit: () => raw(8, new Uint8Array(8)),
    closed: () => raw(11),
    pong: () => raw(13),
    goaway: () => raw(14),
    beat: () => beat(0),
    audit: () => audit(0),
    doubt: () => doubt({ code: "A", detail: "", note: "" }),
    checkpoint: () => raw(17),
    disclosure: () => raw(19, Buffer.alloc(40)),
    unknown: () => raw(99),
    zero: () => raw(0),
    flagged: () => raw(12, new Uint8Array(0), 1),
  }
  const ours = [
    "welcome",
    "opened",
    "ack",
    "refused",
    "credit",
    "closed",
    "pong",
    "goaway",
    "checkpoint",
  ]

  test.each(Object.keys(frames))("before HELLO: %s", (name) => {
    const opened = openSession()
    opened.send((frames[name] as () => Uint8Array)())
    if (name === "hello") {
      const {
        frameBytesMax: frameBytes,
        batchEventsMax: batchEvents,
        entryBytesMax: entryBytes,
      } = limits
      const { origin, certificate, vkey, keys } = opened.intake
      const bounds = { frameBytes, batchEvents, entryBytes }
      const about = { origin, certificate, vkey, keys, limits: bounds }
      const credit = limits.creditBytesStart
      expect(opened.heard()).toEqual([{ type: "welcome", session: "session-1", credit, ...about }])
      return
    }
    const codes: Record<string, ErrorCode> = {
      unknown: "FRAME_TYPE",
      zero: "FRAME_TYPE",
      flagged: "FRAME_SYNTAX",
    }
    expectGoaway(opened, codes[name] ?? "FRAME_ORDER")
  })

  test.each(Object.keys(frames))("after HELLO, without a stream: %s", (name) => {
    const opened = openSession()
    opened.send(hello())
    opened.heard()
    opened.send((frames[name] as () => Uint8Array)())
    if (name === "open") return expect(opened.intake.opens).toHaveLength(1)
    if (name === "audit") return expect(opened.intake.audits).toHaveLength(1)
    if (name === "doubt") return expect(opened.intake.doubts).toHaveLength(1)
    if (name === "ping") return expect(opened.heard()).toEqual([{ type: "pong", text: "x" }])
    const unknown = {
      batch: "STREAM_UNKNOWN",
      gap: "STREAM_UNKNOWN",
      close: "STREAM_UNKNOWN",
      beat: "STREAM_UNKNOWN",
    } as const
    const rest = {
      hello: "FRAME_ORDER",
      disclosure: "FRAME_ORDER",
      flagged: "FRAME_SYNTAX",
    } as const
    const codes: Record<string, ErrorCode> = { ...unknown, ...rest }
    expectGoaway(opened, codes[name] ?? "FRAME_TYPE")
    if (ours.includes(name))
      expect(opened.intake.refusals[0]?.detail?.detail).toContain("the port's to send")
  })

  test.each(Object.keys(frames))("after the end: %s", (name) => {
    const opened = openSession()
    opened.session.dismiss("IDLE_TIMEOUT")
    opened.heard()
    opened.send((frames[name] as () => Uint8Array)())
    expect(opened.heard()).toEqual([])
    expect(opened.intake.refusals).toHaveLength(1)
    expect(opened.session.closed).toBe(true)
  })

  test.each([
    ["no JSON", Buffer.from("{")],
    ["not UTF-8", Buffer.from([0x22, 0xff, 0x22])],
    ["no agent", Buffer.from("{}")],
    ["an agent with a line feed", Buffer.from('{"agent":"a\\nb"}')],
    ["deep", Buffer.from("[".repeat(60_000))],
  ])("a HELLO that is %s", (_, body) => {
    const opened = openSession()
    opened.send(raw(1, body))
    expectGoaway(opened, "FRAME_SYNTAX")
  })

  test.each([
    ["empty", Buffer.from([0, 0, 0, 0])],
    ["without its flags", Buffer.from([0, 0, 0, 1, 1])],
    ["of 1 MiB and a byte", Buffer.from([0x00, 0x0f, 0xff, 0xfd, 5, 0])],
    ["of 4 GiB", Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ["that is HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a PING of 65 bytes", raw(12, new Uint8Array(65))],
  ])("a frame that is %s", (_, bytes) => {
    const opened = openSession()
    opened.send(bytes)
    expectGoaway(opened, "FRAME_LENGTH")
  })
})

describe("a batch", () => {
  test("is offered as it came and acknowledged when it is durable, in order", () => {
    const { send, heard, intake, frames, stream } = openStreamSession()
    const first = frames.batch(3)
    send(first, frames.batch(2))
    expect(heard()).toEqual([])
    expect(intake.offers).toMatchObject([
      { stream, sequence: 0, count: 3, bytes: digestOf(first.subarray(52)) },
      { stream, sequence: 3, count: 2, digest: frames.digest },
    ])
    intake.commit(slotOf("one note"))
    const [ack] = acks(heard())
    expect(Buffer.from(ack?.note ?? "").toString()).toBe("one note")
    const row = { channel: 0, received: 7, open: 50, changed: 0 }
    expect(ack?.batches).toMatchObject([
      { ...row, sequence: 0, events: 3, accepted: 3, firstIndex: 100 },
      { ...row, sequence: 3, events: 2, accepted: 2, firstIndex: 103 },
    ])
    expect(ack?.batches.map(({ path }) => path.map((hash) => hash[0]))).toEqual([
      [100, 3],
      [103, 2],
    ])
    const bytes = first.length + frames.next
    expect(ack?.credit).toBeGreaterThan(limits.creditBytesStart + bytes)
  })

  test("has its refused events named before its ACK", () => {
    const { send, heard, intake, frames } = openStreamSession()
    const refused = [
      { code: "EVENT_UTF8", positions: [0, 2] },
      { code: "EVENT_DEPTH", positions: [1] },
    ] as const
    intake.answers.push({
      kind: "placed",
      refused: refused.map(({ code, positions }) => ({ code, positions: [...positions] })),
      altered: [],
    })
    send(frames.batch(3))
    const hints = refused.map(({ code, positions }) => ({
      code,
      hint: errorRegistry[code].hint,
      positions,
    }))
    expect(heard()).toEqual([{ type: "refused", channel: 0, sequence: 0, refused: hints }])
    intake.commit()
    const [ack] = acks(heard())
    expect(ack?.batches).toMatchObject([{ events: 3, accepted: 0, path: [] }])
  })

  test("may name all of the largest batch's events refused", () => {
    const { send, heard, intake, frames } = openStreamSession()
    const codes = Object.keys(errorRegistry).filter((code) =>
      code.startsWith("EVENT_"),
    ) as ErrorCode[]
    const refused = codes.map((code, i) => ({
      code,
      positions: Array.from({ length: 10_000 }, (_, p) => p).filter((p) => p % codes.length === i),
    }))
    intake.answers.push({ kind: "placed", refused, altered: [] })
    send(frames.batch(10_000, 2))
    expect(heard()).toMatchObject([{ type: "refused" }])
  })

  test("that nobody may send ends the session", () => {
    const opened = openStreamSession()
    opened.intake.answers.push({ kind: "refused", code: "ADAPTER_NOT_GRANTED" })
    opened.send(opened.frames.batch(1))
    expectGoaway(opened, "ADAPTER_NOT_GRANTED")
  })

  test("on a channel without a stream, without events, or cut off, ends the session", () => {
    const frame = new Frames().batch(1, 20, 7)
    const empty = Buffer.from(new Frames().batch(1))
    empty.writeUInt32BE(0, 8)
    const many = Buffer.from(new Frames().batch(1))
    many.writeUInt32BE(10_001, 8)
    const cases: [Uint8Array, ErrorCode][] = [
      [frame, "STREAM_UNKNOWN"],
      [empty, "BATCH_EVENTS"],
      [many, "BATCH_EVENTS"],
      [raw(5, new Uint8Array(45)), "FRAME_SYNTAX"],
    ]
    for (const [bytes, code] of cases) {
      const opened = openStreamSession()
      opened.send(bytes)
      expectGoaway(opened, code)
    }
  })

  test("of thousands in one slot is acknowledged in several frames, none too long", () => {
    const { send, heard, intake, frames, line } = openStreamSession()
    let sent = 0
    let granted: number = limits.creditBytesStart
    for (let round = 0; round < 6; round++) {
      while (sent < granted) {
        const frame = frames.batch(1, 2)
        send(frame)
        sent += frame.length
      }
      const path = Array.from({ length: 26 }, () => new Uint8Array(32))
      intake.commit({ note: Buffer.from("n".repeat(500)), rangePath: () => path })
      const all = acks(heard())
      granted = all.at(-1)?.credit ?? 0
      const rows = all.flatMap(({ batches }) => batches)
      expect(rows.at(-1)?.sequence).toBe(frames.next - 1)
      expect(all.every(({ batches }) => batches.length <= 1000)).toBe(true)
      if (round === 5) expect(all.length).toBeGreaterThan(2)
    }
    expect(line.sentBytes).toBeLessThanOrEqual(limits.frameBytesMax)
  })
})

describe("a batch sent again", () => {
  function sent() {
    const opened = openStreamSession()
    const batches = [opened.frames.batch(2), opened.frames.batch(1)] as const
    opened.send(...batches)
    opened.intake.commit()
    opened.heard()
    return { ...opened, batches }
  }

  test("is acknowledged as before, from the slot that it stands in", () => {
    const { send, heard, intake, batches } = sent()
    send(batches[0], ping("after"))
    expect(heard()).toEqual([]) // The PING waits for its turn.
    expect(intake.again).toMatchObject([{ first: 100, accepted: 2 }])
    intake.again[0]?.done(slotOf("the same note"))
    const said = heard()
    expect(Buffer.from(acks(said)[0]?.note ?? "").toString()).toBe("the same note")
    expect(acks(said)[0]?.batches).toMatchObject([{ sequence: 0, events: 2, firstIndex: 100 }])
    expect(said.at(-1)).toEqual({ type: "pong", text: "after" })
    expect(intake.offers).toHaveLength(2)
  })

  test("is acknowledged without a receipt if it is no longer remembered, but not before it is durable", () => {
    const { send, heard, intake, batches, stream } = sent()
    stream.recent.length = 0
    send(batches[0])
    expect(heard()).toEqual([])
    expect(intake.again).toMatchObject([{ first: 0, accepted: 0 }])
    intake.again[0]?.done({ note: new Uint8Array(0), rangePath: () => [] })
    const [ack] = acks(heard())
    expect(ack?.note).toHaveLength(0)
    expect(ack?.batches).toMatchObject([{ sequence: 0, events: 2, accepted: 0, path: [] }])
  })

  test("with other content is recorded with its place, once, and ends the session", () => {
    const opened = sent()
    const other = Buffer.from(opened.batches[0])
    other[60] = 0x62
    opened.send(other)
    expect(opened.intake.refusals[0]?.detail).toMatchObject({ stream: opened.stream, sequence: 0 })
    expectGoaway(opened, "STREAM_EQUIVOCATION")
  })

  test("with other boundaries, or on another chain, ends the session", () => {
    const { batches } = sent()
    for (const spoil of [
      (frame: Buffer) => frame.writeUInt8(1, 19), // Sequence 1, within a batch.
      (frame: Buffer) => frame.writeUInt8(3, 19), // The next one, but the chain is another.
    ]) {
      const opened = sent()
      const frame = Buffer.from(batches[0])
      spoil(frame)
      opened.send(frame)
      expectGoaway(opened, "STREAM_EQUIVOCATION")
    }
  })

  test("from ahead of what is expected ends the session, which says what it expects", () => {
    const opened = sent()
    opened.frames.next = 5
    opened.send(opened.frames.batch(1))
    expectGoaway(opened, "STREAM_HOLE", { expected: 3, detail: "got 5" })
  })
})

describe("a gap", () => {
  test("is entered and acknowledged like a batch, with nothing accepted", () => {
    const { send, heard, intake, frames } = openStreamSession()
    send(frames.batch(1), frames.gap(5), frames.batch(1))
    expect(intake.gaps).toMatchObject([{ sequence: 1, count: 5, reason: "lost" }])
    intake.commit()
    expect(acks(heard())[0]?.batches).toMatchObject([
      { sequence: 0, accepted: 1 },
      { sequence: 1, events: 5, accepted: 0, path: [] },
      { sequence: 6, accepted: 1 },
    ])
  })

  test("that was declared before is acknowledged again, one ahead is a hole", () => {
    const opened = openStreamSession()
    const { send, heard, intake, frames } = opened
    const gap = frames.gap(5)
    send(gap, gap)
    expect(intake.gaps).toHaveLength(1)
    intake.commit()
    intake.again[0]?.done({ note: new Uint8Array(0), rangePath: () => [] })
    expect(acks(heard()).map(({ batches }) => batches[0]?.events)).toEqual([5, 5])
    frames.next = 9
    send(frames.gap(1))
    expectGoaway(opened, "STREAM_HOLE", { expected: 5 })
  })

  test("waits for room as batches do", () => {
    const { session, send, intake, frames } = openStreamSession()
    intake.answers.push({ kind: "full", delayMs: 0 })
    send(frames.gap(2))
    expect(intake.rooms).toEqual([0])
    session.resume()
    expect(intake.gaps).toHaveLength(2)
  })
})

describe("streams and channels", () => {
  test("OPENED says where to go on, once that is durable; frames behind OPEN wait", () => {
    const opened = openSession()
    opened.send(hello(), openOn(3), ping("behind"))
    expect(opened.heard().map(({ type }) => type)).toEqual(["welcome"])
    const stream = { ...streamOf(50), next: 12, digest: new Uint8Array(32).fill(8) }
    opened.intake.opens[0]?.done(stream)
    expect(opened.heard()).toEqual([
      { type: "opened", channel: 3, open: 50, next: 12, digest: stream.digest },
      { type: "pong", text: "behind" },
    ])
  })

  test.each(["STREAM_FOREIGN", "STREAM_LIMIT", "ADAPTER_NOT_GRANTED"] as const)(
    "%s ends the session",
    (code) => {
      const opened = openSession()
      opened.send(hello(), openOn(0))
      opened.intake.opens[0]?.done(code)
      expectGoaway(opened, code)
    },
  )

  test("a channel is opened once, a stream on one channel, and no more than 64 of them", () => {
    const inUse = openStreamSession()
    inUse.send(openOn(0, "11".repeat(16)))
    expectGoaway(inUse, "FRAME_ORDER")
    const twice = openStreamSession()
    twice.send(openOn(1))
    twice.intake.opens.shift()?.done(twice.stream)
    expectGoaway(twice, "FRAME_ORDER")
    const many = openStreamSession()
    for (let channel = 1; channel < 64; channel++) {
      const id = channel.toString(16).padStart(32, "0")
      many.send(openOn(channel, id))
      many.intake.opens.shift()?.done(streamOf(50 + channel, id))
    }
    expect(many.line.ended).toBe(false)
    many.send(openOn(64, "22".repeat(16)))
    expectGoaway(many, "STREAM_LIMIT")
  })

  test("CLOSED comes once the closing entry is durable; then the channel is free and knows nothing", () => {
    const opened = openStreamSession()
    const { send, heard, intake, stream } = opened
    send(close(0), openOn(0, "33".repeat(16)))
    expect(heard()).toEqual([])
    expect(intake.closes[0]?.stream).toBe(stream)
    intake.closes[0]?.done()
    expect(heard()).toEqual([{ type: "closed", channel: 0 }])
    opened.session.superseded(stream)
    expect(opened.line.ended).toBe(false) // It is not its stream any more.
    intake.opens.shift()?.done(streamOf(60, "33".repeat(16)))
    expect(heard()).toMatchObject([{ type: "opened", channel: 0, open: 60 }])
    send(close(0))
    intake.closes[1]?.done()
    heard()
    send(opened.frames.batch(1))
    expectGoaway(opened, "STREAM_UNKNOWN")
  })

  test("acknowledgements name the channel of their stream", () => {
    const opened = openStreamSession()
    const id = "44".repeat(16)
    opened.send(openOn(9, id))
    opened.intake.opens.shift()?.done({ ...streamOf(70, id), digest: opened.stream.digest })
    opened.heard()
    opened.send(new Frames().batch(1, 20, 9), opened.frames.batch(1))
    opened.intake.commit()
    expect(acks(opened.heard())[0]?.batches).toMatchObject([
      { channel: 9, open: 70 },
      { channel: 0, open: 50 },
    ])
  })

  test("whoever opens a stream anew has it; the session before is told", () => {
    const opened = openStreamSession()
    opened.session.superseded(streamOf(51))
    expect(opened.line.ended).toBe(false)
    opened.session.superseded(opened.stream)
    expectGoaway(opened, "FRAME_ORDER", { detail: "another session opened the stream" })
  })
})

test("every type of frame that there is stands in the table of states", () => {
  const known: FrameType[] = Object.values(frameTypes)
  expect(known).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
  ])
  expect(encodeFrame(frameTypes.ping, new Uint8Array(0))).toHaveLength(6)
})
