import { once } from "node:events"
import { expect, test } from "vitest"
import winston from "winston"
import { runInContext } from "../context/index.ts"
import { Recorder } from "../writer/recorder.test.support.ts"
import { AuditTransport } from "./index.ts"

function loggerOf(recorder: Recorder, options = {}) {
  const { format } = winston
  return winston.createLogger({
    ...{ format: format.combine(format.timestamp(), format.json()), defaultMeta: { app: "shop" } },
    ...options,
    transports: [new AuditTransport({ audit: recorder.audit, level: "audit" })],
  })
}

test("marked records become events in the context of their request, others do not", () => {
  const recorder = new Recorder()
  const logger = loggerOf(recorder)
  logger.info("nothing of interest")
  runInContext({ actor: "alice" }, () => {
    logger.warn("gone", { audit: { action: "invoice.deleted", target: "invoice/1" } })
  })
  logger
    .child({ requestId: "r" })
    .info("sent", { audit: true, action: "invoice.sent", actor: "bob" })
  expect(recorder.events).toMatchObject([
    {
      ...{ action: "invoice.deleted", actor: { id: "alice" }, targets: [{ id: "1" }] },
      data: { format: "winston", log: { level: "warn", message: "gone", app: "shop" } },
    },
    { action: "invoice.sent", actor: { id: "bob" }, data: { log: { requestId: "r" } } },
  ])
  const [first] = recorder.events
  expect(first?.data?.log).toMatchObject({ timestamp: first?.time })
})

test("the logger's level keeps no marked record away", () => {
  const recorder = new Recorder()
  loggerOf(recorder).debug("below it", { audit: { action: "a.b", actor: "a" } })
  expect(recorder.event.action).toBe("a.b")
})

test("a level of its own marks every record of it", () => {
  const recorder = new Recorder()
  const levels = { error: 0, audit: 1, info: 2 }
  const logger = loggerOf(recorder, { levels, level: "info" })
  logger.log("audit", "exported", { action: "report.export" })
  logger.log("audit", "said", { audit: { action: "report.read", actor: "a" } })
  logger.info("nothing of interest")
  expect(recorder.events).toMatchObject([
    { action: "report.export", data: { log: { level: "audit", message: "exported" } } },
    { action: "report.read" },
  ])
})

test("a record that Winston takes and JSON does not is kept as text", () => {
  const recorder = new Recorder()
  const cycle: Record<string, unknown> = { action: "a.b" }
  cycle.self = cycle
  const logger = loggerOf(recorder, { format: winston.format.simple() })
  logger.info("odd", { audit: cycle })
  expect(recorder.event.action).toBe("log.unreadable")
})

test("the end of the logger waits for the spool", async () => {
  const recorder = new Recorder()
  const logger = loggerOf(recorder)
  const [transport] = logger.transports
  logger.info("last", { audit: { action: "a.b", actor: "a" } })
  logger.end()
  await once(transport as AuditTransport, "finish")
  expect([recorder.events.length, recorder.asked]).toEqual([1, ["spooled"]])
})
