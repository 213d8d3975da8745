import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { errorRegistry, PosternError } from "@postern/log/base"
import type { Deadline, Deadlines } from "../../acceptor/index.ts"
import type { Answers } from "../adapters/index.ts"
import type { SessionPeer } from "../session/index.ts"
import type { BodyWatch } from "./http-body.ts"

export const bodyMs = 30_000
const idleMs = 300_000
/** For what is left of a body that was refused, and for a peer that does not take its answer. */
const lingerMs = 10_000
const retryAfterSeconds = 1

export interface HttpConnectionWorld {
  readonly deadlines: Deadlines
  refused(peer: SessionPeer, error: PosternError): void
}

/**
 * One HTTP connection's deadlines and its end: each phase (body, the disk's, idle, the answer's way out) has its own, and
 * whoever misses one is told before the end. When a header begins, only the parser knows: the door's server watches it.
 */
export class HttpConnection implements BodyWatch {
  readonly peer: SessionPeer
  readonly #socket: Socket
  readonly #world: HttpConnectionWorld
  #deadline: Deadline | undefined
  /** How many requests are not answered yet. */
  #open = 0
  /** No request can follow: the peer's bytes are no HTTP any more, or came too late. */
  #isOver = false
  /** What is left of a body that was refused is let pass: its end, however it comes, is no second refusal. */
  #isLingering = false
  interrupt: ((error: PosternError) => void) | undefined

  constructor(socket: Socket, peer: SessionPeer, world: HttpConnectionWorld) {
    this.peer = peer
    this.#socket = socket
    this.#world = world
    socket.once("close", () => this.#deadline?.clear())
  }

  /** A request's header is there. */
  reading(): void {
    this.#open += 1
    this.#rearm(bodyMs, () => this.fail(new PosternError("HTTP_TIMEOUT")))
  }

  /** Its body is there. From here on the port's own disk decides how long it takes. */
  working(): void {
    this.#deadline?.clear()
  }

  /** Whether the answer to be sent is the last one. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** The request is answered. A body that was refused unread is let pass, so that the peer gets to its answer. */
  answered(request: IncomingMessage, response: ServerResponse): void {
    this.#open -= 1
    if (!response.closed) {
      const unread = this.#expire(lingerMs, () => this.#unread())
      response.once("close", () => unread.clear())
    }
    if (request.complete) return this.#rearm(idleMs, cut)
    this.#rearm(lingerMs, cut)
    if (this.#isOver) return
    this.#isLingering = true
    request.once("end", () => {
      this.#isLingering = false
      this.#rearm(idleMs, cut)
    })
    request.resume()
  }

  /** An answer does not get out. If nothing waits for the peer, it waits for another answer before it. */
  #unread(): void {
    if (this.#socket.writableLength === 0) return
    this.#world.refused(this.peer, new PosternError("ANSWERS_UNREAD"))
    cut(this.#socket)
  }

  /** The peer's bytes are no HTTP, or come too slowly: whoever reads a body hears of it, the peer too, and it is over. */
  fail(error: PosternError): void {
    if (this.#isOver) return
    this.#isOver = true
    const { interrupt } = this
    if (interrupt !== undefined) return interrupt(error)
    if (this.#isLingering) return cut(this.#socket)
    this.#world.refused(this.peer, error)
    // An answer that is still to come cannot be overtaken.
    if (this.#open > 0) return cut(this.#socket)
    if (this.#socket.writable) this.#socket.write(formatProblem(error))
    this.#socket.destroySoon()
    this.#rearm(lingerMs, cut)
  }

  #expire(ms: number, onExpired: (socket: Socket) => void): Deadline {
    return this.#world.deadlines.set(this.#socket, ms, onExpired)
  }

  #rearm(ms: number, onExpired: (socket: Socket) => void): void {
    this.#deadline?.clear()
    if (!this.#socket.destroyed) this.#deadline = this.#expire(ms, onExpired)
  }
}

function cut(socket: Socket): void {
  socket.destroy()
}

/** RFC 9457, as on the read port. */
function problemOf(error: PosternError, status: number, more: object): string {
  const { code, hint, detail } = error
  const title = errorRegistry[code].message
  return JSON.stringify({ type: "about:blank", title, status, code, hint, detail, ...more })
}

/** How the requests of one kind are answered; without, as docs/reference/write-http.md says. */
export interface Manner {
  readonly retryStatus: 503 | undefined
  readonly answers: Answers | undefined
}

/** @param more members of a problem, for those who read problems */
export function sendProblem(
  response: ServerResponse,
  error: PosternError,
  manner?: Manner,
  more: object = {},
): void {
  const isForLater = error.kind === "busy" || error.code === "HTTP_TIMEOUT"
  const status = (isForLater ? manner?.retryStatus : undefined) ?? error.status
  if (error.kind === "busy" || status !== error.status)
    response.setHeader("retry-after", String(retryAfterSeconds))
  const answers = manner?.answers
  if (answers !== undefined) send(response, status, answers.type, answers.refused(error))
  else send(response, status, "application/problem+json", problemOf(error, status, more))
}

export function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Uint8Array,
): void {
  if (response.headersSent || response.destroyed) return
  const { req: request } = response
  const length = typeof body === "string" ? Buffer.byteLength(body) : body.length
  response.writeHead(status, { "content-type": type, "content-length": length })
  if (request.complete || response.getHeader("connection") === "close") {
    response.end(body)
    return
  }
  // A peer that asked for one answer only is cut off by Node where that answer ends. If it still sends, the cut costs it
  // the answer, too (RFC 9112 §9.6): it ends once the body is through, or the connection's deadline.
  response.write(body)
  request.once("close", () => response.end())
}

/** A whole answer for a peer with whose request Node's server could not begin anything. */
function formatProblem(error: PosternError): string {
  const text = problemOf(error, error.status, {})
  const head = [
    `HTTP/1.1 ${error.status} Refused`,
    "Content-Type: application/problem+json",
    `Content-Length: ${Buffer.byteLength(text)}`,
    "Connection: close",
  ]
  return `${head.join("\r\n")}\r\n\r\n${text}`
}
