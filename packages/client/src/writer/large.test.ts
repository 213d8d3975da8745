import { fork } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { decodeUtf8, encodeUtf8, limits } from "@postern/log/base"
import {
  type AuditEvent,
  discloseEvent,
  disclosureDigest,
  encodeEvent,
  eventBytesMax,
  parseDisclosure,
} from "@postern/log/event"
import { decodeDisclosurePart } from "@postern/log/wire"
import fc from "fast-check"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { textOf } from "./event-text.ts"
import type { Line } from "./line.ts"
import { Outlet } from "./outlet.ts"
import { systemWorld } from "./world.ts"
import { Scene, waitMs, writeSome } from "./writer.test.support.ts"

const filler = (bytes: number) => "x".repeat(bytes)
const base = {
  id: "e",
  time: "2026-11-22T12:00:00Z",
  source: "app://a",
  action: "a.b",
  outcome: "success",
  actor: { type: "user", id: "a" },
  targets: [],
} as const
const event = (more: object): AuditEvent => ({ ...base, ...more })
const said = (event: AuditEvent) => ({ text: JSON.stringify(event), whole: () => event })

/** The disclosures of parts, by their digests. */
function disclosuresOf(parts: readonly Buffer[]): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>()
  for (const body of parts) {
    const { digest, part } = decodeDisclosurePart(body)
    const name = Buffer.from(digest).toString("base64url")
    found.set(name, Buffer.concat([found.get(name) ?? Buffer.alloc(0), part]))
  }
  return found
}

describe("the text of an event", () => {
  it("is what it says, with disclosures or without, and fits", () => {
    const value = fc.oneof(
      fc.record({
        filler: fc.constantFrom("", filler(100), filler(70_000), "\u00fc".repeat(40_000)),
      }),
      fc.constant(undefined),
    )
    const members = fc.record({ data: value, request: value, labels: value, reason: value })
    fc.assert(
      fc.property(members, (given) => {
        const whole = event(JSON.parse(JSON.stringify(given)))
        const { text, parts } = textOf(said(whole), systemWorld)
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(eventBytesMax)
        const reduced = JSON.parse(String(text))
        const found = disclosuresOf(parts)
        for (const [digest, json] of found) expect(disclosureDigest(json)).toBe(digest)
        expect(reduced._sd ?? []).toEqual([...found.keys()].sort())
        expect(discloseEvent(reduced, [...found.values()])).toEqual(whole)
      }),
      { numRuns: 40 },
    )
  })

  it("keeps values out from the first byte on that does not fit, the largest first", () => {
    const bytes = encodeEvent(event({ data: { a: "" }, labels: { b: filler(1000) } })).length
    const fits = event({ data: { a: filler(eventBytesMax - bytes) }, labels: { b: filler(1000) } })
    expect(textOf(said(fits), systemWorld)).toEqual({ text: JSON.stringify(fits), parts: [] })
    const more = event({
      data: { a: filler(eventBytesMax - bytes + 1) },
      labels: { b: filler(1000) },
    })
    const { text, parts } = textOf(said(more), systemWorld)
    const [json = new Uint8Array()] = disclosuresOf(parts).values()
    expect(parseDisclosure(json)).toEqual({ name: "data", value: more.data })
    expect(JSON.parse(String(text))).toMatchObject({ labels: more.labels })
    const [salt] = JSON.parse(decodeUtf8(json) ?? "") as [string]
    expect(Buffer.from(salt, "base64url")).toHaveLength(16)
  })

  it("is refused if what remains is too large, or what would have to be kept", () => {
    const long = event({ category: filler(70_000), data: { a: filler(70_000) } })
    const huge = event({ data: { a: filler(limits.disclosureBytesMax - 30) } })
    const many = event({ data: { a: filler(5e6) }, request: { a: filler(5e6) } })
    for (const bad of [long, huge, many]) {
      expect(() => textOf(said(bad), systemWorld)).toThrow(
        expect.objectContaining({ code: "EVENT_TOO_LARGE" }),
      )
    }
  })
})

describe("an outlet", () => {
  it("says nothing within a disclosure, and everything behind it", () => {
    const said: string[] = []
    const line = { send: (bytes: Uint8Array) => said.push(decodeUtf8(bytes) ?? "") > 0 }
    const outlet = new Outlet(line as unknown as Line)
    outlet.send(encodeUtf8("ping "))
    outlet.gather([encodeUtf8("part 1 ")], true)
    outlet.send(encodeUtf8("audit "))
    outlet.flush()
    outlet.send(encodeUtf8("beat "))
    outlet.gather([encodeUtf8("part 2 ")], false)
    outlet.gather([encodeUtf8("batch ")], false)
    outlet.flush()
    outlet.send(encodeUtf8("ping"))
    expect(said.join("")).toBe("ping part 1 part 2 audit beat batch ping")
  })
})

let scene: Scene
beforeEach(async () => {
  scene = await Scene.begin()
})
afterEach(() => scene.end())

/** The log's entries with what belongs to them. */
const opened = () =>
  scene.port.entries.map(({ event }) => {
    const parsed = JSON.parse(event) as { _sd?: string[] }
    const values = (parsed._sd ?? []).map((one) =>
      encodeUtf8(scene.port.disclosures.get(one) ?? ""),
    )
    return discloseEvent(parsed, values)
  })
const large = (id: string, bytes: number) => ({
  id,
  actor: "alice",
  data: { filler: filler(bytes) },
})

describe("a large event", () => {
  it("of 5 MB is acknowledged with its receipt, its disclosure handed over before it", async () => {
    const audit = await scene.connect()
    writeSome(audit, 3)
    const receipt = await audit.confirm("a.b", large("big", 5_000_000))
    expect(receipt).toBeDefined()
    const [, , , entry] = scene.port.entries
    expect(Buffer.byteLength(entry?.event ?? "")).toBeLessThan(500)
    expect(opened()[3]).toMatchObject({ id: "big", data: { filler: filler(5_000_000) } })
    expect(scene.problems).toEqual([])
    expect(audit.status()).toMatchObject({ acked: 4, pendingEvents: 0, pendingBytes: 0 })
  })

  it("keeps to the credit, part by part, whatever else is said meanwhile", async () => {
    scene.port.manners.credit = 1
    const audit = await scene.connect()
    const ids: string[] = []
    for (let i = 0; i < 3; i++) {
      ids.push(audit("a.b", large(`l${i}`, 900_000)), ...writeSome(audit, 5))
    }
    await audit.flush(waitMs)
    expect(scene.logged).toEqual(ids)
    expect(scene.problems).toEqual([])
  })

  it("waits in the spool for a port that is down, and for the next process", async () => {
    await scene.port.stop()
    const first = await scene.connect()
    const ids = [
      ...writeSome(first, 2),
      first("a.b", large("big", 1_000_000)),
      ...writeSome(first, 2),
    ]
    expect(first.status().pendingBytes).toBeGreaterThan(1_000_000)
    await first.spooled()
    expect(first.status().pendingBytes).toBeGreaterThan(1_000_000)
    await first.close(0)
    await scene.port.listen()
    const second = await scene.connect()
    await second.flush(waitMs)
    expect(scene.logged).toEqual(ids)
    expect(opened()[2]).toMatchObject({ data: { filler: filler(1_000_000) } })
  })

  it("is there once wherever connections are cut, and whole", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 500_000 }), { maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 2_000 }), { maxLength: 3 }),
        async (receiving, sending) => {
          scene.port.entries.length = 0
          scene.port.manners.cutsReceiving = receiving
          scene.port.manners.cutsSending = sending
          const audit = await scene.connect()
          const ids = [...writeSome(audit, 2), "l1"]
          const sure = audit.confirm("a.b", large("l1", 200_000))
          const outcome = sure.then(
            () => "sure",
            ({ code }) => code,
          )
          ids.push(audit("a.b", large("l2", 150_000)), ...writeSome(audit, 2))
          await audit.flush(waitMs)
          expect(["sure", "RECEIPT_GONE"]).toContain(await outcome)
          await audit.close()
          expect(scene.logged).toEqual(ids)
          expect(opened()[2]).toMatchObject({ data: { filler: filler(200_000) } })
        },
      ),
      { numRuns: 8 },
    )
    expect(scene.codes.filter((code) => code !== "UNREACHABLE")).toEqual([])
  })

  it("is given up with its disclosure when the spool is full, for a gap", async () => {
    await scene.port.stop()
    const audit = await scene.connect({ spool: { bytesMax: 1024 * 1024 } })
    const ids: string[] = []
    for (let i = 0; i < 12; i++) {
      ids.push(audit("a.b", large(`l${i}`, 200_000)))
      await audit.spooled().catch(() => undefined)
    }
    const { dropped } = audit.status()
    expect(dropped).toBeGreaterThan(5)
    await scene.port.listen()
    await audit.flush(waitMs)
    expect(scene.logged).toEqual(ids.slice(dropped))
    for (const one of opened()) expect(one).toMatchObject({ data: { filler: filler(200_000) } })
  })

  it("is not taken by a spool that has no room for it, where audit() is to say so", async () => {
    await scene.port.stop()
    const audit = await scene.connect({ spool: { bytesMax: 1024 * 1024, whenFull: "throw" } })
    expect(audit("a.b", large("one", 300_000))).toBe("one")
    await audit.spooled()
    expect(() => audit("a.b", large("two", 400_000))).toThrow(
      expect.objectContaining({ code: "SPOOL_FULL" }),
    )
    await scene.port.listen()
    await audit.flush(waitMs)
    expect(scene.logged).toEqual(["one"])
  })

  it("that the whole spool could not hold is refused at once", async () => {
    const audit = await scene.connect({ spool: { bytesMax: 256 * 1024 } })
    expect(audit("a.b", large("big", 1_000_000))).toBe("")
    expect(scene.problems).toMatchObject([{ code: "EVENT_TOO_LARGE" }])
    expect(scene.problems[0]?.message).toContain("spool.bytesMax")
  })

  it("is written to the spool by a process that ends without waiting", async () => {
    await scene.port.stop()
    const script = join(import.meta.dirname, "large.test.writer.ts")
    const child = fork(script, ["end", JSON.stringify(scene.port.profile()), scene.directory])
    await once(child, "exit")
    await scene.port.listen()
    const audit = await scene.connect()
    await audit.flush(waitMs)
    expect(scene.logged).toEqual(["0", "1", "2"])
    expect(opened()[2]).toMatchObject({ data: { filler: filler(300_002) } })
  })

  it("is there once, and whole, if its process is killed at any moment", async () => {
    const script = join(import.meta.dirname, "large.test.writer.ts")
    for (const [run, words] of [1, 3, 6].entries()) {
      scene.port.entries.length = 0
      scene.port.manners.cutsReceiving = [100_000, 400_000]
      scene.port.manners.isSilent = run === 1
      const child = fork(script, ["on", JSON.stringify(scene.port.profile()), scene.directory])
      let sure = -1
      let heard = 0
      child.on("message", (i: number) => {
        sure = i
        heard += 1
        if (heard === words) child.kill("SIGKILL")
      })
      await once(child, "exit")
      scene.port.release()
      const audit = await scene.connect()
      await audit.flush(waitMs)
      await audit.close()
      const found = scene.logged.map(Number)
      expect(found).toEqual(found.map((_, i) => i))
      expect(found.length).toBeGreaterThan(sure)
      for (const [i, one] of opened().entries()) {
        expect(one, `${i}`).toMatchObject({ data: { filler: filler(300_000 + i) } })
      }
    }
    expect(scene.codes.filter((code) => code !== "UNREACHABLE")).toEqual([])
  }, 120_000)
})
