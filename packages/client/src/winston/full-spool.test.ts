import { expect, test } from "vitest"
import winston from "winston"
import { FullSpool } from "../losses/full-spool.test.support.ts"
import { AuditTransport } from "./index.ts"

test("who logs hears nothing of a full spool, and the log has the loss", async () => {
  const spool = await FullSpool.begin()
  const logger = winston.createLogger({ transports: [new AuditTransport({ audit: spool.audit })] })
  const record = { audit: { action: "invoice.deleted", actor: "a" } }
  logger.info("gone", record)
  logger.info("gone", record)
  await spool.told(2)
  await spool.empty()
  logger.info("gone", record)
  expect(await spool.logged()).toEqual(["lost 2", "invoice.deleted"])
  await spool.end()
})
