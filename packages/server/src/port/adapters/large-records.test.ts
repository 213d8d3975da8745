import { encodeUtf8, limits, PosternError } from "@postern/log/base"
import { describe, expect, test } from "vitest"
import { cloudeventsAdapter, otlpAdapter, recordsAdapter, teleportAdapter } from "./index.ts"
import { convert, nextRegion, type Opening, openBody } from "./workbench.test.support.ts"

const bytesMax = limits.recordReadBytesMax

/** An object of exactly so many bytes. */
function sized(bytes: number, members: string): string {
  const text = `{${members},"x":""}`
  return text.replace('"x":""', `"x":"${"y".repeat(bytes - text.length)}"`)
}

/** The one event of a body with what was kept out of it. */
function one(adapter: Parameters<typeof convert>[0], body: string, opening: Opening = {}) {
  const [event, ...more] = convert(adapter, body, opening)
  // The scanner leaves it to its caller whether a digest is known.
  expect([more, event?.code]).toEqual([[], "EVENT_DISCLOSURE"])
  const [kept] = event?.values ?? []
  const [, name, data] = JSON.parse(Buffer.from(kept?.json ?? []).toString("utf8")) as unknown[]
  expect(name).toBe("data")
  const { _sd, ...members } = JSON.parse(event?.text ?? "{}")
  return { members, data: data as Record<string, unknown> }
}

const event =
  '"action":"a.b","actor":{"type":"user","id":"u"},"targets":[],"date":1795419662,"log":"x"'
const cloud = '"specversion":"1.0","id":"1","source":"s","type":"t"'
const ways = [
  ["records", recordsAdapter, event, (text: string) => text, {}],
  ["records", recordsAdapter, event, (text: string) => text, { contentType: "text/plain" }],
  ["cloudevents", cloudeventsAdapter, cloud, (text: string) => text, structured()],
  ["teleport", teleportAdapter, '"event":"e","code":"T1I","time":"t"', (text: string) => text, {}],
  ["otlp", otlpAdapter, '"eventName":"a.b"', otlp, {}],
] as const

function structured(): Opening {
  return { contentType: "application/cloudevents+json" }
}

function otlp(record: string): string {
  return `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${record}]}]}]}`
}

describe.each(ways)("a record that comes as %s", (name, adapter, members, surround, opening) => {
  test("is kept whole, and nothing of it is read, if it is too large for that", () => {
    const record = sized(bytesMax + 1, members)
    const made = one(adapter, surround(record), opening)
    const { id, time, source, ...rest } = made.members
    expect(rest).toEqual({
      ...{ action: `${name}.unreadable`, outcome: "unknown", targets: [] },
      actor: { type: "system", id: "unknown" },
      reason: { code: "RECORD_TOO_LARGE_TO_READ" },
    })
    expect(made.data).toMatchObject({ format: name, [name]: JSON.parse(record) })
  })

  test("is read as long as it is not", () => {
    const { members: read } = one(adapter, surround(sized(bytesMax, members)), opening)
    expect(read.reason).toBeUndefined()
  })

  test("stands as text if it is too large, and no object that an event can hold", () => {
    const deep = sized(bytesMax + 1, `${members},"d":${"[".repeat(30)}${"]".repeat(30)}`)
    const { data } = one(adapter, surround(deep), opening)
    expect(data.line).toBe(deep)
  })
})

test("the data of a CloudEvent in binary mode stand as JSON only if they are, however long", () => {
  const headers = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "t" }
  const text = sized(bytesMax + 1, '"a":1')
  expect(one(cloudeventsAdapter, text, { headers }).data.cloudevents).toMatchObject({
    data: JSON.parse(text),
  })
  const cut = text.slice(0, -1)
  expect(one(cloudeventsAdapter, cut, { headers }).data.cloudevents).toMatchObject({ data: cut })
})

describe("a body of many records", () => {
  test("is made in pieces of so many bytes, and nothing is lost between them", () => {
    const records = Array.from({ length: 30 }, (_, i) => sized(30_000, `"log":"n${i}","a":1,"a":2`))
    const run = openBody(recordsAdapter, records.join("\n"))
    const counts: number[] = []
    const logs: unknown[] = []
    for (let next = nextRegion(run); next !== undefined; next = nextRegion(run)) {
      counts.push(next.events.length)
      for (const { text } of next.events) logs.push(JSON.parse(text).data.records.log)
    }
    expect(logs).toEqual(records.map((_, i) => `n${i}`))
    expect(Math.max(...counts)).toBe(Math.ceil(bytesMax / 30_000))
  })

  test.each([
    ["application/json", "{}"],
    ["application/x-ndjson", "{}\n"],
    ["text/plain", "x\n"],
  ])("as %s is refused before any of it is taken, if they are too many", (contentType, record) => {
    const open = (count: number) =>
      openBody(recordsAdapter, encodeUtf8(record.repeat(count)), { contentType })
    expect(() => open(limits.httpBodyEventsMax)).not.toThrow()
    expect(() => open(limits.httpBodyEventsMax + 1)).toThrow(PosternError)
    const list = `[${"1,".repeat(limits.httpBodyEventsMax)}1]`
    expect(() => openBody(recordsAdapter, list)).toThrow("too large")
  })
})
