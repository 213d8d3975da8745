import { limits } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { otlpAdapter } from "./index.ts"
import { logRecord, requestOf, resource } from "./otlp.test.support.ts"
import { jsonOfMessage } from "./otlp-oracle.test.support.ts"
import { convert } from "./workbench.test.support.ts"

const record = {
  timeUnixNano: "1700000000123456789",
  ...{ severityNumber: 17, eventName: "invoice.deleted" },
  attributes: [
    { key: "enduser.id", value: { stringValue: "alice" } },
    { key: "count", value: { intValue: "7" } },
  ],
  ...{ traceId: "0102030405060708090A0B0C0D0E0F10", spanId: "0102030405060708" },
}

function textOf(records: readonly string[], more = ""): string {
  const service = '{"key":"service.name","value":{"stringValue":"billing"}}'
  const scope = `{"scope":{"name":"s"},"logRecords":[${records.join(",")}]}`
  return `{"resourceLogs":[{"resource":{"attributes":[${service}]}${more},"scopeLogs":[${scope}]}]}`
}

function eventsOf(text: string | Uint8Array) {
  return convert(otlpAdapter, text).map(({ text: event, code }) => {
    expect(code, event).toBeUndefined()
    return JSON.parse(event)
  })
}

describe("a log record in JSON", () => {
  test("says what the same record in protobuf says", () => {
    const request = requestOf([logRecord], { resource })
    const json = jsonOfMessage("ExportLogsServiceRequest", request) as never as {
      resourceLogs: [{ scopeLogs: [{ logRecords: [Record<string, string>] }] }]
    }
    const [only] = json.resourceLogs[0].scopeLogs[0].logRecords
    for (const key of ["traceId", "spanId"]) {
      only[key] = Buffer.from(only[key] ?? "", "base64").toString("hex")
    }
    const protobuf = convert(otlpAdapter, request, { contentType: "application/x-protobuf" })
    const { data, id, ...members } = JSON.parse(protobuf[0]?.text ?? "")
    const [{ data: ownData, id: ownId, ...own }] = eventsOf(JSON.stringify(json))
    expect(own).toEqual(members)
    const { bytes, ...rest } = data
    expect(ownData).toEqual(rest)
  })

  test("stands in its event byte for byte, with what is around it", () => {
    const odd = `{ "timeUnixNano" : 17000000001234567890123e-4, "body":{"stringValue":"\\u00e4"},"x":1.0 }`
    const [{ text = "" } = {}] = convert(otlpAdapter, textOf([odd], ',"schemaUrl":"u","new":[1]'))
    expect(text).toContain(`"otlp":${odd}}`)
    expect(text).toContain(',"schemaUrl":"u","new":[1]},"scopeLogs":{"scope":{"name":"s"}},')
    expect(JSON.parse(text)).toMatchObject({ source: "app://billing", action: "otlp.log" })
  })

  const cases: [string, object, object][] = [
    ["an id in capitals", {}, { trace: { traceId: "0102030405060708090a0b0c0d0e0f10" } }],
    ["a time", {}, { time: "2023-11-14T22:13:20.123456789Z" }],
    [
      "a time as a number",
      { timeUnixNano: 1_700_000_000_000_000_000 },
      { time: "2023-11-14T22:13:20.000000000Z" },
    ],
    ["no time that can be read", { timeUnixNano: "soon" }, { time: "2026-11-22T12:00:00.123Z" }],
    [
      "a time beyond 64 bits",
      { timeUnixNano: "18446744073709551616" },
      { time: "2026-11-22T12:00:00.123Z" },
    ],
    ["a severity", {}, { severity: "error" }],
    ["a name that is no text", { eventName: 7 }, { action: "otlp.log" }],
    ["attributes that are none", { attributes: "x" }, { actor: { type: "system", id: "unknown" } }],
  ]
  test.each(cases)("says %s", (_, more, expected) => {
    expect(eventsOf(textOf([JSON.stringify({ ...record, ...more })]))[0]).toMatchObject(expected)
  })

  test("that cannot be read is kept all the same, its neighbours unhurt", () => {
    const good = JSON.stringify(record)
    const deep = `{"body":${"[".repeat(30)}${"]".repeat(30)}}`
    const events = eventsOf(textOf([good, "{x}", "7", deep, good]))
    expect(events.map(({ action }) => action)).toEqual([
      ...["invoice.deleted", ...Array(3).fill("otlp.unreadable"), "invoice.deleted"],
    ])
    expect(events.slice(1, 4).map(({ data }) => data.line)).toEqual(["{x}", "7", deep])
    const bytes = Buffer.from(textOf(['{"a":"#"}']))
    bytes[bytes.indexOf("#")] = 0xff
    const [broken] = eventsOf(bytes)
    expect(Buffer.from(broken.data.bytes, "base64")).toEqual(
      Buffer.from([...Buffer.from('{"a":"'), 0xff, 0x22, 0x7d]),
    )
  })

  test("that comes again has its id again", () => {
    const ids = (text: string) => eventsOf(text).map(({ id }) => id)
    const good = JSON.stringify(record)
    const [id] = ids(textOf([good]))
    expect(ids(textOf([good, good]))).toEqual([id, `${id}/2`])
    expect(ids(textOf([good], ',"schemaUrl":"v"'))).not.toEqual([id])
    expect(ids(textOf(["{}", "{}"]))).toEqual(["id-0", "id-1"])
  })
})

describe("a request in JSON", () => {
  test.each(["", "{}", '{"resourceLogs":[]}', '{"resourceLogs":null}', '{"resourceLogs":[{}]}'])(
    "may hold nothing: %s",
    (text) => {
      expect(eventsOf(text)).toEqual([])
    },
  )

  test.each([
    ["an array", "[]"],
    ["cut off", textOf(["{}"]).slice(0, -3)],
    ["a resource that is no JSON", textOf(["{}"], ',"x":y')],
    ["a list that is none", '{"resourceLogs":7}'],
    ["a list of numbers", '{"resourceLogs":[7]}'],
  ])("that is %s is refused as a whole", (_, text) => {
    expect(() => eventsOf(text)).toThrow("the body cannot be read")
  })

  test("is refused if it would take many times its length, or has another type", () => {
    const long = `,"x":"${"y".repeat(33_000)}"`
    expect(() => eventsOf(textOf(["{}"], long))).toThrow("32 KiB")
    const many = Array<string>(limits.httpBodyEventsMax + 1).fill("{}")
    expect(() => eventsOf(textOf(many))).toThrow("too many events")
    const empty = (count: number) => {
      return `{"resourceLogs":[${Array(count).fill('{"scopeLogs":[{}]}').join(",")}]}`
    }
    expect(eventsOf(empty(limits.httpBodyEventsMax / 2))).toEqual([])
    expect(() => eventsOf(empty(limits.httpBodyEventsMax / 2 + 1))).toThrow("too many resources")
    for (const contentType of ["text/plain", "application/json; charset=latin1"]) {
      expect(() => convert(otlpAdapter, "{}", { contentType })).toThrow("content type")
    }
  })

  test("changed in any place is refused as a whole or becomes events", () => {
    const request = Buffer.from(textOf([JSON.stringify(record), JSON.stringify(record)]))
    fc.assert(
      fc.property(fc.nat(request.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(request)
        changed[at] = byte
        try {
          for (const { code } of convert(otlpAdapter, changed)) expect(code).toBeUndefined()
        } catch (error) {
          expect(String(error)).toContain("the body cannot be read")
        }
      }),
      { numRuns: 500 },
    )
  })
})
