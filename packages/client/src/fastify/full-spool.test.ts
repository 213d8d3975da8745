import fastify from "fastify"
import { expect, test } from "vitest"
import { FullSpool } from "../losses/full-spool.test.support.ts"
import { audited, auditRequests } from "./index.ts"

test("a request is answered though the spool is full, and its event is a loss", async () => {
  const spool = await FullSpool.begin()
  const app = fastify()
  await app.register(auditRequests, { audit: spool.audit })
  app.get("/", { config: audited("thing.read") }, async () => ({}))
  await app.listen({ host: "127.0.0.1", port: 0 })
  expect((await fetch(app.listeningOrigin)).status).toBe(200)
  await spool.told(1)
  await spool.empty()
  expect((await fetch(app.listeningOrigin)).status).toBe(200)
  await app.close()
  expect(await spool.logged()).toEqual(["lost 1", "thing.read"])
  await spool.end()
})
