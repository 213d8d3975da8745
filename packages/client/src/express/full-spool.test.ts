import { once } from "node:events"
import type { AddressInfo } from "node:net"
import express from "express"
import { expect, test } from "vitest"
import { FullSpool } from "../losses/full-spool.test.support.ts"
import { audited } from "./index.ts"

test("a request is answered though the spool is full, and its event is a loss", async () => {
  const spool = await FullSpool.begin()
  const app = express()
  app.get("/", audited(spool.audit, "thing.read"), (_, response) => void response.sendStatus(204))
  const server = app.listen(0, "127.0.0.1")
  await once(server, "listening")
  const ask = () => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  expect((await ask()).status).toBe(204)
  await spool.told(1)
  expect((await ask()).status).toBe(204)
  await spool.told(2)
  await spool.empty()
  const closed = once(server, "close")
  server.close()
  server.closeAllConnections()
  await closed
  expect(spool.problems).toHaveLength(2)
  await spool.end()
})
