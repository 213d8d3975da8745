import { gzipSync } from "node:zlib"
import { limits } from "@postern/log/base"
import { afterEach, describe, expect, test } from "vitest"
import { closeAll, grantOf, lastJson, openHttpDoor, until } from "./doors.test.support.ts"

afterEach(closeAll)

const record = '{"timeUnixNano":"1700000000000000000","eventName":"a.b"}'
const resource = `{"attributes":[{"key":"x","value":{"stringValue":"${"y".repeat(2_000)}"}}]}`

function otlp(records: readonly string[]): string {
  const scopes = `[{"logRecords":[${records.join(",")}]}]`
  return `{"resourceLogs":[{"resource":${resource},"scopeLogs":${scopes}}]}`
}

function request(path: string, type: string, body: string | Uint8Array, more = ""): Buffer {
  const bytes = Buffer.from(body)
  const head = `POST ${path} HTTP/1.1\r\nhost: p\r\ncontent-type: ${type}\r\n${more}`
  return Buffer.concat([Buffer.from(`${head}content-length: ${bytes.length}\r\n\r\n`), bytes])
}

const json = "application/json"
const protobuf = "application/x-protobuf"
const teleport = '{"event":"user.login","code":"T1000I","time":"2026-11-23T07:00:00Z","uid":"u"}'
const cloudEvent = '{"specversion":"1.0","id":"1","source":"s","type":"t"}'

describe("a request of an adapter", () => {
  test.each([
    ["otlp", "/v1/logs", json, otlp([record, record]), 2],
    ["otlp", "/v1/logs", protobuf, "", 0],
    ["cloudevents", "/v1/cloudevents", "application/cloudevents+json", cloudEvent, 1],
    ["cloudevents", "/v1/cloudevents", "application/cloudevents-batch+json", `[${cloudEvent}]`, 1],
    ["records", "/v1/records", json, '{"log":"a"}{"log":"b"}', 2],
    ["records", "/v1/records", "application/x-ndjson", '{"log":"a"}\n{"log":"b"}\n', 2],
    ["teleport", "/v1/teleport/events.log", json, teleport, 1],
    ["teleport", "/v1/teleport/session.7-a.log", json, teleport, 1],
  ])("%s at %s as %s is its own", async (adapter, path, type, body, count) => {
    const { enter, bodies, refused } = openHttpDoor()
    const { far, comes } = await enter()
    far.write(request(path, type, body))
    expect(await comes("\r\n\r\n")).toMatch(/^HTTP\/1\.1 200 /)
    expect(bodies.map((taken) => [taken.adapter, taken.changed])).toEqual(
      count === 0 ? [] : [[adapter, 2]],
    )
    expect(bodies.reduce((sum, taken) => sum + taken.count, 0)).toBe(count)
    expect(refused).toEqual([])
  })

  test.each([
    ["otlp", "/v1/logs"],
    ["cloudevents", "/v1/cloudevents"],
    ["records", "/v1/records"],
    ["teleport", "/v1/teleport/events.log"],
  ] as const)("%s is refused without a grant for it", async (adapter, path) => {
    const { enter, world, refused, bodies } = openHttpDoor()
    const others = ["postern", "http", "kubernetes", "syslog"] as const
    world.grant = grantOf({ adapters: new Set(others) })
    const { far, comes } = await enter()
    far.write(request(path, json, "{}"))
    expect(await comes(adapter)).toMatch(/^HTTP\/1\.1 403 /)
    expect(refused).toEqual([{ code: "ADAPTER_NOT_GRANTED", detail: adapter }])
    expect(bodies).toEqual([])
  })

  test.each([
    ["/v1/logs", "application/grpc"],
    ["/v1/cloudevents", json],
    ["/v1/records", "application/msgpack"],
    ["/v1/teleport/events.log", "application/x-ndjson"],
  ])("%s as %s is refused", async (path, type) => {
    const { enter, refused } = openHttpDoor()
    const { far, comes } = await enter()
    far.write(request(path, type, "{}"))
    expect(await comes("HTTP_CONTENT_TYPE")).toMatch(/^HTTP\/1\.1 415 /)
    expect(refused.map(({ code }) => code)).toEqual(["HTTP_CONTENT_TYPE"])
  })

  test("is unpacked, and refused if that would be too much", async () => {
    const { enter, bodies, pool } = openHttpDoor()
    const { far, comes, text } = await enter()
    const gzip = "content-encoding: gzip\r\n"
    far.write(request("/v1/logs", json, gzipSync(otlp([record])), gzip))
    await comes("{}")
    expect(bodies).toHaveLength(1)
    const bomb = gzipSync(Buffer.alloc(limits.httpBodyInflatedBytesMax + 1))
    far.write(request("/v1/logs", protobuf, bomb, gzip))
    await until(() => text().includes("HTTP_BODY_TOO_LARGE"))
    expect(text()).toContain("HTTP/1.1 413 ")
    expect(pool.left).toBe(limits.creditPoolBytes)
  })
})

describe("what is too much for now", () => {
  test.each([
    ["/v1/logs", json, otlp([record]), 503],
    ["/v1/logs", protobuf, Buffer.from("0a04120212001200", "hex").subarray(0, 6), 503],
    ["/v1/cloudevents", "application/cloudevents+json", cloudEvent, 503],
    ["/v1/records", json, "{}", 503],
    ["/v1/teleport/events.log", json, teleport, 503],
    ["/v1/events", json, "{}", 429],
  ])("is said so that the sender of %s repeats it", async (path, type, body, status) => {
    const { enter, world } = openHttpDoor()
    world.offers.push({ kind: "full", delayMs: 50 })
    const { far, comes } = await enter()
    far.write(request(path, type, body))
    const text = await comes("RATE_LIMITED")
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(text).toContain("retry-after: 1\r\n")
    if (path !== "/v1/logs") expect(lastJson(text).status).toBe(status)
  })
})

describe("OTLP is answered in its own words", () => {
  const refusals = [{ code: "EVENT_ACTION_NOT_GRANTED" as const, positions: [1] }]
  const placed = { kind: "placed", first: 7, altered: [], duplicates: [] } as const

  test("if some records are not taken", async () => {
    const { enter, world } = openHttpDoor()
    world.offers.push({ ...placed, accepted: 1, refused: refusals })
    const { far, comes } = await enter()
    far.write(request("/v1/logs", json, otlp([record, record])))
    const text = await comes("errorMessage")
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    expect(lastJson(text)).toEqual({
      partialSuccess: {
        rejectedLogRecords: "1",
        errorMessage: expect.stringMatching(/^1 x EVENT_ACTION_NOT_GRANTED: /),
      },
    })
  })

  test("if none is taken", async () => {
    const { enter, world } = openHttpDoor()
    const all = [{ code: "EVENT_ACTION_NOT_GRANTED" as const, positions: [0] }]
    world.offers.push({ ...placed, accepted: 0, refused: all })
    const { far, comes } = await enter()
    far.write(request("/v1/logs", json, otlp([record])))
    const text = await comes("message")
    expect(text).toMatch(/^HTTP\/1\.1 403 /)
    expect(lastJson(text)).toEqual({
      code: 7,
      message: expect.stringContaining("EVENT_ACTION_NOT_GRANTED"),
    })
  })

  test("if it cannot be read, in its own encoding", async () => {
    const { enter, refused } = openHttpDoor()
    const { far, comes } = await enter()
    far.write(request("/v1/logs", protobuf, "not protobuf at all"))
    const text = await comes("HTTP_BODY_SYNTAX")
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(text).toContain(`content-type: ${protobuf}\r\n`)
    expect(text).toContain("\r\n\r\n\x08\x03\x12")
    expect(refused.map(({ code }) => code)).toEqual(["HTTP_BODY_SYNTAX"])
  })
})

test("what a body becomes is made as it finds room, while others use the memory", async () => {
  const { enter, bodies, rooms, world } = openHttpDoor()
  // Each of its records has the resource for itself: many times what came.
  const count = 3_000
  world.offers.push({ kind: "full", delayMs: 0 })
  const [first, second] = [await enter(), await enter()]
  const distinct = Array.from({ length: count }, (_, i) => record.replace("a.b", `a.${i}`))
  first.far.write(request("/v1/logs", json, otlp(distinct)))
  await until(() => rooms.length > 0)
  second.far.write(request("/v1/records", json, `[${'{"log":"z"},'.repeat(9_999)}{}]`))
  await second.comes('"accepted":10000')
  rooms.shift()?.resume()
  await first.comes("{}")
  const own = bodies.filter(({ adapter }) => adapter === "otlp").slice(1)
  expect(own.reduce((sum, body) => sum + body.count, 0)).toBe(count)
  expect(own.length).toBeGreaterThan(5)
  const text = Buffer.concat(own.map(({ region }) => region)).toString("latin1")
  const actions = [...text.matchAll(/"action":"(a\.\d+)"/g)].map(([, action]) => action)
  expect(actions).toEqual(Array.from({ length: count }, (_, i) => `a.${i}`))
})

test.each([
  ["/v1/records", json, '{"log":"a"}'],
  ["/v1/records", "text/plain", "a\n"],
  ["/v1/cloudevents", "application/cloudevents-batch+json", cloudEvent],
  ["/v1/logs", json, record],
])(
  "whoever else sends has a turn before a long body at %s as %s is made",
  async (path, type, one) => {
    const { enter, bodies } = openHttpDoor()
    const [first, second] = [await enter(), await enter()]
    const count = 40_000
    const list = `${`${one},`.repeat(count - 1)}${one}`
    const lists = path === "/v1/logs" ? otlp([list]) : `[${list}]`
    first.far.write(request(path, type, type === "text/plain" ? one.repeat(count) : lists))
    await until(() => bodies.length > 0)
    second.far.write(request("/v1/events", json, '{"action":"a.b"}'))
    await Promise.all([
      second.comes("accepted"),
      first.comes(path === "/v1/logs" ? "{}" : "accepted"),
    ])
    const own = bodies.filter(({ adapter }) => adapter !== "http")
    expect(own.reduce((sum, body) => sum + body.count, 0)).toBe(count)
    expect(Math.max(...own.map((body) => body.count))).toBeLessThanOrEqual(2_000)
    expect(bodies.findIndex(({ adapter }) => adapter === "http")).toBeLessThan(bodies.length - 1)
  },
)
