import fastify, { type FastifyInstance, type FastifyRequest } from "fastify"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { Recorder } from "../writer/recorder.test.support.ts"
import { audited, auditRequests } from "./index.ts"

let recorder: Recorder
let app: FastifyInstance
beforeEach(() => {
  recorder = new Recorder()
  app = fastify()
})
afterEach(() => app.close())

const context = (request: FastifyRequest) => ({ actor: request.headers["x-user"] as string })
const target = (request: FastifyRequest) => {
  return { target: `thing/${(request.params as { id: string }).id}` }
}

/** Asks over a socket, since what Fastify calls by itself stays in the context of who called. */
async function ask(path: string, init: RequestInit = {}): Promise<number> {
  const base = app.listeningOrigin
  const { status } = await fetch(`${base}${path}`, init)
  return status
}

async function written(count: number): Promise<void> {
  while (recorder.events.length < count)
    await new Promise<void>((next) => setImmediate(() => next()))
}

describe("auditRequests", () => {
  test("keeps interleaved requests apart, behind bodies that are parsed, too", async () => {
    const waiting: (() => void)[] = []
    await app.register(auditRequests, { audit: recorder.audit, context })
    app.post("/things/:id", async (request) => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve)
        if (waiting.length === 10) for (const go of waiting.toReversed()) go()
      })
      recorder.audit("thing.write", {
        ...target(request),
        data: request.body as Record<string, unknown>,
      })
      return {}
    })
    await app.listen({ host: "127.0.0.1", port: 0 })
    const posts = Array.from({ length: 10 }, (_, i) =>
      ask(`/things/${i}`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-user": `u${i}` },
        body: JSON.stringify({ n: i }),
      }),
    )
    await Promise.all(posts)
    expect(recorder.events).toHaveLength(10)
    for (const { actor, targets, trace, origin, data } of recorder.events) {
      const id = targets[0]?.id
      expect([actor.id, data?.n, origin?.ip]).toEqual([`u${id}`, Number(id), "127.0.0.1"])
      expect(trace?.requestId).toMatch(/^req-/)
    }
  })

  test("writes one event for each request to a marked route, also where a hook or the handler refuses", async () => {
    await app.register(auditRequests, { audit: recorder.audit, context })
    app.addHook("preHandler", async (request, reply) => {
      if (request.headers["x-user"] === undefined) await reply.code(403).send({})
    })
    app.delete("/things/:id", { config: audited("thing.delete", target) }, async (request) => {
      if ((request.params as { id: string }).id === "9") throw new Error("broken")
      return {}
    })
    app.get("/plain", async () => ({}))
    app.get("/other", { config: { audit: "somebody else's" } as object }, async () => ({}))
    await app.listen({ host: "127.0.0.1", port: 0 })
    const headers = { "x-user": "alice" }
    expect(await ask("/things/1?token=secret", { method: "DELETE", headers })).toBe(200)
    await written(1)
    expect(await ask("/things/2", { method: "DELETE" })).toBe(403)
    await written(2)
    expect(await ask("/things/9", { method: "DELETE", headers })).toBe(500)
    for (const path of ["/plain", "/other", "/nowhere"]) await ask(path, { headers })
    await written(3)
    expect(recorder.events).toMatchObject([
      {
        ...{ action: "thing.delete", outcome: "success", actor: { type: "user", id: "alice" } },
        request: { method: "DELETE", path: "/things/1", route: "/things/:id" },
        targets: [{ type: "thing", id: "1" }],
      },
      { outcome: "denied", actor: { type: "anonymous" }, reason: { code: "HTTP_403" } },
      { outcome: "error", actor: { id: "alice" }, response: { status: 500 } },
    ])
  })

  test("writes for a request that ended before its own hook", async () => {
    app.addHook("onRequest", async (_, reply) => {
      await reply.code(429).send({})
    })
    await app.register(auditRequests, { audit: recorder.audit, context })
    app.get("/", { config: audited("thing.read") }, async () => ({}))
    await app.listen({ host: "127.0.0.1", port: 0 })
    await ask("/", { headers: { "x-user": "alice" } })
    await written(1)
    expect(recorder.event).toMatchObject({ outcome: "failure", actor: { id: "alice" } })
  })

  test("holds for the scope that registers it and those inside, and for no other", async () => {
    const config = audited("thing.read")
    await app.register((inner, _options, done) => {
      inner.register(auditRequests, { audit: recorder.audit, context })
      inner.get("/inner", { config }, async () => ({}))
      inner.register((innermost, _, ready) => {
        innermost.get("/innermost", { config }, async () => ({}))
        ready()
      })
      done()
    })
    app.get("/outer", { config }, async () => ({}))
    await app.listen({ host: "127.0.0.1", port: 0 })
    for (const path of ["/outer", "/inner", "/innermost"]) await ask(path)
    await written(2)
    expect(recorder.events.map(({ request }) => request?.path)).toEqual(["/inner", "/innermost"])
  })

  test("writes once, and knows what the inner one knows, where it stands in two scopes", async () => {
    await app.register(auditRequests, { audit: recorder.audit })
    await app.register((inner, _options, done) => {
      inner.register(auditRequests, { audit: recorder.audit, context })
      inner.get("/inner", { config: audited("thing.read") }, async () => ({}))
      done()
    })
    await app.listen({ host: "127.0.0.1", port: 0 })
    await ask("/inner", { headers: { "x-user": "alice" } })
    await written(1)
    await ask("/nowhere")
    expect(recorder.event).toMatchObject({ outcome: "success", actor: { id: "alice" } })
  })
})
