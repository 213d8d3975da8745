import type { BatchAck } from "@postern/log/wire"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { dataOf, Entries } from "../support/entries.ts"
import { eventText } from "../support/events.ts"
import {
  ClientStream,
  describeAck,
  FramedClient,
  newStreamId,
  openFrame,
} from "../support/framed-client.ts"
import { type Identity, Installation } from "../support/installation.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"
import { proveAck } from "../support/receipts.ts"

let installation: Installation
let app: Identity
let other: Identity
let port: PortProcess
let entries: Entries

beforeAll(async () => {
  installation = await Installation.make()
  app = await installation.writer("app")
  other = await installation.writer("other")
  port = await startPort(installation.configFile)
  entries = await Entries.follow(installation.log)
})

afterAll(async () => {
  await entries?.close()
  await port?.end("SIGTERM")
  installation?.remove()
})

function enter(identity = app): Promise<FramedClient> {
  return FramedClient.enter(port.write, installation.ca.certificate, identity)
}

async function restart(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  await port.end(signal)
  port = await startPort(installation.configFile)
}

/** A stream on a connection of its own, with some batches acknowledged. */
async function acknowledged(batches: readonly (readonly string[])[]) {
  const client = await enter()
  const stream = new ClientStream()
  await client.open(0, stream.id)
  const frames = batches.map((events) => stream.batch(events))
  const acks: unknown[] = []
  for (const frame of frames) {
    client.send(frame)
    acks.push(describeAck(await client.ack()))
  }
  return { client, stream, frames, acks }
}

describe("a writer", () => {
  test("proves its entries with nothing but the log's key, and they stand in the log as proven", async () => {
    const client = await FramedClient.connect(port.write, installation.ca.certificate, app)
    const { certificate, vkey, credit } = await client.hello()
    expect(vkey).toBe(installation.vkey)
    expect(credit).toBe(65_536)
    const stream = new ClientStream()
    const opened = await client.open(0, stream.id)
    expect(opened).toMatchObject({ channel: 0, next: 0, digest: stream.digest })
    const events = [eventText(), '{"not":"taken"}', eventText({ reason: { text: "größer" } })]
    client.send(stream.batch(events))
    expect(await client.refused()).toMatchObject({
      refused: [{ code: "EVENT_UNKNOWN_KEY", positions: [1] }],
    })
    const ack = await client.ack()
    expect(ack.batches).toMatchObject([{ open: opened.open, events: 3, accepted: 2 }])
    const trust = { certificate, vkey: installation.vkey }
    const [proven] = await proveAck(ack, [events], [[1]], trust)
    const { firstIndex = 0, leaves = [] } = proven ?? {}
    await entries.find("the second event", ({ index }) => index === firstIndex + 1)
    const found = await entries.view.leaves(firstIndex, firstIndex + 2)
    expect(found.map((leaf) => Buffer.from(leaf).toString())).toEqual(
      leaves.map((leaf) => Buffer.from(leaf).toString()),
    )
    await expect(proveAck(ack, [events], [[0]], trust)).rejects.toMatchObject({
      code: "RECEIPT_INVALID",
    })
    const [opening] = (await entries.all()).filter(({ index }) => index === opened.open)
    expect(opening && dataOf(opening)).toMatchObject({
      ...{ stream: stream.id, writer: app.id, adapter: "postern", framed: true },
    })
    client.destroy()
  })

  test("sends several streams at once, and many batches without waiting", async () => {
    const client = await enter()
    const streams = [0, 1, 2].map((channel) => new ClientStream(newStreamId(), channel))
    for (const stream of streams) await client.open(stream.channel, stream.id)
    const batches = 40
    for (let i = 0; i < batches; i++) {
      for (const stream of streams) client.send(stream.batch([eventText(), eventText()]))
    }
    const next = [0, 0, 0]
    for (let seen = 0; seen < 3 * batches; ) {
      for (const { channel, sequence, events, accepted } of (await client.ack()).batches) {
        expect(sequence).toBe(next[channel])
        expect([events, accepted]).toEqual([2, 2])
        next[channel] = sequence + events
        seen += 1
      }
    }
    expect(next).toEqual([80, 80, 80])
    client.destroy()
  })

  test("declares a loss, which is an entry, and goes on behind it", async () => {
    const client = await enter()
    const stream = new ClientStream()
    const { open } = await client.open(0, stream.id)
    client.send(
      stream.batch([eventText()]),
      stream.gap(7, "the spool was full"),
      stream.batch([eventText()]),
    )
    const rows: BatchAck[] = []
    while (rows.length < 3) rows.push(...(await client.ack()).batches)
    expect(rows.map(({ sequence, events, accepted }) => [sequence, events, accepted])).toEqual([
      [0, 1, 1],
      [1, 7, 0],
      [8, 1, 1],
    ])
    const gap = await entries.find("the gap", (entry) => {
      return entry.event.action === "postern.stream.gap" && dataOf(entry).stream === stream.id
    })
    expect(dataOf(gap)).toMatchObject({
      writer: app.id,
      open,
      sequence: 1,
      count: 7,
      reason: "the spool was full",
    })
    client.destroy()
  })

  test("closes a stream, which is an entry; the same name is another stream then", async () => {
    const { client, stream } = await acknowledged([[eventText()]])
    client.send(stream.close())
    expect(await client.closed()).toBe(0)
    const closing = await entries.find("the close", (entry) => {
      return entry.event.action === "postern.stream.closed" && dataOf(entry).stream === stream.id
    })
    expect(dataOf(closing)).toMatchObject({ writer: app.id, next: 1, reason: "writer" })
    expect(await client.open(0, stream.id)).toMatchObject({ next: 0 })
    client.destroy()
  })
})

describe("the same again", () => {
  const batches = () => [[eventText(), eventText()], [eventText(), "{}"], [eventText()]]

  /** Sends all frames of a stream once more and gives back what is acknowledged. */
  async function resend({
    stream,
    frames,
    refused = [],
  }: {
    stream: ClientStream
    frames: readonly Uint8Array[]
    /** Which frames hold events that were refused: the port says so again while it remembers. */
    refused?: readonly number[]
  }) {
    const client = await enter()
    const opened = await client.open(0, stream.id)
    const acks: unknown[] = []
    for (const [i, frame] of frames.entries()) {
      client.send(frame)
      if (refused.includes(i)) await client.refused()
      acks.push(describeAck(await client.ack()))
    }
    client.destroy()
    return { opened, acks }
  }

  test("gets the same acknowledgement and refusals after a new connection, and no second entry", async () => {
    const client = await enter()
    const stream = new ClientStream()
    await client.open(0, stream.id)
    const frames = batches().map((events) => stream.batch(events))
    client.send(...frames)
    await client.refused()
    const acks: unknown[] = []
    // All in one slot or not: one by one they are compared by what each row says, with its note.
    for (let seen = 0; seen < frames.length; ) {
      const { note, batches: rows } = await client.ack()
      for (const row of rows) acks.push(describeAck({ note, batches: [row] }))
      seen += rows.length
    }
    client.destroy()
    const again = await resend({ stream, frames, refused: [1] })
    expect(again.opened).toMatchObject({ next: stream.next, digest: stream.digest })
    expect(again.acks).toEqual(acks)
    const { open } = again.opened
    await entries.find("the last", ({ stamp }) => stamp.open === open && stamp.sequence === 4)
    const mine = (await entries.all()).filter(({ stamp }) => stamp.open === open)
    expect(mine.map(({ stamp }) => stamp.sequence)).toEqual([0, 1, 2, 4]) // The event at 3 was refused.
  })

  test("gets the same acknowledgement after kill -9, and after a drain", async () => {
    const client = await enter()
    const stream = new ClientStream()
    await client.open(0, stream.id)
    const frames = [[eventText()], [eventText(), eventText()]].map((events) => stream.batch(events))
    const acks: unknown[] = []
    for (const frame of frames) {
      client.send(frame)
      acks.push(describeAck(await client.ack()))
    }
    for (const signal of ["SIGKILL", "SIGTERM", "SIGKILL"] as const) {
      await restart(signal)
      const again = await resend({ stream, frames })
      expect(again.opened).toMatchObject({ next: 3, digest: stream.digest })
      expect(again.acks).toEqual(acks)
    }
    const ids = (await entries.all()).map(({ event }) => event.id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test("that was sent and not acknowledged before kill -9 is taken once, then or later", async () => {
    const client = await enter()
    const stream = new ClientStream()
    const { open } = await client.open(0, stream.id)
    const frames = Array.from({ length: 30 }, () => stream.batch([eventText(), eventText()]))
    client.send(...frames)
    await client.ack()
    await restart("SIGKILL")
    const second = await enter()
    const { next } = await second.open(0, stream.id)
    expect(next % 2).toBe(0)
    second.send(...frames.slice(next / 2))
    for (let acked = next; acked < stream.next; ) {
      const { batches: rows } = await second.ack()
      for (const { sequence, events } of rows) acked = sequence + events
    }
    second.destroy()
    const mine = (await entries.all()).filter(({ stamp }) => stamp.open === open)
    expect(mine.map(({ stamp }) => stamp.sequence)).toEqual(Array.from({ length: 60 }, (_, i) => i))
  })
})

describe("a stream is kept to", () => {
  test("by a second connection that opens it: the first one is told to go", async () => {
    const { client, stream } = await acknowledged([[eventText()]])
    const second = await enter()
    expect(await second.open(0, stream.id)).toMatchObject({ next: 1 })
    expect(await client.goaway()).toMatchObject({ code: "FRAME_ORDER" })
    await client.ended()
    second.send(stream.batch([eventText()]))
    expect((await second.ack()).batches).toMatchObject([{ sequence: 1 }])
    second.destroy()
  })

  test("a batch from ahead of it is told what is expected", async () => {
    const { client, stream } = await acknowledged([[eventText()]])
    stream.next = 40
    client.send(stream.batch([eventText()]))
    expect(await client.goaway()).toMatchObject({ code: "STREAM_HOLE", expected: 1 })
    await client.ended()
  })

  test("a batch with other content is refused, recorded with its place, and changes nothing", async () => {
    const { stream, client } = await acknowledged([[eventText()], [eventText()]])
    const { size } = entries.view.head()
    const forged = new ClientStream(stream.id)
    forged.batch([eventText()])
    forged.next = 0
    client.send(forged.batch([eventText()]))
    expect(await client.goaway()).toMatchObject({ code: "STREAM_EQUIVOCATION" })
    const entry = await entries.refusal("STREAM_EQUIVOCATION", { from: size, writer: app.id })
    expect(dataOf(entry)).toMatchObject({ stream: stream.id, sequences: [[0, 1]] })
    const second = await enter()
    expect(await second.open(0, stream.id)).toMatchObject({ next: 2, digest: stream.digest })
    second.destroy()
  })

  test("a batch on a channel without a stream is refused", async () => {
    const client = await enter()
    client.send(new ClientStream(newStreamId(), 5).batch([eventText()]))
    expect(await client.goaway()).toMatchObject({ code: "STREAM_UNKNOWN" })
  })

  test("nobody opens a stream of another writer", async () => {
    const { client, stream } = await acknowledged([[eventText()]])
    const thief = await enter(other)
    thief.send(openFrame(0, stream.id))
    expect(await thief.goaway()).toMatchObject({ code: "STREAM_FOREIGN" })
    client.send(stream.batch([eventText()]))
    expect((await client.ack()).batches).toMatchObject([{ sequence: 1 }])
    client.destroy()
  })

  test("a writer that stops reading and writing in the middle loses nothing that it sends again", async () => {
    const { client, stream } = await acknowledged([[eventText()]])
    const frame = stream.batch([eventText()])
    client.socket.end(frame.subarray(0, 70)) // Half a frame, then the end.
    await client.ended()
    const second = await enter()
    expect(await second.open(0, stream.id)).toMatchObject({ next: 1 })
    second.send(frame)
    expect((await second.ack()).batches).toMatchObject([{ sequence: 1, accepted: 1 }])
    second.destroy()
  })
})
