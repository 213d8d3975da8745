import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { TLSSocket } from "node:tls"
import { getRequestListener } from "@hono/node-server"
import { errorRegistry } from "@postern/log/base"
import type { Peer } from "../acceptor/index.ts"

/** Deadlines of one connection. A socket handed to an http.Server by `emit` gets none of that server's own timers. */
export interface ListenerLimits {
  /** From the first byte of a request to the end of its header. */
  readonly headerMs: number
  /** Between two requests. */
  readonly idleMs: number
  /** With more than `unreadBytesMax` waiting in our memory for the peer to read. */
  readonly slowMs: number
  readonly unreadBytesMax: number
  /** Requests that one connection may have under way at a time (HTTP pipelining). */
  readonly requestsMax: number
  /** How often the deadlines are looked at; they are late by at most this. */
  readonly tickMs: number
}

export const listenerLimits: ListenerLimits = {
  headerMs: 10_000,
  idleMs: 60_000,
  slowMs: 10_000,
  unreadBytesMax: 1_048_576,
  requestsMax: 16,
  tickMs: 500,
}

export interface HttpListener {
  /** Takes over an authenticated connection; from here on this listener owns the socket's deadlines. */
  accept(socket: TLSSocket, peer: Peer): void
  /** Ends idle connections, lets requests that are under way finish, destroys what is left after `deadlineMs`. */
  drain(deadlineMs: number): Promise<void>
}

/** One connection: what it is doing, and since when (milliseconds of the monotonic clock). */
interface Connection {
  readonly peer: Peer
  requests: number
  /** Bytes read when the last request ended: more than that means that the next header has begun. */
  bytesRead: number
  reading: "header" | "nothing"
  since: number
  slowSince: number | undefined
}

type Answer = (request: Request, peer: Peer) => Response | Promise<Response>

/**
 * Speaks HTTP/1.1 on sockets that the acceptor hands over, and answers every request with `answer`, which
 * learns the peer from the socket, never from anything the request says.
 */
export function openHttpListener(answer: Answer, limits = listenerLimits): HttpListener {
  const connections = new Map<TLSSocket, Connection>()
  let draining = false
  const server = createHttpServer(connections, answer, limits, () => draining)
  const timer = setInterval(() => {
    const now = performance.now()
    for (const [socket, connection] of connections) {
      if (isOverdue(socket, connection, now, limits)) socket.destroy()
    }
  }, limits.tickMs)
  timer.unref()

  function accept(socket: TLSSocket, peer: Peer): void {
    const since = performance.now()
    connections.set(socket, {
      peer,
      requests: 0,
      bytesRead: 0,
      reading: "header",
      since,
      slowSince: undefined,
    })
    socket.once("close", () => connections.delete(socket))
    server.emit("connection", socket)
  }

  async function drain(deadlineMs: number): Promise<void> {
    draining = true
    const deadline = performance.now() + deadlineMs
    for (const [socket, connection] of connections) if (connection.requests === 0) socket.end()
    while (connections.size > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    for (const socket of connections.keys()) socket.destroy()
    clearInterval(timer)
  }

  return { accept, drain }
}

function createHttpServer(
  connections: ReadonlyMap<object, Connection>,
  answer: Answer,
  limits: ListenerLimits,
  isDraining: () => boolean,
): Server {
  const handle = getRequestListener(
    (request, env) => {
      const connection = connections.get((env.incoming as IncomingMessage).socket)
      if (connection === undefined) return new Response(null, { status: 500 })
      return answer(request, connection.peer)
    },
    { overrideGlobalObjects: false, errorHandler: () => new Response(null, { status: 400 }) },
  )
  const server = createServer((request, response) => {
    const connection = connections.get(request.socket)
    if (connection === undefined || connection.requests >= limits.requestsMax) {
      request.socket.destroy()
      return
    }
    connection.requests++
    response.once("close", () => endRequest(request, response, connection, isDraining()))
    void handle(request, response)
  })
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    refuseSyntax(error, socket as TLSSocket)
  })
  return server
}

function endRequest(
  request: IncomingMessage,
  response: ServerResponse,
  connection: Connection,
  draining: boolean,
): void {
  connection.requests--
  if (connection.requests > 0) return
  connection.reading = "nothing"
  connection.since = performance.now()
  connection.bytesRead = request.socket.bytesRead
  if (draining || !response.shouldKeepAlive) request.socket.end()
}

/** Also moves an idle connection on to "header" when the first bytes of its next request have come. */
function isOverdue(
  socket: TLSSocket,
  connection: Connection,
  now: number,
  limits: ListenerLimits,
): boolean {
  if (socket.writableLength <= limits.unreadBytesMax) connection.slowSince = undefined
  else connection.slowSince ??= now
  if (connection.slowSince !== undefined && now - connection.slowSince >= limits.slowMs) return true
  if (connection.requests > 0) return false
  if (connection.reading === "nothing" && socket.bytesRead > connection.bytesRead) {
    connection.reading = "header"
    connection.since = now
  }
  const allowedMs = connection.reading === "header" ? limits.headerMs : limits.idleMs
  return now - connection.since >= allowedMs
}

/** The bytes were not HTTP/1.1, or a header was too large. Nothing of the request is repeated in the answer. */
function refuseSyntax(error: NodeJS.ErrnoException, socket: TLSSocket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy()
    return
  }
  const line = errorRegistry.REQUEST_INVALID
  const status = error.code === "HPE_HEADER_OVERFLOW" ? 431 : 400
  const problem = {
    type: "about:blank",
    title: line.message,
    status,
    code: "REQUEST_INVALID",
    hint: line.hint,
  }
  const body = JSON.stringify({ ...problem, detail: "not a well-formed HTTP/1.1 request" })
  socket.end(
    `HTTP/1.1 ${status} Bad Request\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}
