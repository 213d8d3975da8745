import { once } from "node:events"
import { type AddressInfo, connect } from "node:net"
import express from "express"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { Recorder } from "../writer/recorder.test.support.ts"
import { auditContext, audited } from "./index.ts"

let recorder: Recorder
let close: () => Promise<void>
beforeEach(() => {
  recorder = new Recorder()
})
afterEach(() => close())

/** Serves the app and gives its address. */
async function serve(app: express.Express): Promise<string> {
  const server = app.listen(0, "127.0.0.1")
  await once(server, "listening")
  close = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, "close")
  }
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Resolves when so many events were written: a request is over a little after its client has the answer. */
async function written(count: number): Promise<void> {
  while (recorder.events.length < count)
    await new Promise<void>((next) => setImmediate(() => next()))
}

const userOf = (request: express.Request) => request.get("x-user")

describe("auditContext()", () => {
  test("keeps interleaved requests apart, behind bodies that are parsed, too", async () => {
    const waiting: (() => void)[] = []
    const app = express()
    app.use(auditContext((request: express.Request) => ({ actor: userOf(request) })))
    app.use(express.json())
    app.post("/things/:id", async (request, response) => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve)
        if (waiting.length === 10) for (const go of waiting.toReversed()) go()
      })
      recorder.audit("thing.write", { target: `thing/${request.params.id}`, data: request.body })
      response.sendStatus(204)
    })
    const base = await serve(app)
    await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        fetch(`${base}/things/${i}`, {
          method: "POST",
          headers: {
            "content-type": "application/json",
            "x-user": `u${i}`,
            "x-request-id": `r${i}`,
          },
          body: JSON.stringify({ n: i }),
        }),
      ),
    )
    expect(recorder.events).toHaveLength(10)
    for (const { actor, targets, trace, origin, data } of recorder.events) {
      const id = targets[0]?.id
      expect([actor.id, trace?.requestId, data?.n]).toEqual([`u${id}`, `r${id}`, Number(id)])
      expect(origin?.ip).toBe("127.0.0.1")
    }
  })
})

describe("audited()", () => {
  test("writes one event for each request, with how it ended and who asked", async () => {
    const app = express()
    const api = express.Router()
    app.use(auditContext((request: express.Request) => ({ actor: userOf(request) })))
    app.use("/api", api)
    const target = (request: express.Request) => ({ target: `thing/${request.params.id}` })
    api.delete(
      "/things/:id",
      audited(recorder.audit, "thing.delete", target),
      (request, response) => {
        if (userOf(request) === undefined) return void response.sendStatus(401)
        if (request.params.id === "9") throw new Error("broken")
        response.sendStatus(204)
      },
    )
    api.get("/plain", (_, response) => void response.send("x"))
    app.use(((_error, _request, response, _next) => {
      response.sendStatus(500)
    }) satisfies express.ErrorRequestHandler)
    const base = await serve(app)
    const ask = (path: string, method: string, headers = {}) =>
      fetch(`${base}/api/${path}`, { method, headers })
    await ask("things/1?token=secret", "DELETE", { "x-user": "alice" })
    await written(1)
    await ask("things/2", "DELETE")
    await written(2)
    await ask("things/9", "DELETE", { "x-user": "bob" })
    await ask("plain", "GET")
    await written(3)
    expect(recorder.events).toMatchObject([
      {
        ...{ action: "thing.delete", outcome: "success", actor: { type: "user", id: "alice" } },
        request: { method: "DELETE", path: "/api/things/1", route: "/api/things/:id" },
        targets: [{ type: "thing", id: "1" }],
      },
      { outcome: "denied", actor: { type: "anonymous" }, reason: { code: "HTTP_401" } },
      { outcome: "error", actor: { id: "bob" }, response: { status: 500 } },
    ])
    expect(recorder.problems).toEqual([])
  })

  test("is of the request also where another one sends the answer", async () => {
    const app = express()
    let first: express.Response | undefined
    app.use(auditContext((request: express.Request) => ({ actor: userOf(request) })))
    app.get("/", audited(recorder.audit, "thing.read"), (_, response) => {
      first ??= response
      if (first === response) return
      for (const waiting of [first, response]) waiting.sendStatus(204)
    })
    const base = await serve(app)
    const users = ["alice", "bob"]
    await Promise.all(users.map((user) => fetch(base, { headers: { "x-user": user } })))
    await written(2)
    expect(recorder.events.map(({ actor }) => actor.id).sort()).toEqual(users)
  })

  test("says that nobody waited for the answer", async () => {
    const app = express()
    let asked: () => void = () => undefined
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve
    })
    app.get("/slow", audited(recorder.audit, "thing.read"), () => asked())
    const { port } = new URL(await serve(app))
    const socket = connect(Number(port), "127.0.0.1")
    socket.write("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    await isAsked
    socket.destroy()
    await written(1)
    expect(recorder.event).toMatchObject({ outcome: "unknown", reason: { code: "ABORTED" } })
  })
})
