import { once } from "node:events"
import type { ServerResponse } from "node:http"
import { connect } from "node:net"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import {
  ask,
  type Building,
  begin,
  enter,
  type Handler,
  openBuilding,
} from "./door.test.support.ts"

const answerPlainly: Handler = (_, response) => response.end("from the read port")
let building: Building
let port: number
let cookie: string
beforeEach(async () => {
  building = await openBuilding(answerPlainly)
  port = building.door.port
  cookie = await enter(building)
})
afterEach(() => building.close())

const question = (path: string, more: Record<string, string> = {}) => ({
  path,
  headers: { cookie, ...more },
})

test("a question goes on as it is, without the cookie and without the connection's own headers", async () => {
  building.behaviour.handler = (_, response) => {
    response.setHeader("set-cookie", "theirs=1")
    response.setHeader("access-control-allow-origin", "*")
    response.setHeader("etag", '"e"')
    response.setHeader("content-type", "application/json")
    response.setHeader("x-powered-by", "somebody")
    response.end("{}")
  }
  const path = "/v1/search?q=a%20b&limit=3"
  const answer = await ask(port, {
    path,
    headers: {
      ...{ cookie, connection: "keep-alive, te", te: "trailers", "proxy-authorization": "x" },
      ...{ authorization: "x", "last-event-id": "7", "x-forwarded-for": "1.2.3.4" },
    },
  })
  expect(answer.text).toBe("{}")
  expect(answer.headers).toMatchObject({ etag: '"e"', "content-type": "application/json" })
  for (const name of ["set-cookie", "access-control-allow-origin", "x-powered-by"]) {
    expect(answer.headers).not.toHaveProperty(name)
  }
  const [heard] = building.heard
  expect(heard).toMatchObject({ method: "GET", url: path })
  expect(Object.keys(heard?.headers ?? {}).sort()).toEqual(["connection", "host", "last-event-id"])
})

test("what an alert's test button posts goes on, short and whole", async () => {
  const headers = { cookie, origin: `http://${building.host}`, "content-type": "application/json" }
  const wish = { method: "POST", path: "/v1/alerts/many%20denied/test", headers }
  let body = ""
  building.behaviour.handler = (asked, response) => {
    asked.on("data", (chunk: Buffer) => {
      body += chunk.toString()
    })
    asked.on("end", () => response.end("sent"))
  }
  expect((await ask(port, { ...wish, body: '{"a":1}' })).text).toBe("sent")
  expect(body).toBe('{"a":1}')
  expect((await ask(port, { ...wish, body: "x".repeat(5000) })).status).toBe(503)
})

test("a tail passes through as it is written, and hanging up ends it at the read port", async () => {
  let write = (_: string): void => undefined
  const ended = new Promise<void>((resolve) => {
    building.behaviour.handler = (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.flushHeaders()
      write = (text) => void response.write(text)
      response.once("close", resolve)
    }
  })
  const tail = await begin(port, question("/v1/tail"))
  expect(tail.headers["content-type"]).toBe("text/event-stream")
  for (const text of ["id: 1\n\n", "id: 2\n\n"]) {
    write(text)
    const [chunk] = (await once(tail, "data")) as [Buffer]
    expect(chunk.toString()).toBe(text)
  }
  tail.on("error", () => undefined)
  tail.destroy()
  await ended
})

test("hanging up before there is an answer ends the question at the read port", async () => {
  const begun = new Promise<ServerResponse>((resolve) => {
    building.behaviour.handler = (_, response) => resolve(response)
  })
  const socket = connect({ host: "127.0.0.1", port })
  socket.write(`GET /v1/search HTTP/1.1\r\nHost: ${building.host}\r\nCookie: ${cookie}\r\n\r\n`)
  const response = await begun
  const ended = once(response, "close")
  socket.destroy()
  await ended
})

test("a browser that takes nothing holds the read port back, and the door's memory stays small", async () => {
  let written = 0
  let full = false
  building.behaviour.handler = (_, response) => {
    const chunk = Buffer.alloc(65_536)
    const fill = (): void => {
      do {
        written += chunk.length
        full = !response.write(chunk)
      } while (!full && written < 512 * 1024 * 1024)
    }
    response.on("drain", () => {
      full = false
      fill()
    })
    response.on("error", () => undefined)
    fill()
  }
  const slow = await begin(port, question("/v1/log/slots"))
  slow.on("error", () => undefined)
  let before = -1
  await vi.waitFor(
    () => {
      const stands = full && written === before
      before = written
      expect(stands).toBe(true)
    },
    { timeout: 10_000, interval: 300 },
  )
  expect(written).toBeLessThan(64 * 1024 * 1024)
  slow.destroy()
})

test("an answer that breaks off breaks off at the browser, too", async () => {
  building.behaviour.handler = (_, response) => {
    response.writeHead(200, { "content-length": "100" })
    response.write("half")
    for (const socket of building.sockets) setImmediate(() => socket.destroy())
  }
  await expect(ask(port, question("/v1/evidence"))).rejects.toThrow()
})

test("a read port that turns the profile away is a clear page for a person and a problem for a script", async () => {
  building.behaviour.handler = (asked) => void asked.socket.destroy()
  const page = await ask(port, question("/"))
  expect([page.status, page.headers["content-type"]]).toEqual([503, "text/html; charset=utf-8"])
  expect(page.text).toContain("cannot be reached")
  const problem = await ask(port, question("/v1/status"))
  expect(JSON.parse(problem.text)).toMatchObject({ code: "UNREACHABLE", status: 503 })
  building.behaviour.handler = answerPlainly
  expect((await ask(port, question("/"))).text).toBe("from the read port")
})

test("the text of a failure is text in the page, whatever stands in it", async () => {
  building.state.route = { ...building.state.route, host: '<script src="x">' }
  const page = await ask(port, question("/"))
  expect(page.status).toBe(503)
  expect(page.text).not.toContain('<script src="x">')
})

test("a connection that was closed while it was idle costs nobody an answer", async () => {
  for (let round = 0; round < 20; round++) {
    expect((await ask(port, question("/"))).status).toBe(200)
    for (const socket of building.sockets) socket.destroy()
  }
})

test("a renewed certificate counts from the next question on, and ends nothing that is under way", async () => {
  let finish = (): void => undefined
  building.behaviour.handler = (_, response) => {
    response.write("begun ")
    finish = () => void response.end("and ended")
  }
  const first = begin(port, question("/v1/evidence"))
  const answer = await first
  building.state.route = await building.routeUnder("reader/auditor")
  building.behaviour.handler = answerPlainly
  const finishFirst = finish
  expect((await ask(port, question("/"))).status).toBe(200)
  const [old, renewed] = building.heard.map(({ serial }) => serial)
  expect(renewed).not.toBe(old)
  finishFirst()
  let text = ""
  for await (const chunk of answer as AsyncIterable<Buffer>) text += chunk.toString()
  expect(text).toBe("begun and ended")
})

test("connections under the certificate of before do not stay", async () => {
  await ask(port, question("/"))
  expect(building.sockets.size).toBe(1)
  const [old] = building.sockets
  building.state.route = await building.routeUnder("reader/auditor")
  await ask(port, question("/"))
  await vi.waitFor(() => expect([...building.sockets]).not.toContain(old), 10_000)
  expect(building.sockets.size).toBe(1)
})

test("closing the door cuts what is under way", async () => {
  building.behaviour.handler = (_, response) => void response.write("begun")
  const tail = await begin(port, question("/v1/tail"))
  const cut = once(tail, "error")
  await building.door.close()
  await cut
})
