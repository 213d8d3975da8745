import { LoggerProvider } from "@opentelemetry/sdk-logs"
import { beforeEach, expect, test } from "vitest"
import { runInContext } from "../context/index.ts"
import { Recorder } from "../writer/recorder.test.support.ts"
import { AuditLogProcessor } from "./index.ts"

let recorder: Recorder
let provider: LoggerProvider
beforeEach(() => {
  recorder = new Recorder()
  provider = new LoggerProvider({ processors: [new AuditLogProcessor({ audit: recorder.audit })] })
})

test("marked records become events, others do not", () => {
  const logger = provider.getLogger("shop", "1.0")
  logger.emit({ body: "nothing of interest", attributes: { "user.id": "x" } })
  logger.emit({
    ...{ eventName: "invoice.deleted", body: "gone", severityText: "WARN" },
    timestamp: new Date("2026-11-22T12:00:00.123Z"),
    attributes: {
      ...{ audit: true, "user.id": "alice", "client.address": "192.0.2.1", "order.id": 7 },
      ...{ "user_agent.original": "curl/8" },
    },
  })
  const { event } = recorder
  expect(event).toMatchObject({
    ...{ action: "invoice.deleted", time: "2026-11-22T12:00:00.123Z" },
    ...{ actor: { type: "user", id: "alice" }, origin: { ip: "192.0.2.1", userAgent: "curl/8" } },
    data: { format: "otel", log: { body: "gone", severityText: "WARN", scope: { name: "shop" } } },
  })
  expect(event.data?.log).toMatchObject({ attributes: { "order.id": 7, "user.id": "alice" } })
})

test("members stand in attributes below the mark, or nested", () => {
  const logger = provider.getLogger("shop")
  runInContext({ actor: "alice", tenant: "a" }, () => {
    logger.emit({
      eventName: "said.otherwise",
      attributes: {
        "audit.action": "invoice.sent",
        "audit.target": "invoice/1",
        "audit.outcome": "denied",
      },
    })
    logger.emit({ attributes: { audit: { action: "invoice.read", targets: [] }, n: 1 } })
  })
  expect(recorder.events).toMatchObject([
    {
      ...{ action: "invoice.sent", outcome: "denied", tenant: "a", actor: { id: "alice" } },
      targets: [{ type: "invoice", id: "1" }],
    },
    { action: "invoice.read", actor: { id: "alice" }, data: { log: { attributes: { n: 1 } } } },
  ])
})

test("a record's span leads to the trace", () => {
  const spanContext = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" }
  new AuditLogProcessor({ audit: recorder.audit }).onEmit({
    ...{ hrTime: [1_700_000_000, 5e8], spanContext, body: "x" },
    attributes: { audit: { action: "a.b", trace: { requestId: "r" } } },
  })
  expect(recorder.event).toMatchObject({
    ...{ time: "2023-11-14T22:13:20.500Z", trace: { ...spanContext, requestId: "r" } },
  })
})

test("what is no event is kept as text", () => {
  provider
    .getLogger("shop")
    .emit({ attributes: { "audit.action": "a.b", "audit.outcome": "fine" } })
  expect(recorder.event).toMatchObject({ action: "log.unreadable", outcome: "unknown" })
  expect(recorder.event.data?.line).toContain('"fine"')
})

test("flush and shutdown wait for port and spool", async () => {
  await provider.forceFlush()
  await provider.shutdown()
  expect(recorder.asked).toEqual(["flush", "spooled"])
})
