import { concatBytes, encodeUtf8, formatHex, limits } from "@postern/log/base"
import { streamDigestNext, streamDigestStart } from "@postern/log/wire"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { type BatchRow, batchKind, type ReadSlot } from "../../disk/index.ts"
import {
  advanceOverGap,
  advanceStream,
  type Judgement,
  judgeBatch,
  replaySlot,
  restoreStreams,
  type Stream,
  StreamTable,
  saveStreams,
} from "./index.ts"

const writer = "spiffe://streams.test/writer/w"
const id = "00112233445566778899aabbccddeeff"
const open = 3

/** One of the port's own entries, as a leaf. */
function ownLeaf(action: string, data: object): Uint8Array {
  return encodeUtf8(`{"r":0}\n${JSON.stringify({ action, data })}`)
}

function slotOf(
  rows: readonly BatchRow[],
  leaves: readonly Uint8Array[] = [],
  first = 0,
): ReadSlot {
  const records = concatBytes(
    ...leaves.map((leaf) => concatBytes(Uint8Array.of(leaf.length >> 8, leaf.length & 0xff), leaf)),
  )
  return { header: { first }, rows, records } as unknown as ReadSlot
}

function rowOf(some: Partial<BatchRow>): BatchRow {
  const zeros = { sequence: 0, events: 1, accepted: 1, first: 0, changed: 0, received: 5000 }
  const bytes = { seed: new Uint8Array(16), digest: new Uint8Array(32) }
  return { open, kind: batchKind.framed, ...zeros, ...bytes, ...some }
}

/** The slot in which the stream was opened. */
function openingSlot(framed = true): ReadSlot {
  const leaf = ownLeaf("postern.stream.opened", { stream: id, writer, framed })
  return slotOf([rowOf({ kind: batchKind.port, open: 0, first: open })], [leaf], open)
}

function tableOf(...slots: readonly ReadSlot[]): StreamTable {
  const table = new StreamTable()
  for (const slot of slots) replaySlot(slot, table)
  return table
}

function streamOf(table: StreamTable): Stream {
  const stream = table.find(writer, id)
  if (stream === undefined) throw new Error("the stream is not open")
  return stream
}

/** What the writer has sent: batches with their regions, and gaps. */
interface Sent {
  readonly sequence: number
  readonly events: number
  readonly previous: Uint8Array
  readonly digest: Uint8Array
  readonly isGap: boolean
}

interface Model {
  readonly sent: Sent[]
  /** Of `sent`, how many the port has forgotten. */
  forgotten: number
}

/** The port's side: its streams, and what it would find on disk. */
interface Port {
  table: StreamTable
  saved: unknown
  slots: ReadSlot[]
}

function endOf({ sent }: Model): { sequence: number; digest: Uint8Array } {
  const last = sent.at(-1)
  if (last === undefined) return { sequence: 0, digest: streamDigestStart(id) }
  return { sequence: last.sequence + last.events, digest: last.digest }
}

function judge(port: Port, batch: Omit<Sent, "isGap">): Judgement {
  return judgeBatch(streamOf(port.table), batch)
}

class NextBatch implements fc.Command<Model, Port> {
  readonly region: Uint8Array
  readonly events: number

  constructor(region: Uint8Array, events: number) {
    this.region = region
    this.events = events
  }
  check = () => true

  run(model: Model, port: Port): void {
    const { sequence, digest: previous } = endOf(model)
    const { events } = this
    const digest = streamDigestNext(previous, sequence, events, this.region)
    const batch = { sequence, events, previous, digest }
    expect(judge(port, { ...batch, previous: digest }).kind).toBe("equivocation")
    expect(judge(port, batch)).toEqual({ kind: "next" })
    const row = rowOf({ sequence, events, digest, first: 100 + sequence })
    advanceStream(streamOf(port.table), row, 5)
    port.slots.push(slotOf([row]))
    model.sent.push({ ...batch, isGap: false })
  }
  toString = () => `next(${this.events})`
}

class GapDeclared implements fc.Command<Model, Port> {
  readonly events: number

  constructor(events: number) {
    this.events = events
  }
  check = () => true

  run(model: Model, port: Port): void {
    const { sequence, digest: previous } = endOf(model)
    const digest = new Uint8Array(32).fill(sequence % 251)
    const row = rowOf({ kind: batchKind.gap, sequence, events: this.events, accepted: 0, digest })
    advanceOverGap(streamOf(port.table), row)
    port.slots.push(slotOf([row]))
    model.sent.push({ sequence, events: this.events, previous, digest, isGap: true })
  }
  toString = () => `gap(${this.events})`
}

/** Something that lies before the end, sent again as it was or a little different. */
class Again implements fc.Command<Model, Port> {
  readonly pick: number

  constructor(pick: number) {
    this.pick = pick
  }
  check = ({ sent }: Readonly<Model>) => sent.length > 0

  run(model: Model, port: Port): void {
    const at = this.pick % model.sent.length
    const batch = model.sent[at] as Sent
    const end = endOf(model).sequence
    // Whether anything at or before this place is still remembered.
    const known = model.sent.slice(model.forgotten, at + 1).some(({ isGap }) => !isGap)
    const wanted = !known ? "old" : batch.isGap ? "equivocation" : "repeat"
    const judged = judge(port, batch)
    expect(judged.kind).toBe(wanted)
    if (judged.kind === "repeat") {
      expect(judged.batch).toMatchObject({ first: 100 + batch.sequence, digest: batch.digest })
    }
    const other = batch.digest.map((byte) => byte ^ 1)
    expect(judge(port, { ...batch, digest: other }).kind).toBe(known ? "equivocation" : "old")
    const beyond = { ...batch, events: end - batch.sequence + 1, digest: other }
    expect(judge(port, beyond).kind).toBe("equivocation")
    if (batch.events > 1) {
      const within = { ...batch, sequence: batch.sequence + 1, events: 1 }
      expect(judge(port, within).kind).toBe(known ? "equivocation" : "old")
    }
  }
  toString = () => `again(${this.pick})`
}

class Ahead implements fc.Command<Model, Port> {
  readonly by: number

  constructor(by: number) {
    this.by = by
  }
  check = () => true

  run(model: Model, port: Port): void {
    const { sequence: expected, digest } = endOf(model)
    const sequence = expected + this.by
    const judged = judge(port, { sequence, events: 1, previous: digest, digest })
    expect(judged).toEqual({ kind: "hole", expected })
  }
  toString = () => `ahead(${this.by})`
}

/** All that was placed is durable and a new segment begins; later only what its start says is known. */
class Roll implements fc.Command<Model, Port> {
  check = () => true

  run(_: Model, port: Port): void {
    const stream = streamOf(port.table)
    stream.durable = { next: stream.next, digest: stream.digest }
    port.saved = JSON.parse(JSON.stringify(saveStreams(port.table)))
    port.slots = []
  }
  toString = () => "roll"
}

class Restart implements fc.Command<Model, Port> {
  check = () => true

  run(model: Model, port: Port): void {
    const table = new StreamTable()
    restoreStreams(port.saved, table)
    for (const slot of port.slots) replaySlot(slot, table)
    port.table = table
    const { sequence: next, digest } = endOf(model)
    expect(streamOf(table)).toMatchObject({ id, writer, open, framed: true, next, digest })
    expect(streamOf(table).durable).toEqual({ next, digest })
    model.forgotten =
      model.sent.length - port.slots.filter(({ rows }) => rows[0]?.open === open).length
  }
  toString = () => "restart"
}

test("a stream is gapless for its writer, whatever is sent and however often the port starts again", () => {
  const region = fc.uint8Array({ minLength: 1, maxLength: 8 })
  const events = fc.integer({ min: 1, max: 5 })
  const commands = fc.commands(
    [
      fc.tuple(region, events).map(([of, count]) => new NextBatch(of, count)),
      fc.tuple(region, events).map(([of, count]) => new NextBatch(of, count)),
      events.map((count) => new GapDeclared(count)),
      fc.nat({ max: 60 }).map((pick) => new Again(pick)),
      events.map((by) => new Ahead(by)),
      fc.constant(new Roll()),
      fc.constant(new Restart()),
    ],
    { maxCommands: 40 },
  )
  fc.assert(
    fc.property(commands, (all) => {
      const setup = () => ({
        model: { sent: [], forgotten: 0 } as Model,
        real: { table: tableOf(openingSlot()), saved: undefined, slots: [openingSlot()] } as Port,
      })
      fc.modelRun(setup, all)
    }),
    { numRuns: 300 },
  )
})

describe("a stream", () => {
  test("remembers at least its last 256 batches, and no more than it has to", () => {
    const stream = streamOf(tableOf(openingSlot()))
    const digests = [stream.digest]
    for (let sequence = 0; sequence < 1000; sequence++) {
      const digest = new Uint8Array(32).fill(sequence % 256)
      advanceStream(stream, rowOf({ sequence, digest }), 5)
      digests.push(digest)
      const oldest = Math.max(0, sequence - 255)
      const previous = digests[oldest] as Uint8Array
      const batch = {
        sequence: oldest,
        events: 1,
        previous,
        digest: digests[oldest + 1] as Uint8Array,
      }
      expect(judgeBatch(stream, batch).kind, `after ${sequence}`).toBe("repeat")
    }
    expect(stream.recent.length).toBeLessThanOrEqual(320)
    const [first, second] = digests as [Uint8Array, Uint8Array]
    expect(
      judgeBatch(stream, { sequence: 0, events: 1, previous: first, digest: second }).kind,
    ).toBe("old")
  })

  test("made by the port for an adapter remembers no batches, and is not restored", () => {
    const table = tableOf(openingSlot(false))
    expect(table.size).toBe(0)
    const digest = new Uint8Array(32)
    const made = { id: "http", writer, open: 9, framed: false, next: 0, digest, lastUsed: 0 }
    table.add({ ...made, durable: { next: 0, digest }, recent: [] })
    advanceStream(table.find(writer, "http") as Stream, rowOf({ events: 4 }), 5)
    expect(table.find(writer, "http")).toMatchObject({ next: 4, recent: [] })
    expect(saveStreams(table)).toEqual([])
  })

  test("whose opening is not durable yet is not part of a new segment's start", () => {
    const table = tableOf(openingSlot())
    streamOf(table).durable = undefined
    expect(saveStreams(table)).toEqual([])
  })

  test("is saved as it is durable, not as it has run ahead", () => {
    const table = tableOf(openingSlot())
    advanceStream(streamOf(table), rowOf({ events: 4, digest: new Uint8Array(32).fill(1) }), 5)
    expect(saveStreams(table)).toMatchObject([
      { id, writer, open, next: 0, digest: formatHex(streamDigestStart(id)) },
    ])
  })

  test("that was closed is gone after a replay", () => {
    const leaf = ownLeaf("postern.stream.closed", { stream: id, writer, open })
    const closing = slotOf([rowOf({ kind: batchKind.port, open: 0, first: 50 })], [leaf], 50)
    expect(tableOf(openingSlot(), closing).size).toBe(0)
  })

  test("is not opened by what a writer says of itself", () => {
    const leaf = ownLeaf("postern.stream.opened", { stream: id, writer, framed: true })
    const lie = slotOf([rowOf({ kind: batchKind.framed, open: 1, first: 9 })], [leaf], 9)
    expect(tableOf(lie).size).toBe(0)
  })
})

describe("the table of streams", () => {
  const streamAt = (at: number, of = writer): Stream => {
    const digest = new Uint8Array(32)
    const key = at.toString(16).padStart(32, "0")
    const zeros = { next: 0, digest, durable: undefined, recent: [], lastUsed: 0 }
    return { id: key, writer: of, open: at, framed: true, ...zeros }
  }

  test("finds a stream by its writer and id, by its opening, and whoever's it is", () => {
    const table = new StreamTable()
    const stream = streamAt(7)
    table.add(stream)
    expect(table.find(writer, stream.id)).toBe(stream)
    expect(table.find("spiffe://streams.test/writer/other", stream.id)).toBeUndefined()
    expect(table.byId(stream.id)).toBe(stream)
    expect(table.byOpen(7)).toBe(stream)
    expect([...table.values()]).toEqual([stream])
    table.remove(stream)
    expect([table.find(writer, stream.id), table.byId(stream.id), table.byOpen(7)]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(table.size).toBe(0)
  })

  test("lets a writer have so many streams, whatever others have", () => {
    const table = new StreamTable()
    for (let at = 0; at < limits.streamsPerWriterMax; at++) {
      expect(table.mayOpen(writer)).toBe(true)
      table.add(streamAt(at))
    }
    expect(table.mayOpen(writer)).toBe(false)
    expect(table.mayOpen("spiffe://streams.test/writer/other")).toBe(true)
    table.remove(table.byOpen(0) as Stream)
    expect(table.mayOpen(writer)).toBe(true)
  })
})

test.each([
  ["is no list", {}],
  ["has no digest", [{ id, writer, open, next: 0, lastUsed: 0 }]],
  ["has a short digest", [{ id, writer, open, next: 0, digest: "00", lastUsed: 0 }]],
])("a segment's start whose state %s is damage", (_, state) => {
  expect(() => restoreStreams(state, new StreamTable())).toThrow(
    expect.objectContaining({ code: "LOG_DAMAGED" }),
  )
})
