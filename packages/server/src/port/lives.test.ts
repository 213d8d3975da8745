import { checkBatchReceipt } from "@postern/log/evidence"
import { streamDigestNext } from "@postern/log/wire"
import { afterEach, describe, expect, test } from "vitest"
import { followLog, listSegments } from "../disk/index.ts"
import { newDirectory, removeDirectories } from "../disk/slots.test.support.ts"
import { type Acknowledged, eventOf, live, signer, writer } from "./lives.test.support.ts"
import { judgeBatch, type Stream } from "./sequencer/index.ts"
import { regionOf } from "./sequencer/placing.test.support.ts"

afterEach(removeDirectories)

const segmentBytesMax = 65_536
const ids = ["0".repeat(32), "1".repeat(32)] as const

/** Proves the batch from what was acknowledged, as its writer would. */
async function prove({ batch, changed, slot, path }: Acknowledged, events: readonly Uint8Array[]) {
  const ack = { ...batch, changed, firstIndex: batch.first, path }
  const note = Buffer.from(slot.note).toString()
  const { receiptVkey } = signer
  return checkBatchReceipt({ ack, events, refused: [], note, receiptVkey })
}

describe("over many segments and lives", () => {
  test("streams go on, receipts prove, resends are recognised, and every entry is there once", async () => {
    const path = newDirectory()
    const leaves: string[] = []
    const sent: { events: Uint8Array[]; acknowledged: Acknowledged; previous: Uint8Array }[] = []
    let indexes: number[] = []
    for (let life = 0; life < 4; life++) {
      const port = await live(path, segmentBytesMax)
      const streams: Stream[] = []
      for (const id of ids) streams.push(await port.open(id))
      expect(streams.map(({ next }) => next)).toEqual([life * 24, life * 24])
      for (let i = 0; i < 12; i++) {
        for (const stream of streams) {
          const events = [0, 1].map((n) => eventOf(`${life}-${stream.open}-${i}-${n}`, 700))
          const { digest: previous } = stream
          const acknowledged = await port.send(stream, events)
          const { leaves: made, firstIndex } = await prove(acknowledged, events)
          leaves.push(...made.map((leaf) => Buffer.from(leaf).toString()))
          indexes.push(...made.map((_, at) => firstIndex + at))
          sent.push({ events, acknowledged, previous })
        }
      }
      expect(port.fatal).toEqual([])
      await port.end()
    }
    expect((await listSegments(path)).length).toBeGreaterThan(2)
    expect(indexes).toEqual([...indexes].sort((a, b) => a - b))
    const view = await followLog(path)
    const all = await view.leaves(0, view.head().size)
    indexes = [...new Set(indexes)]
    expect(indexes.map((index) => Buffer.from(all[index] ?? "").toString())).toEqual(leaves)
    await view.close()
    await expectResends(path, sent)
  })

  /** The last batches get their own receipt again, the oldest are known to be there without. */
  async function expectResends(
    path: string,
    sent: readonly { events: Uint8Array[]; acknowledged: Acknowledged; previous: Uint8Array }[],
  ): Promise<void> {
    const port = await live(path, segmentBytesMax)
    const streams = [await port.open(ids[0]), await port.open(ids[1])]
    const kinds = new Set<string>()
    for (const { events, acknowledged, previous } of sent) {
      const { batch, slot, path: proof } = acknowledged
      const stream = streams.find(({ open }) => open === batch.open) as Stream
      const { sequence, events: count } = batch
      const digest = streamDigestNext(previous, sequence, count, regionOf(events))
      const judged = judgeBatch(stream, { sequence, events: count, previous, digest })
      kinds.add(judged.kind)
      if (judged.kind !== "repeat") continue
      expect(judged.batch).toMatchObject({
        first: batch.first,
        seed: batch.seed,
        received: batch.received,
      })
      const again = await port.again(batch.first, batch.accepted)
      expect(Buffer.from(again.note).toString()).toBe(Buffer.from(slot.note).toString())
      expect(again.rangePath(batch.first, batch.accepted)).toEqual(proof)
    }
    expect([...kinds].sort()).toEqual(["old", "repeat"])
    await port.end()
  }

  test("bodies that come again are recognised while their segment is one of the last two", async () => {
    const path = newDirectory()
    const body = (n: number) => [eventOf(`a-${n}`, 4000), eventOf(`b-${n}`, 4000)]
    const first = await live(path, segmentBytesMax)
    const indexes: number[] = []
    for (let n = 0; n < 30; n++) {
      const { offered, durable } = first.post(body(n))
      await durable
      if (offered.kind === "placed") indexes.push(offered.first)
    }
    expect(indexes).toHaveLength(30)
    await first.end()
    const [, secondLast = 0] = (await listSegments(path)).slice(-3)
    const second = await live(path, segmentBytesMax)
    for (let n = 29; n >= 0; n--) {
      const index = indexes[n] as number
      if (index < secondLast) break
      const { offered, durable } = second.post(body(n))
      await durable
      expect(offered).toMatchObject({
        kind: "placed",
        accepted: 0,
        duplicates: [
          { position: 0, index },
          { position: 1, index: index + 1 },
        ],
      })
    }
    const { offered } = second.post(body(0))
    expect(offered).toMatchObject({ accepted: 2, duplicates: [] })
    await second.end()
  })
})

describe("a stream", () => {
  test("that was closed in an older segment is closed, one that was open is open", async () => {
    const path = newDirectory()
    const first = await live(path, segmentBytesMax)
    const [closing, staying] = [await first.open(ids[0]), await first.open(ids[1])]
    await first.send(closing, [eventOf("x")])
    await first.close(closing, undefined)
    for (let i = 0; i < 20; i++) await first.send(staying, [eventOf(`y-${i}`, 8000)])
    await first.end()
    expect((await listSegments(path)).length).toBeGreaterThan(1)
    const second = await live(path, segmentBytesMax)
    expect(second.streams.find(writer, ids[0])).toBeUndefined()
    expect(second.streams.find(writer, ids[1])).toMatchObject({ next: 20, open: staying.open })
    expect(second.intake.holds(staying)).toBe(false)
    expect(second.intake.holds(await second.open(ids[1]))).toBe(true)
    await second.end()
  })
})
