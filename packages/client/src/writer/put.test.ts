import { encodeUtf8, limits } from "@postern/log/base"
import { discloseEvent, disclosureDigest, eventBytesMax } from "@postern/log/event"
import { decodeDisclosurePart } from "@postern/log/wire"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { EventBytes } from "./event-bytes.ts"
import { systemWorld } from "./world.ts"
import { Scene, waitMs, writeSome } from "./writer.test.support.ts"

const eventOf = (id: string, more = ""): string =>
  `{ "id":"${id}","time":"2026-11-23T08:00:00Z","source":"app://a","action":"a.b","outcome":"success",` +
  `"actor":{"type":"user","id":"a"},"targets":[]${more}}`
const bytesOf = (id: string, more = ""): Uint8Array => encodeUtf8(eventOf(id, more))

describe("put()", () => {
  let scene: Scene
  beforeEach(async () => {
    scene = await Scene.begin()
  })
  afterEach(() => scene.end())

  it("takes bytes as they are, in their order among the others", async () => {
    const audit = await scene.connect()
    // What JSON.parse and JSON.stringify would not give back.
    const odd = ',"data":{"n":1.0, "big":12345678901234567890,"k":1,"k":2,"e":"\\u0041"}'
    const [before = ""] = writeSome(audit, 1)
    expect(audit.put(bytesOf("one", odd))).toBe("one")
    const [after = ""] = writeSome(audit, 1)
    await audit.flush(waitMs)
    expect(scene.logged).toEqual([before, "one", after])
    expect(scene.port.entries[1]?.event).toBe(eventOf("one", odd))
  })

  it.each([
    ["EVENT_SYNTAX", encodeUtf8("{")],
    ["EVENT_UTF8", Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)],
    ["EVENT_MISSING_FIELD", encodeUtf8('{"action":"a.b"}')],
    ["EVENT_SELF_ACTION", encodeUtf8(eventOf("x").replace("a.b", "postern.started"))],
    ["EVENT_DISCLOSURE", bytesOf("x", `,"_sd":["${"A".repeat(43)}"]`)],
    ["EVENT_TOO_LARGE", new Uint8Array(limits.disclosureBytesMax + 1)],
    ["EVENT_TOO_LARGE", bytesOf("x", `,"category":"${"c".repeat(70_000)}"`)],
  ])("refuses with %s what the port would refuse, and tells it", async (code, event) => {
    const audit = await scene.connect()
    expect(audit.put(event)).toBe("")
    expect(audit.put(bytesOf("good"))).toBe("good")
    await audit.flush(waitMs)
    expect(scene.logged).toEqual(["good"])
    expect(scene.codes).toEqual([code])
    expect(audit.status()).toMatchObject({ refused: 1, acked: 1, taken: 1 })
  })

  it("lets those use the port's own actions who may", async () => {
    const audit = await scene.connect({ mayUseSelfActions: true })
    expect(audit.put(encodeUtf8(eventOf("x").replace("a.b", "postern.read")))).toBe("x")
  })
})

describe("bytes larger than an entry", () => {
  it("lose their largest members to disclosures, byte for byte, and nothing else", () => {
    const data = `{"n":1.0,"filler":"${"x".repeat(5_000_000)}"}`
    const bytes = bytesOf("e", `, "labels":{"a":"b"} , "data": ${data}`)
    const { id, text, parts } = new EventBytes(systemWorld, false).judge(bytes)
    expect(id).toBe("e")
    expect(text.length).toBeLessThanOrEqual(eventBytesMax)
    const json = Buffer.concat(parts.map((body) => decodeDisclosurePart(body).part))
    expect(json.subarray(-data.length - 1).toString()).toBe(`${data}]`)
    const reduced = JSON.parse(Buffer.from(text).toString())
    expect(reduced._sd).toEqual([disclosureDigest(json)])
    expect(discloseEvent(reduced, [json])).toEqual(JSON.parse(Buffer.from(bytes).toString()))
  })

  it("go whole as long as they fit", () => {
    const empty = bytesOf("e", ',"data":{"a":""}').length
    const fits = bytesOf("e", `,"data":{"a":"${"x".repeat(eventBytesMax - empty)}"}`)
    const judge = (bytes: Uint8Array) => new EventBytes(systemWorld, false).judge(bytes)
    expect(judge(fits)).toEqual({ id: "e", text: fits, parts: [] })
    const more = bytesOf("e", `,"data":{"a":"${"x".repeat(eventBytesMax - empty + 1)}"}`)
    expect(judge(more).parts).toHaveLength(2)
  })
})

describe("lose()", () => {
  let scene: Scene
  beforeEach(async () => {
    scene = await Scene.begin()
  })
  afterEach(() => scene.end())

  it("stands in the stream where it was said, and counts in what was taken", async () => {
    const audit = await scene.connect()
    writeSome(audit, 2)
    audit.lose(3, "the line was too long")
    audit.lose(4, "the line was too long")
    audit.lose(1, "somebody cut the file")
    writeSome(audit, 1)
    await audit.flush(waitMs)
    const [stream] = scene.port.streams.values()
    expect(stream?.gaps).toEqual([
      { sequence: 2, count: 7, reason: "the line was too long" },
      { sequence: 9, count: 1, reason: "somebody cut the file" },
    ])
    expect(audit.status()).toMatchObject({ taken: 11, spooled: 11, dropped: 8, acked: 3 })
  })

  it.each([0, -1, 1.5, 2 ** 32, Number.NaN])("is of a number of events, not %s", async (count) => {
    const audit = await scene.connect()
    const refused = expect.objectContaining({ code: "EVENT_FIELD_VALUE" })
    expect(() => audit.lose(count, "why")).toThrow(refused)
    expect(() => audit.lose(1, "")).toThrow(refused)
    expect(() => audit.lose(1, "x".repeat(257))).toThrow(refused)
  })
})

describe("a spool that throws when it is full", () => {
  let scene: Scene
  beforeEach(async () => {
    scene = await Scene.begin()
  })
  afterEach(() => scene.end())

  it("throws for bytes and losses too, loses nothing, and says what it was given before", async () => {
    await scene.port.stop()
    const spool = { bytesMax: 256 * 1024, whenFull: "throw" } as const
    const audit = await scene.connect({ spool })
    let put = 0
    const filler = `,"data":{"f":"${"x".repeat(30_000)}"}`
    expect(() => {
      for (;;) {
        audit.put(bytesOf(`e${put}`, filler))
        put += 1
      }
    }).toThrow(expect.objectContaining({ code: "SPOOL_FULL" }))
    expect(put).toBeGreaterThan(2)
    expect(audit.status()).toMatchObject({ taken: put, dropped: 0 })
    await audit.spooled()
    expect(audit.status().spooled).toBe(put)
    await audit.close(0)
    const again = await scene.connect({ spool })
    expect(again.status()).toMatchObject({ taken: put, spooled: put })
    await scene.port.listen()
    await again.flush(waitMs)
    expect(scene.logged).toEqual(Array.from({ length: put }, (_, i) => `e${i}`))
  })
})
