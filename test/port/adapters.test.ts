import { limits } from "@postern/log/base"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { Entries, type Indexed } from "../support/entries.ts"
import { type Answer, ask } from "../support/http-client.ts"
import { type Identity, Installation } from "../support/installation.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"

let installation: Installation
let sender: Identity
let port: PortProcess
let entries: Entries

beforeAll(async () => {
  installation = (await Installation.make()).keepAll()
  sender = await installation.writer("sender", {
    adapters: ["otlp", "cloudevents", "records", "teleport"],
    sources: ["app://*"],
    actions: ["otlp.log", "invoice.*", "order.*", "records.*", "teleport.*"],
  })
  port = await startPort(installation.configFile)
  entries = await Entries.follow(installation.log)
})

afterAll(async () => {
  await entries?.close()
  await port?.end("SIGTERM")
  installation?.remove()
})

function post(path: string, body: string, headers: Record<string, string> = {}): Promise<Answer> {
  return ask(port.write, installation.ca.certificate, sender, { path, body, headers })
}

async function entryAt(index: number): Promise<Indexed> {
  return entries.find(`entry ${index}`, (entry) => entry.index === index)
}

const record = (name: string, text: string) => ({
  ...{ timeUnixNano: "1700000000000000001", eventName: name, body: { stringValue: text } },
})

function otlp(...logRecords: readonly object[]): string {
  const attributes = [{ key: "service.name", value: { stringValue: "billing" } }]
  return JSON.stringify({
    resourceLogs: [{ resource: { attributes }, scopeLogs: [{ logRecords }] }],
  })
}

describe("a foreign body", () => {
  const bodies: [string, string, string, Record<string, string>, object][] = [
    [
      ...(["CloudEvents", "/v1/cloudevents"] as const),
      '{"paid":true}',
      { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "order.paid" },
      { id: "1:1@/s", action: "order.paid", source: "app://sender" },
    ],
    [
      ...(["records", "/v1/records"] as const),
      '{"date":1700000000.5,"log":"hello"}',
      {},
      { action: "records.record", time: "2023-11-14T22:13:20.500000Z" },
    ],
    [
      ...(["Teleport", "/v1/teleport/session.s-1.log"] as const),
      '{"event":"exec","code":"T3002I","uid":"u-1","time":"2026-11-23T07:00:00Z","exitCode":"0"}',
      {},
      { id: "u-1", action: "teleport.exec", outcome: "success", trace: { sessionId: "s-1" } },
    ],
  ]
  test.each(bodies)("of %s becomes an entry once, however often it comes", async (_, ...rest) => {
    const [path, body, headers, expected] = rest
    const { status, json } = await post(path, body, headers)
    expect([status, json.accepted]).toEqual([200, 1])
    const [{ index = 0 } = {}] = json.entries as { index: number }[]
    const { event, stamp } = await entryAt(index)
    expect(event).toMatchObject(expected)
    expect(stamp.changed).toBe(2)
    const again = await post(path, body, headers)
    expect(again.json).toMatchObject({ accepted: 0, duplicates: [{ position: 0, index }] })
  })

  test("of OTLP tells what was not taken; the others are entries, however large", async () => {
    const large = record("invoice.large", "x".repeat(200_000))
    const body = otlp(record("invoice.small", "s"), record("secret.read", "no"), large)
    const { status, json } = await post("/v1/logs", body)
    const errorMessage = expect.stringMatching(/^1 x EVENT_ACTION_NOT_GRANTED: /)
    expect([status, json]).toEqual([
      200,
      { partialSuccess: { rejectedLogRecords: "1", errorMessage } },
    ])
    const small = await entries.find(
      "the small one",
      ({ event }) => event.action === "invoice.small",
    )
    expect(small.event).toMatchObject({ source: "app://billing", data: { format: "otlp" } })
    const beside = await entries.find(
      "the large one",
      ({ event }) => event.action === "invoice.large",
    )
    expect(beside.event).not.toHaveProperty("data")
    expect(beside.event._sd).toHaveLength(1)
    await post("/v1/logs", body)
    const all = (await entries.all()).filter(({ event }) =>
      String(event.action).startsWith("invoice."),
    )
    expect(all).toHaveLength(2)
  })

  test("of which nothing is taken is refused in the sender's words", async () => {
    const { status, json } = await post("/v1/logs", otlp(record("secret.read", "no")))
    const message = expect.stringContaining("EVENT_ACTION_NOT_GRANTED")
    expect([status, json]).toEqual([403, { code: 7, message }])
    const plain = await post("/v1/events", "{}")
    expect(plain.json).toMatchObject({ code: "ADAPTER_NOT_GRANTED" })
    const long = await post("/v1/records", "x".repeat(limits.httpBodyBytesMax + 1))
    expect(long.status).toBe(413)
  })
})
