import { readdirSync } from "node:fs"
import { basename, join } from "node:path"
import { encodeUtf8 } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure } from "@postern/log/event"
import { streamDigestNext } from "@postern/log/wire"
import { afterEach, describe, expect, test } from "vitest"
import { newDirectory, removeDirectories } from "../disk/slots.test.support.ts"
import { keepEverything, parsePolicy } from "../policy/rules/index.ts"
import { eventOf, live, peer } from "./lives.test.support.ts"
import { regionOf } from "./sequencer/placing.test.support.ts"
import type { BatchOwner, Offered, OfferedBatch, OfferedBody } from "./session/index.ts"

afterEach(removeDirectories)

const segmentBytesMax = 4 * 1024 * 1024
const redacts = (name: string) =>
  parsePolicy(
    `rules: [{ name: ${name}, level: full, transforms: [{ at: /data/secret, do: redact }] }]`,
  )
const keepsAll = parsePolicy("rules: [{ name: all, level: full }]")
const drops = parsePolicy("rules: [{ name: no, match: { class: read }, level: drop }]")

let salts = 0
function handedValue(data: object) {
  salts += 1
  const json = encodeDisclosure(
    `${salts}`.padStart(22, "s"),
    "data",
    encodeUtf8(JSON.stringify(data)),
  )
  return { json, digest: disclosureDigest(json) }
}
function naming(id: string, digests: readonly string[], action = "a.b"): Uint8Array {
  const { data: _, ...event } = JSON.parse(Buffer.from(eventOf(id)).toString())
  return encodeUtf8(JSON.stringify({ ...event, action, _sd: digests }))
}

/** Waits to be asked again. */
class Owner implements BatchOwner {
  resumed = 0
  #wake: () => void = () => undefined
  durable = (): void => undefined
  flush = (): void => undefined
  superseded = (): void => undefined
  resume = (): void => {
    this.resumed += 1
    this.#wake()
  }
  asked(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

async function start() {
  const path = newDirectory()
  const port = await live(path, segmentBytesMax)
  const stream = await port.open("0".repeat(32))
  const batchOf = (owner: BatchOwner, events: readonly Uint8Array[]): OfferedBatch => {
    const region = regionOf(events)
    const { next: sequence, digest: previous } = stream
    const digest = streamDigestNext(previous, sequence, events.length, region)
    return { owner, peer, stream, sequence, count: events.length, region, digest }
  }
  /** Offers a batch as a session does, again and again, until it has its place. */
  const place = async (owner: Owner, batch: OfferedBatch): Promise<Offered> => {
    for (;;) {
      const offered = port.intake.offer(batch)
      if (offered.kind !== "full") return offered
      const asked = owner.asked()
      port.intake.whenRoom(owner, offered.delayMs)
      await asked
    }
  }
  const sealed = join(path, "..", `${basename(path)}.data`, "disclosures")
  const names = (): string[] =>
    readdirSync(sealed, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile() && !one.name.endsWith(".keys"))
      .map((one) => `${basename(one.parentPath).slice(0, 6)}/${one.name}`)
  return { ...port, batchOf, place, names }
}

const altered = (offered: Offered): Record<string, unknown>[] => {
  if (offered.kind !== "placed") throw new Error(offered.kind)
  return offered.altered.map(({ event }) => JSON.parse(Buffer.from(event).toString()))
}

describe("values that a writer handed over", () => {
  test("are put aside, and what is left of them is kept when their batch has its place", async () => {
    const port = await start()
    port.policy.use(redacts("r"))
    const [one, other] = [handedValue({ secret: "s", a: 1 }), handedValue({ a: 2 })]
    await port.intake.keepDisclosure(peer, one)
    await port.intake.keepDisclosure(peer, other)
    expect(port.names()).toEqual(["handed/0", "handed/1"])
    const owner = new Owner()
    const events = [naming("1", [one.digest]), eventOf("2"), naming("3", [other.digest])]
    const offered = await port.place(owner, port.batchOf(owner, events))
    expect(offered).toMatchObject({ kind: "placed", refused: [] })
    const [event] = altered(offered)
    expect(altered(offered)).toHaveLength(1)
    const [digest = ""] = (event?._sd ?? []) as string[]
    expect(JSON.parse(Buffer.from((await port.disclosures.read(digest)) ?? []).toString())).toEqual(
      [expect.any(String), "data", { secret: "[redacted]", a: 1 }],
    )
    expect(await port.disclosures.read(other.digest)).toEqual(Uint8Array.from(other.json))
    expect(port.disclosures.holds(one.digest)).toBe(false)
    await expect
      .poll(() => port.names().filter((name) => name.startsWith("handed")), { timeout: 10_000 })
      .toEqual([])
    expect(owner.resumed).toBe(1)
    await port.end()
    expect(port.fatal).toEqual([])
  })

  test("are kept at once where there is no policy, and looked at all the same if one comes before their batch", async () => {
    const port = await start()
    const value = handedValue({ secret: "s" })
    await port.intake.keepDisclosure(peer, value)
    expect(port.disclosures.holds(value.digest)).toBe(true)
    const owner = new Owner()
    const first = port.intake.offer(port.batchOf(owner, [naming("1", [value.digest])]))
    expect(first).toMatchObject({ kind: "placed", altered: [] })
    port.policy.use(redacts("r"))
    const second = await port.place(owner, port.batchOf(owner, [naming("2", [value.digest])]))
    expect(altered(second)).toMatchObject([{ _policy: { did: ["redact /data/secret"] } }])
    // The entry before still has its value.
    expect(port.disclosures.holds(value.digest)).toBe(true)
    await port.end()
  })

  test("are looked at anew if the policy changes in between, also to none", async () => {
    const port = await start()
    port.policy.use(redacts("old"))
    const value = handedValue({ secret: "s" })
    await port.intake.keepDisclosure(peer, value)
    const owner = new Owner()
    const batch = port.batchOf(owner, [naming("1", [value.digest])])
    expect(port.intake.offer(batch)).toEqual({ kind: "full", delayMs: 0 })
    await owner.asked()
    port.policy.use(redacts("new"))
    expect(altered(await port.place(owner, batch))).toMatchObject([{ _policy: { rule: "new" } }])
    const another = handedValue({ secret: "t" })
    await port.intake.keepDisclosure(peer, another)
    const next = port.batchOf(owner, [naming("2", [another.digest])])
    expect(port.intake.offer(next)).toMatchObject({ kind: "full" })
    await owner.asked()
    port.policy.use(keepEverything)
    expect(altered(await port.place(owner, next))).toEqual([])
    expect(port.disclosures.holds(another.digest)).toBe(true)
    await port.end()
  })

  test("of an event that is not kept are not either", async () => {
    const port = await start()
    port.policy.use(drops)
    const value = handedValue({ a: 1 })
    await port.intake.keepDisclosure(peer, value)
    const owner = new Owner()
    const batch = port.batchOf(owner, [naming("1", [value.digest], "a.read")])
    expect(await port.place(owner, batch)).toMatchObject({ refused: [{ code: "EVENT_NOT_KEPT" }] })
    await expect.poll(port.names, { timeout: 10_000 }).toEqual([])
    await port.end()
  })

  test("that cannot be had get their event refused, and no other one", async () => {
    const port = await start()
    port.policy.use(keepsAll)
    const [value, foreign] = [handedValue({ a: 1 }), handedValue({ b: 1 })]
    await port.intake.keepDisclosure(peer, value)
    await port.disclosures.handedOver.keep("another writer", foreign)
    const owner = new Owner()
    const events = [naming("1", [foreign.digest]), naming("2", [value.digest])]
    expect(await port.place(owner, port.batchOf(owner, events))).toMatchObject({
      refused: [{ code: "EVENT_DISCLOSURE", positions: [0] }],
    })
    expect(port.disclosures.holds(value.digest)).toBe(true)
    await port.end()
  })

  test("keep nobody waiting whose writer has gone", async () => {
    const port = await start()
    port.policy.use(redacts("r"))
    const [value, other] = [handedValue({ secret: "s" }), handedValue({ secret: "t" })]
    for (const one of [value, other]) await port.intake.keepDisclosure(peer, one)
    const owners = [new Owner(), new Owner(), new Owner()]
    for (const owner of owners) {
      const offered = port.intake.offer(port.batchOf(owner, [naming("1", [value.digest])]))
      expect(offered).toEqual({ kind: "full", delayMs: 0 })
    }
    for (const owner of owners) port.intake.forget(owner)
    const last = new Owner()
    const placed = await port.place(last, port.batchOf(last, [naming("2", [other.digest])]))
    expect(altered(placed)).toHaveLength(1)
    await port.end()
    expect(port.fatal).toEqual([])
  })
})

describe("values that were kept out of a body", () => {
  const bodyOf = (value: ReturnType<typeof handedValue>, owner: BatchOwner): OfferedBody => ({
    ...{ owner, peer, adapter: "http", region: regionOf([naming("b", [value.digest])]), count: 1 },
    keptOut: [{ position: 0, values: [value] }],
    ...{ changed: 3, tooLarge: [], kept: new Set() },
  })

  test("are looked at before they are kept, and again if the policy changes before the body has its place", async () => {
    const port = await start()
    const value = handedValue({ secret: "s" })
    const body = bodyOf(value, new Owner())
    for (const policy of [redacts("one"), keepEverything, redacts("two")]) {
      const kept = await port.intake.keepOut(body)
      port.policy.use(policy)
      expect(port.intake.offerBody({ ...body, kept })).toEqual({ kind: "stale" })
    }
    const kept = await port.intake.keepOut(body)
    const offered = port.intake.offerBody({ ...body, kept })
    expect(offered).toMatchObject({ kind: "placed", accepted: 1, altered: [{ changed: 7 }] })
    expect([...kept]).toEqual([value.digest])
    await port.end()
  })

  test("give the same event when they come again", async () => {
    const port = await start()
    port.policy.use(redacts("r"))
    const value = handedValue({ secret: "s" })
    const results: unknown[] = []
    for (let time = 0; time < 2; time++) {
      const body = bodyOf(value, new Owner())
      const kept = await port.intake.keepOut(body)
      results.push(port.intake.offerBody({ ...body, kept }))
    }
    expect(results).toMatchObject([
      { accepted: 1, duplicates: [] },
      { accepted: 0, duplicates: [{ position: 0 }] },
    ])
    await expect.poll(port.names, { timeout: 10_000 }).toHaveLength(1)
    await port.end()
  })
})
