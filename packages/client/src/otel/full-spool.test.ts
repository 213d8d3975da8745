import { LoggerProvider } from "@opentelemetry/sdk-logs"
import { expect, test } from "vitest"
import { FullSpool } from "../losses/full-spool.test.support.ts"
import { AuditLogProcessor } from "./index.ts"

test("who emits hears nothing of a full spool, and the log has the loss", async () => {
  const spool = await FullSpool.begin()
  const processors = [new AuditLogProcessor({ audit: spool.audit })]
  const logger = new LoggerProvider({ processors }).getLogger("shop")
  const record = { eventName: "invoice.deleted", attributes: { audit: true } }
  logger.emit(record)
  await spool.told(1)
  await spool.empty()
  logger.emit(record)
  expect(await spool.logged()).toEqual(["lost 1", "invoice.deleted"])
  await spool.end()
})
