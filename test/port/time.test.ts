import { afterEach, describe, expect, test } from "vitest"
import { loadConfig } from "../../packages/server/dist/config/index.js"
import { systemClock } from "../../packages/server/dist/port/clock.js"
import { openPort } from "../../packages/server/dist/port/port.js"
import { dataOf, Entries } from "../support/entries.ts"
import { eventText } from "../support/events.ts"
import { ClientStream, FramedClient, newStreamId } from "../support/framed-client.ts"
import { type Identity, Installation } from "../support/installation.ts"

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const dayMs = 86_400_000

/** A port in this process, whose calendar is the test's. */
async function start(prepare: (installation: Installation) => Promise<Identity>) {
  const installation = await Installation.make()
  undo.push(() => installation.remove())
  const writer = await prepare(installation)
  const calendar = { aheadMs: 0 }
  const clock = systemClock()
  const fatal: unknown[] = []
  const port = await openPort(loadConfig(installation.configFile), {
    clock: { ...clock, milliseconds: () => clock.milliseconds() + calendar.aheadMs },
    tell: () => undefined,
    fatal: (error) => void fatal.push(error),
  })
  undo.push(() => port.close())
  const [host = "", number = ""] = port.addresses.write[0]?.split(":") ?? []
  const entries = await Entries.follow(installation.log)
  undo.push(() => entries.close())
  const enter = async () => {
    const place = { host, port: Number(number) }
    const client = await FramedClient.enter(place, installation.ca.certificate, writer)
    undo.push(() => client.destroy())
    return client
  }
  return { installation, writer, calendar, entries, enter, fatal }
}

describe("after seven days without a batch", () => {
  test("a stream is closed if no session holds it, and goes on if one does", async () => {
    const { calendar, entries, enter, fatal } = await start((made) => made.writer("app"))
    const left = new ClientStream()
    const gone = await enter()
    await gone.open(0, left.id)
    gone.send(left.batch([eventText()]))
    await gone.ack()
    gone.destroy()
    await gone.ended()
    const held = new ClientStream(newStreamId(), 3)
    const staying = await enter()
    await staying.open(3, held.id)
    staying.send(held.batch([eventText()]))
    await staying.ack()
    calendar.aheadMs = 8 * dayMs
    const closed = await entries.find(
      "a close",
      ({ event }) => event.action === "postern.stream.closed",
    )
    expect(dataOf(closed)).toMatchObject({
      stream: left.id,
      next: 1,
      reason: "unused for seven days",
    })
    staying.send(held.batch([eventText()]))
    expect((await staying.ack()).batches).toMatchObject([{ sequence: 1, accepted: 1 }])
    staying.destroy()
    await staying.ended()
    calendar.aheadMs += 6 * dayMs
    const again = await enter()
    expect(await again.open(3, held.id)).toMatchObject({ next: 2, digest: held.digest })
    expect(await again.open(0, left.id)).toMatchObject({ next: 0 })
    expect(await again.open(1, newStreamId())).toMatchObject({ next: 0 })
    expect(fatal).toEqual([])
  })
})

describe("a grant that expires", () => {
  test("ends its connections about a second later, and lets nobody in from then on", async () => {
    const { calendar, enter, writer, entries } = await start(async (made) => {
      const identity = await made.writer("app")
      // It ends as that day begins: more than a day from now, and less than two.
      const day = new Date(Date.now() + 2 * dayMs).toISOString().slice(0, 10)
      made.grant(identity.id, {}, { expires: day })
      return identity
    })
    const client = await enter()
    const stream = new ClientStream()
    await client.open(0, stream.id)
    client.send(stream.batch([eventText()]))
    await client.ack()
    calendar.aheadMs = 3 * dayMs
    await client.ended(3000)
    await expect(enter()).rejects.toThrow()
    await entries.refusal("NOT_GRANTED", { writer: writer.id })
  })
})
