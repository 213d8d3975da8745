import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { TLSSocket } from "node:tls"
import { getRequestListener } from "@hono/node-server"
import { errorRegistry } from "@postern/log/base"
import type { Peer } from "../acceptor/index.ts"

/** Deadlines of one connection. A socket handed to an http.Server by `emit` gets none of that server's own. */
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
  /** How often the deadlines are looked at; they are late by at most two of these. */
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
  /** Ends idle connections, lets requests that are under way finish, destroys what is left after `ms`. */
  drain(ms: number): Promise<void>
}

/** Answers a request; `cut` ends its connection at once. */
export type Answer = (
  request: Request,
  env: { readonly peer: Peer; readonly cut: () => void },
) => Response | Promise<Response>

/** One connection: what it is doing, and since when, on the listener's own clock. */
interface Connection {
  readonly peer: Peer
  requests: number
  reading: "header" | "nothing"
  since: number
  /** Bytes that had come when the last request ended: more means that the next header has begun. */
  bytesRead: number
  slowSince: number | undefined
}

/**
 * Speaks HTTP/1.1 on sockets that the acceptor hands over, and answers every request with `answer`, which learns the peer
 * from the socket, never from anything the request says.
 */
export function openHttpListener(answer: Answer, limits = listenerLimits): HttpListener {
  const connections = new Map<TLSSocket, Connection>()
  const clock = tickingClock(limits.tickMs)
  let whenEmpty: (() => void) | undefined
  const state = { draining: false }
  const server = createHttpServer(connections, answer, limits, clock.now, state)
  const timer = setInterval(() => {
    const now = clock.tick()
    for (const [socket, connection] of connections) {
      if (isOverdue(socket, connection, now, limits)) socket.destroy()
    }
  }, limits.tickMs)
  timer.unref()

  function accept(socket: TLSSocket, peer: Peer): void {
    const since = clock.now()
    const connection = { peer, requests: 0, since, bytesRead: 0, slowSince: undefined }
    connections.set(socket, { ...connection, reading: "header" })
    socket.once("close", () => {
      connections.delete(socket)
      if (connections.size === 0) whenEmpty?.()
    })
    server.emit("connection", socket)
  }

  async function drain(ms: number): Promise<void> {
    state.draining = true
    const empty = new Promise<void>((resolve) => {
      whenEmpty = resolve
    })
    const late = setTimeout(() => {
      for (const socket of connections.keys()) socket.destroy()
    }, ms)
    for (const [socket, connection] of connections) if (connection.requests === 0) socket.end()
    if (connections.size > 0) await empty
    clearTimeout(late)
    clearInterval(timer)
  }

  return { accept, drain }
}

/**
 * Time as the peers are charged for it: while this process was held up, their bytes waited unread, so one tick counts
 * for at most two, however late it comes.
 */
function tickingClock(tickMs: number): { now(): number; tick(): number } {
  let counted = 0
  let last = performance.now()
  const now = () => counted + Math.min(performance.now() - last, 2 * tickMs)
  const tick = () => {
    counted = now()
    last = performance.now()
    return counted
  }
  return { now, tick }
}

function createHttpServer(
  connections: ReadonlyMap<object, Connection>,
  answer: Answer,
  limits: ListenerLimits,
  now: () => number,
  state: { readonly draining: boolean },
): Server {
  const handle = getRequestListener(
    (request, env) => {
      const { socket } = env.incoming as IncomingMessage
      const connection = connections.get(socket)
      if (connection === undefined) return malformed(400)
      return answer(request, { peer: connection.peer, cut: () => socket.destroy() })
    },
    // The only errors are a Host header or a target that make no URL: handlers answer for their own.
    { overrideGlobalObjects: false, errorHandler: () => malformed(400) },
  )
  const server = createServer((request, response) => {
    const connection = connections.get(request.socket)
    if (connection === undefined || connection.requests >= limits.requestsMax) {
      request.socket.destroy()
      return
    }
    connection.requests++
    response.once("close", () => {
      endRequest(request, response, connection, now())
      if (state.draining) request.socket.end()
    })
    void handle(request, response)
  })
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    refuse(error, socket as TLSSocket)
  })
  return server
}

function endRequest(
  request: IncomingMessage,
  response: ServerResponse,
  connection: Connection,
  now: number,
): void {
  connection.requests--
  if (connection.requests > 0) return
  connection.reading = "nothing"
  connection.since = now
  connection.bytesRead = request.socket.bytesRead
  if (!response.shouldKeepAlive) request.socket.end()
}

/** Also moves an idle connection on to "header" once the first bytes of its next request have come. */
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
  return now - connection.since >= limits[connection.reading === "header" ? "headerMs" : "idleMs"]
}

/** The bytes were not HTTP/1.1, or a header was too large. Nothing of the request is repeated in the answer. */
function refuse(error: NodeJS.ErrnoException, socket: TLSSocket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy()
    return
  }
  const status = error.code === "HPE_HEADER_OVERFLOW" ? 431 : 400
  const body = problemText(status)
  socket.end(
    `HTTP/1.1 ${status} Bad Request\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

function malformed(status: number): Response {
  const headers = { "content-type": "application/problem+json", connection: "close" }
  return new Response(problemText(status), { status, headers })
}

function problemText(status: number): string {
  const { message: title, hint } = errorRegistry.REQUEST_INVALID
  const detail = "it is not a well-formed HTTP/1.1 request"
  return JSON.stringify({
    type: "about:blank",
    title,
    status,
    code: "REQUEST_INVALID",
    hint,
    detail,
  })
}
