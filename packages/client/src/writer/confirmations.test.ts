import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { checkReceipt, formatReceiptFile } from "@postern/log/evidence"
import { signNote } from "@postern/log/tlog"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { Scene, waitMs, writeSome } from "./writer.test.support.ts"

let scene: Scene
beforeEach(async () => {
  scene = await Scene.begin()
})
afterEach(() => scene.end())

const details = (id: string) => ({ id, actor: "alice", target: "invoice/4711" })

const kept = () => readdirSync(scene.directory).filter((name) => name.startsWith("bad-receipt"))

describe("a confirmation", () => {
  it("is a receipt that anybody can check offline", async () => {
    const audit = await scene.connect()
    writeSome(audit, 5)
    const receipt = await audit.confirm("invoice.deleted", details("mine"))
    const file = formatReceiptFile(receipt)
    const { index, leaf } = await checkReceipt(file, scene.port.logKey.vkey)
    expect(index).toBe(receipt.index)
    const [, event = ""] = Buffer.from(leaf).toString().split("\n")
    expect(JSON.parse(event)).toMatchObject({ id: "mine", action: "invoice.deleted" })
  })

  it("comes for each event of a batch, with its own leaf", async () => {
    const audit = await scene.connect()
    const ids = Array.from({ length: 50 }, (_, i) => `c${i}`)
    const receipts = await Promise.all(ids.map((id) => audit.confirm("thing.done", details(id))))
    for (const [i, receipt] of receipts.entries()) {
      const { leaf } = await checkReceipt(formatReceiptFile(receipt), scene.port.logKey.vkey)
      expect(Buffer.from(leaf).toString()).toContain(`"id":"c${i}"`)
    }
    expect(scene.port.batches).toBeLessThan(10)
  })

  it("is refused with the port's code for the event that was refused, and no other", async () => {
    scene.port.manners.refuse = (event) =>
      event.includes('"bad') ? "EVENT_SOURCE_NOT_GRANTED" : undefined
    const audit = await scene.connect()
    const answers = await Promise.allSettled(
      ["bad1", "good1", "bad2", "good2"].map((id) => audit.confirm("thing.done", details(id))),
    )
    expect(answers.map(({ status }) => status)).toEqual([
      "rejected",
      "fulfilled",
      "rejected",
      "fulfilled",
    ])
    for (const answer of answers) {
      if (answer.status === "rejected") {
        expect(answer.reason).toMatchObject({ code: "EVENT_SOURCE_NOT_GRANTED" })
        continue
      }
      const { leaf } = await checkReceipt(formatReceiptFile(answer.value), scene.port.logKey.vkey)
      expect(Buffer.from(leaf).toString()).toContain('"good')
    }
    expect(audit.status()).toMatchObject({ acked: 2, refused: 2 })
    expect(scene.problems.map(({ code, events }) => [code, events])).toEqual([
      ["EVENT_SOURCE_NOT_GRANTED", 2],
    ])
  })

  it("is refused at once for an event that is none", async () => {
    const audit = await scene.connect()
    const bad = audit.confirm("Not An Action", details("x"))
    await expect(bad).rejects.toMatchObject({ code: "EVENT_FIELD_VALUE" })
    expect(scene.problems).toEqual([])
  })

  it("comes after an outage in which the acknowledgement was lost", async () => {
    const audit = await scene.connect({ wait: true })
    scene.port.manners.isSilent = true
    const receipt = audit.confirm("thing.done", details("late"))
    await scene.port.until(() => scene.port.entries.length === 1)
    for (const session of scene.port.sessions) session.cut()
    scene.port.manners.isSilent = false
    await checkReceipt(formatReceiptFile(await receipt), scene.port.logKey.vkey)
    expect(scene.logged).toEqual(["late"])
    expect(scene.port.batches).toBe(2)
  })

  it("says so when the event is kept and its receipt is gone", async () => {
    const audit = await scene.connect({ wait: true })
    scene.port.manners.isSilent = true
    const receipt = audit.confirm("thing.done", details("late"))
    await scene.port.until(() => {
      return [...scene.port.streams.values()].some(({ batches }) => batches.length > 0)
    })
    for (const stream of scene.port.streams.values()) {
      stream.batches[0] = { ...stream.batches[0]!, note: "" }
    }
    for (const session of scene.port.sessions) session.cut()
    scene.port.manners.isSilent = false
    await expect(receipt).rejects.toMatchObject({ code: "RECEIPT_GONE" })
    expect(audit.status().pendingEvents).toBe(0)
  })

  it("is refused when close() comes first; the event stays", async () => {
    await scene.port.stop()
    const audit = await scene.connect()
    const answer = audit.confirm("thing.done", details("stays"))
    const refused = expect(answer).rejects.toMatchObject({ code: "UNREACHABLE" })
    await audit.close(20)
    await refused
    await scene.port.listen()
    const again = await scene.connect()
    await again.flush(waitMs)
    expect(scene.logged).toEqual(["stays"])
  })
})

describe("a receipt that does not hold", () => {
  const forgeries: [string, string, (note: string) => string | Promise<string>][] = [
    [
      "another root",
      "NOTE_INVALID",
      (note) => note.replace(/\n[^\n]{43}=\n\n/, (root) => swap(root)),
    ],
    ["another range", "NOTE_INVALID", (note) => note.replace(/\n(\d+) (\d+)\n/, "\n$1 9999\n")],
    ["no signature", "NOTE_INVALID", () => "postern-receipt/v1\n"],
  ]
  const swap = (root: string) =>
    root.replace(/^\n(.)/, (_, first) => `\n${first === "A" ? "B" : "A"}`)

  it.each(forgeries)("because of %s is noticed, told and kept", async (_what, code, forge) => {
    scene.port.manners.forge = forge as (note: string) => string
    const audit = await scene.connect()
    await expect(audit.confirm("thing.done", details("x"))).rejects.toMatchObject({ code })
    expect(scene.codes).toEqual([code])
    const [name = ""] = kept()
    const file = JSON.parse(readFileSync(join(scene.directory, name), "utf8"))
    expect(file).toMatchObject({ postern: "bad-receipt@v1", ack: { events: 1 } })
    expect(file.events[0]).toContain('"id":"x"')
    // The port said that it has the event, so it is not sent again.
    expect(audit.status().pendingEvents).toBe(0)
  })

  it("is noticed in a sample though nobody asked", async () => {
    scene.port.manners.forge = () => "nonsense"
    const audit = await scene.connect()
    writeSome(audit, 3)
    await scene.told("NOTE_INVALID")
    await audit.flush(waitMs)
    expect(kept()).toHaveLength(1)
  })

  it("signed for events that were not sent is noticed", async () => {
    const { port } = scene
    const other = await Scene.begin()
    const foreign = await other.connect()
    await foreign.confirm("thing.done", details("other"))
    const { note } = [...other.port.streams.values()][0]!.batches[0]!
    const [text = ""] = note.split("\n\n")
    const resigned = await signNote(`${text}\n`, port.receiptKey)
    await other.end()
    port.manners.forge = () => resigned
    const audit = await scene.connect()
    const answer = audit.confirm("thing.done", details("x"))
    await expect(answer).rejects.toMatchObject({ code: "RECEIPT_INVALID" })
  })

  it("of a key that the log does not certify proves nothing, but events are delivered", async () => {
    const other = await Scene.begin()
    scene.port.manners.certificate = other.port.certificate
    await other.end()
    const audit = await scene.connect()
    await expect(audit.confirm("thing.done", details("x"))).rejects.toMatchObject({
      code: "NOTE_INVALID",
    })
    expect(scene.codes[0]).toBe("NOTE_INVALID")
    expect(scene.logged).toEqual(["x"])
  })
})
