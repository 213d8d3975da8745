import { afterEach, describe, expect, test } from "vitest"
import { newDirectory, removeDirectories } from "../disk/slots.test.support.ts"
import { eventOf, live, peer } from "./lives.test.support.ts"
import type { Stream } from "./sequencer/index.ts"

afterEach(removeDirectories)

const segmentBytesMax = 64 * 1024 * 1024
const id = "0".repeat(32)

type Port = Awaited<ReturnType<typeof live>>

/** Another stream of the writer, and nothing is being written just now. */
async function openFiller(port: Port): Promise<Stream> {
  const filler = await port.open("f".repeat(32))
  for (let turn = 0; turn < 20; turn++) await new Promise((next) => setImmediate(next))
  return filler
}

/** The open slot is full: until it is durable, no entry finds room. */
function fill(port: Port, filler: Stream): Promise<unknown>[] {
  const sent: Promise<unknown>[] = []
  for (const bytes of [60_000, 8_000, 1_000, 100, 0]) {
    for (let next = -1; filler.next !== next; ) {
      next = filler.next
      const event = eventOf(`${bytes}-${next}`, bytes)
      sent.push(port.send(filler, [event]).catch(() => "there is no room"))
    }
  }
  expect(port.own.hasRoom).toBe(false)
  return sent
}

describe("a stream, while there is no room for the port's own entries", () => {
  test("is not closed by the session that it was taken from", async () => {
    const path = newDirectory()
    const port = await live(path, segmentBytesMax)
    const stream = await port.open(id)
    await port.send(stream, [eventOf("a")])
    const sent = fill(port, await openFiller(port))
    const closing = port.close(stream, undefined)
    expect(await port.open(id)).toBe(stream)
    expect(await closing).toBe(false)
    expect(port.streams.byId(id)).toBe(stream)
    const { batch } = await port.send(stream, [eventOf("b")])
    expect(batch.sequence).toBe(1)
    await Promise.all(sent)
    await port.end()
    const again = await live(path, segmentBytesMax)
    expect(await again.open(id)).toMatchObject({ open: stream.open, next: 2 })
    await again.end()
  })

  test("is closed once there is room, if nobody took it", async () => {
    const port = await live(newDirectory(), segmentBytesMax)
    const stream = await port.open(id)
    const sent = fill(port, await openFiller(port))
    expect(await port.close(stream, undefined)).toBe(true)
    expect(port.streams.byId(id)).toBeUndefined()
    expect(await port.close(stream, undefined)).toBe(false)
    await Promise.all(sent)
    await port.end()
  })

  test("is not opened for a session that is over by then", async () => {
    const port = await live(newDirectory(), segmentBytesMax)
    const sent = fill(port, await openFiller(port))
    const ignore = (): void => undefined
    const owner = { durable: ignore, flush: ignore, resume: ignore, superseded: ignore }
    port.intake.openStream(owner, peer, { id }, () => expect.unreachable())
    port.intake.forget(owner)
    await Promise.all(sent)
    await port.end()
    expect(port.streams.byId(id)).toBeUndefined()
  })
})
