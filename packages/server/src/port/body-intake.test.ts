import { encodeUtf8 } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure } from "@postern/log/event"
import { afterEach, describe, expect, test } from "vitest"
import { newDirectory, removeDirectories } from "../disk/slots.test.support.ts"
import { eventOf, live, peer } from "./lives.test.support.ts"
import { regionOf } from "./sequencer/placing.test.support.ts"
import type { BatchOwner, OfferedBody } from "./session/index.ts"

afterEach(removeDirectories)

const segmentBytesMax = 64 * 1024 * 1024
const ignore = () => undefined
const owner: BatchOwner = { durable: ignore, flush: ignore, resume: ignore, superseded: ignore }
const json = encodeDisclosure("s".repeat(22), "request", encodeUtf8('{"path":"/"}'))
const digest = disclosureDigest(json)

const filler = Array.from({ length: 16 }, (_, n) => n)
const fill = (prefix: string) => filler.map((n) => eventOf(`${prefix}-${n}`, 60_000))

/** As many bytes as what fills the slot, and then an event that names the digest of its request. */
function bodyOf(adapter: OfferedBody["adapter"]): OfferedBody {
  const event = JSON.parse(Buffer.from(eventOf("kept")).toString()) as object
  const events = [...fill("body"), encodeUtf8(JSON.stringify({ ...event, _sd: [digest] }))]
  const keptOut = [{ position: filler.length, values: [{ json, digest }] }]
  const body = { owner, peer, adapter, region: regionOf(events), count: events.length, keptOut }
  return { ...body, changed: 0, tooLarge: [], kept: new Set() }
}

describe("what was kept out of a body", () => {
  test("is kept while the open slot has no room, so that the event is taken when there is", async () => {
    const port = await live(newDirectory(), segmentBytesMax)
    let offers = 0
    let filled = port.post(fill(`${offers}`))
    while (filled.offered.kind === "placed") {
      offers += 1
      filled = port.post(fill(`${offers}`))
    }
    expect(filled.offered).toEqual({ kind: "full", delayMs: 0 })
    const body = bodyOf("http")
    const keeping = port.intake.keepOut(body)
    expect(port.intake.offerBody(body)).toEqual({ kind: "full", delayMs: 0 })
    const kept = await keeping
    expect([...kept]).toEqual([digest])
    await filled.durable
    const offered = port.intake.offerBody({ ...body, kept })
    expect(offered).toMatchObject({ kind: "placed", accepted: 17, refused: [] })
    await port.end()
    expect(port.fatal).toEqual([])
  })

  test("is not kept for a writer without a grant for the adapter", async () => {
    const port = await live(newDirectory(), segmentBytesMax)
    const keeping = port.intake.keepOut(bodyOf("kubernetes"))
    await expect(keeping).rejects.toThrow(expect.objectContaining({ code: "ADAPTER_NOT_GRANTED" }))
    await port.end()
  })
})
