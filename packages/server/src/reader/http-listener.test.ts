import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"
import type { TLSSocket } from "node:tls"
import { afterEach, describe, expect, test, vi } from "vitest"
import type { Peer } from "../acceptor/index.ts"
import {
  type Answer,
  type HttpListener,
  listenerLimits,
  openHttpListener,
} from "./http-listener.ts"

const peer: Peer = {
  id: "spiffe://postern.test/reader/auditor",
  certificate: "00".repeat(32),
  key: "00".repeat(32),
  serial: "01",
  notAfter: new Date("2030-01-01"),
  from: "127.0.0.1:1",
  protocol: "http/1.1",
}
const limits = { ...listenerLimits, tickMs: 5 }
const get = "GET / HTTP/1.1\r\nhost: reader\r\n\r\n"
const endings: (() => unknown)[] = []

afterEach(async () => {
  for (const end of endings.splice(0)) await end()
})

/** The listener takes any stream socket: TLS is the acceptor's business, so plain TCP serves here. */
async function open(answer: Answer, own: Partial<typeof limits> = {}) {
  const listener: HttpListener = openHttpListener(answer, { ...limits, ...own })
  const server = createServer((socket) => {
    socket.on("error", () => undefined)
    listener.accept(socket as TLSSocket, peer)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as { port: number }
  endings.push(() => server.close())

  function dial(): { socket: Socket; text: () => string; closed: Promise<unknown> } {
    const socket = connect({ port, host: "127.0.0.1" })
    let text = ""
    socket.on("error", () => undefined)
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1")
    })
    endings.push(() => socket.destroy())
    return {
      socket,
      text: () => text,
      closed: new Promise((resolve) => socket.once("close", resolve)),
    }
  }
  return { listener, dial }
}

const hello: Answer = () => new Response("hello")

describe("a connection", () => {
  test("is answered, and the answer learns the peer from the socket", async () => {
    const { dial } = await open(
      (request, env) => new Response(`${env.peer.id} asked ${request.url}`),
    )
    const { socket, text } = dial()
    socket.write("GET /x?y=1 HTTP/1.1\r\nhost: reader\r\nx-peer: somebody else\r\n\r\n")
    await vi.waitFor(() => expect(text()).toContain(`${peer.id} asked http://reader/x?y=1`), 10_000)
  })

  test("serves one request after the other", async () => {
    const { dial } = await open(hello)
    const { socket, text } = dial()
    for (let count = 1; count <= 3; count++) {
      socket.write(get)
      await vi.waitFor(() => expect(text().split("hello")).toHaveLength(count + 1), 10_000)
    }
  })

  test("that says nothing is closed", async () => {
    const { dial } = await open(hello, { headerMs: 20 })
    await dial().closed
  })

  test("whose header trickles in is closed, however steadily it does", async () => {
    const { dial } = await open(hello, { headerMs: 60 })
    const { socket, closed, text } = dial()
    const trickle = setInterval(() => socket.write("x"), 2)
    endings.push(() => clearInterval(trickle))
    socket.write("GET / HTTP/1.1\r\nhost: reader\r\nx-slow: ")
    await closed
    expect(text()).toBe("")
  })

  test("is closed when it is idle, and not before", async () => {
    const { dial } = await open(hello, { idleMs: 60, headerMs: 60_000 })
    const { socket, text, closed } = dial()
    socket.write(get)
    await vi.waitFor(() => expect(text()).toContain("hello"), 10_000)
    await closed
  })

  test("has the time of a header for its second request too", async () => {
    const { dial } = await open(hello, { idleMs: 60_000, headerMs: 50 })
    const { socket, text, closed } = dial()
    socket.write(get)
    await vi.waitFor(() => expect(text()).toContain("hello"), 10_000)
    socket.write("GET / HT")
    await closed
  })

  test("may wait for its answer longer than for anything else", async () => {
    let release: ((response: Response) => void) | undefined
    const answer = new Promise<Response>((resolve) => {
      release = resolve
    })
    const { dial } = await open(() => answer, { headerMs: 20, idleMs: 20 })
    const waiting = dial()
    waiting.socket.write(get)
    await dial().closed
    await dial().closed
    release?.(new Response("late"))
    await vi.waitFor(() => expect(waiting.text()).toContain("late"), 10_000)
  })

  test("that does not read what it asked for is closed", async () => {
    const chunk = new Uint8Array(262_144)
    let taken = 0
    let isGivenUp = false
    const body = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          taken += 1
          controller.enqueue(chunk)
        },
        cancel() {
          isGivenUp = true
        },
      })
    const { dial } = await open(() => new Response(body()), { slowMs: 30, unreadBytesMax: 1000 })
    const { socket, closed } = dial()
    socket.pause()
    socket.write(get)
    // A paused socket does not see its end; the server's side does, and stops making the body. Read on before that, it goes on.
    await vi.waitFor(() => expect(isGivenUp).toBe(true), 10_000)
    const before = taken
    expect(before).toBeGreaterThan(0)
    socket.resume()
    await closed
    expect(taken).toBe(before)
    expect(taken).toBeLessThan(200)
  })

  test("can be cut by its answer", async () => {
    const { dial } = await open((_, { cut }) => {
      cut()
      return new Response("unheard")
    })
    const { socket, closed, text } = dial()
    socket.write(get)
    await closed
    expect(text()).toBe("")
  })

  test("with too many requests under way is closed", async () => {
    const never = new Promise<Response>(() => undefined)
    const { dial } = await open(() => never, { requestsMax: 3 })
    const { socket, closed } = dial()
    socket.write(get.repeat(4))
    await closed
  })
})

describe("what is not HTTP", () => {
  test.each([
    ["noise", "\u0000\u0001\u0002\r\n\r\n"],
    ["a frame of postern/1", "\u0000\u0000\u0000\u0010\u0001\u0000{}"],
    ["a header without a colon", "GET / HTTP/1.1\r\nhost reader\r\n\r\n"],
    ["two lengths", "GET / HTTP/1.1\r\nhost: r\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx"],
    ["no host", "GET / HTTP/1.1\r\n\r\n"],
    ["an impossible host", "GET / HTTP/1.1\r\nhost: a b\r\n\r\n"],
    ["an endless header", `GET / HTTP/1.1\r\nhost: r\r\nx: ${"x".repeat(40_000)}\r\n\r\n`],
  ])("is refused and closed: %s", async (_, bytes) => {
    const { dial } = await open(hello)
    const { socket, text, closed } = dial()
    socket.write(Buffer.from(bytes, "latin1"))
    await closed
    expect(text()).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect(text()).not.toContain("hello")
  })

  test("never ends the listener", async () => {
    const { dial } = await open(hello)
    for (let i = 0; i < 20; i++) {
      const { socket } = dial()
      socket.write(i % 2 ? "GET / HTTP/1.1\r\nho" : get)
      socket.resetAndDestroy()
    }
    const { socket, text } = dial()
    socket.write(get)
    await vi.waitFor(() => expect(text()).toContain("hello"), 10_000)
  })
})

describe("a drain", () => {
  test("ends idle connections and lets requests finish", async () => {
    let release: ((response: Response) => void) | undefined
    const answer = new Promise<Response>((resolve) => {
      release = resolve
    })
    let asked = 0
    const { listener, dial } = await open(() => {
      asked += 1
      return answer
    })
    const idle = dial()
    const busy = dial()
    await once(idle.socket, "connect")
    busy.socket.write(get)
    await vi.waitFor(() => expect(asked).toBe(1), 10_000)
    const drained = listener.drain(10_000)
    await idle.closed
    release?.(new Response("last words"))
    await busy.closed
    await drained
    expect(busy.text()).toContain("last words")
  })

  test("waits no longer than it was told", async () => {
    const never = new Promise<Response>(() => undefined)
    let asked = 0
    const { listener, dial } = await open(() => {
      asked += 1
      return never
    })
    const { socket, closed } = dial()
    socket.write(get)
    await vi.waitFor(() => expect(asked).toBe(1), 10_000)
    await listener.drain(10)
    await closed
  })
})
