import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { TLSSocket } from "node:tls"
import {
  type ErrorCode,
  errorRegistry,
  isPosternError,
  limits,
  PosternError,
} from "@postern/log/base"
import type { Deadline, Deadlines, Peer } from "../../acceptor/index.ts"
import type { WriterGrant } from "../../access/index.ts"
import { type Adapter, httpAdapter, kubernetesAdapter } from "../adapters/index.ts"
import type { PortMemory } from "../sequencer/index.ts"
import type { CreditPool, SessionPeer } from "../session/index.ts"
import {
  BodyPlacement,
  type BodyRegion,
  type BodyResult,
  type PlacementWorld,
} from "./body-placement.ts"
import { type HttpBody, readBody } from "./http-body.ts"

export interface HttpDoorWorld extends PlacementWorld {
  readonly memory: PortMemory
  readonly pool: CreditPool
  readonly deadlines: Deadlines
  readonly certificate: string
  grant(id: string): WriterGrant | undefined
  refused(peer: SessionPeer, code: ErrorCode, detail: { detail?: string }): void
  now(): Date
  eventId(): string
  sessionName(): string
  /** Why nothing can be taken at all, now. */
  busy(): ErrorCode | undefined
}

const routes = new Map<string, Adapter>([
  ["/v1/events", httpAdapter],
  ["/v1/kubernetes/audit", kubernetesAdapter],
])
const headerMs = 10_000
const bodyMs = 30_000
const idleMs = 300_000
const retryAfterSeconds = 1

/**
 * HTTP/1.1 on the write port: the same intake for everybody with curl. A socket handed over with emit("connection") gets none
 * of the server's own timeouts, so header, body and idle deadlines are kept here. Nothing can be read.
 */
export class HttpDoor {
  readonly #world: HttpDoorWorld
  readonly #server: Server
  readonly #peers = new WeakMap<Socket, { peer: SessionPeer; deadline: Deadline }>()

  constructor(world: HttpDoorWorld) {
    this.#world = world
    this.#server = createServer({ maxHeaderSize: 16_384, noDelay: true }, (request, response) => {
      this.#answer(request, response).catch((error) => response.destroy(error))
    })
    this.#server.maxHeadersCount = 100
    this.#server.keepAliveTimeout = 0 // The idle deadline is kept here.
    this.#server.on("checkContinue", (request, response) => {
      response.writeContinue()
      this.#server.emit("request", request, response)
    })
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
      const known = this.#peers.get(socket)
      if (known !== undefined)
        this.#world.refused(known.peer, "HTTP_BODY_SYNTAX", { detail: error.code ?? "" })
      if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
      else socket.destroy()
    })
  }

  serve(socket: TLSSocket, peer: Peer): void {
    const { id, certificate, from } = peer
    const session = this.#world.sessionName()
    const entry = {
      peer: { id, certificate, from, session },
      deadline: this.#expire(socket, headerMs),
    }
    this.#peers.set(socket, entry)
    socket.once("close", () => entry.deadline.clear())
    this.#server.emit("connection", socket)
  }

  #expire(socket: Socket, ms: number): Deadline {
    return this.#world.deadlines.set(socket, ms, (late) => {
      const known = this.#peers.get(late)
      if (known !== undefined && ms !== idleMs) this.#world.refused(known.peer, "HTTP_TIMEOUT", {})
      late.destroy()
    })
  }

  #rearm(socket: Socket, ms: number): void {
    const known = this.#peers.get(socket)
    if (known === undefined) return
    known.deadline.clear()
    known.deadline = this.#expire(socket, ms)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request
    const known = this.#peers.get(socket)
    if (known === undefined) {
      socket.destroy()
      return
    }
    this.#rearm(socket, bodyMs)
    let body: HttpBody | undefined
    try {
      const adapter = route(request, response)
      const grant = this.#world.grant(known.peer.id)
      if (grant === undefined) throw new PosternError("NOT_GRANTED")
      if (!grant.adapters.has(adapter.name))
        throw new PosternError("ADAPTER_NOT_GRANTED", adapter.name)
      const busy = this.#world.busy()
      if (busy !== undefined) throw new PosternError(busy)
      body = await readBody(request, this.#world.pool)
      known.deadline.clear() // From here on the port's own disk decides how long it takes.
      const regions = this.#frame(adapter, body.bytes, request, grant)
      const result = await new BodyPlacement(this.#world, known.peer, adapter.name, regions).run()
      this.#sendResult(response, result)
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#world.refused(
        known.peer,
        error.code,
        error.detail === undefined ? {} : { detail: error.detail },
      )
      sendProblem(response, error)
      // A body that was not read to its end would be taken for the next request.
      if (!request.complete) response.once("finish", () => socket.destroySoon())
    } finally {
      body?.release()
      this.#rearm(socket, idleMs)
    }
  }

  /** Runs the adapter over the whole body at once: the core's memory is free for others as soon as this returns. */
  #frame(
    adapter: Adapter,
    bytes: Buffer,
    request: IncomingMessage,
    grant: WriterGrant,
  ): BodyRegion[] {
    const { core, body, events, eventsBytes, rowsMax, spans, spansMax } = this.#world.memory
    core.memory.set(bytes, body)
    const run = adapter.open({
      core,
      at: body,
      end: body + bytes.length,
      contentType: request.headers["content-type"] ?? "application/json",
      spans,
      spansMax,
      source: defaultSource(grant),
      now: this.#world.now().toISOString(),
      id: () => this.#world.eventId(),
    })
    const regions: BodyRegion[] = []
    let total = 0
    for (;;) {
      const next = run.next(events, events + eventsBytes, rowsMax)
      if (next === undefined) return regions
      const { count, end, changed, tooLarge } = next
      total += count
      if (total > limits.httpBodyEventsMax)
        throw new PosternError("HTTP_BODY_TOO_LARGE", "too many events")
      regions.push({ region: core.memory.slice(events, end), count, changed, tooLarge })
    }
  }

  #sendResult(response: ServerResponse, result: BodyResult): void {
    const [first] = result.refused
    if (first !== undefined && result.accepted === 0 && result.duplicates.length === 0) {
      return sendProblem(response, new PosternError(first.code as ErrorCode), {
        refused: result.refused,
      })
    }
    send(response, 200, "application/json", { ...result, certificate: this.#world.certificate })
  }
}

function route(request: IncomingMessage, response: ServerResponse): Adapter {
  const path = (request.url ?? "").split("?", 1)[0] ?? ""
  const adapter = routes.get(path)
  if (adapter === undefined) throw new PosternError("HTTP_ROUTE", path.slice(0, 80))
  if (request.method !== "POST") {
    response.setHeader("allow", "POST")
    throw new PosternError("HTTP_METHOD", String(request.method))
  }
  return adapter
}

/** What a sender means that names no source: the first one of its grant; a prefix is completed by the writer's name. */
function defaultSource(grant: WriterGrant): string {
  const first = grant.sources.texts[0] ?? "*"
  if (!first.endsWith("*")) return first
  const prefix = first === "*" ? "app://" : first.slice(0, -1)
  return `${prefix}${grant.id.split("/").at(-1) ?? ""}`
}

/** RFC 9457, as on the read port. */
function sendProblem(response: ServerResponse, error: PosternError, more: object = {}): void {
  const { code, status, hint, detail } = error
  if (error.kind === "busy") response.setHeader("retry-after", String(retryAfterSeconds))
  const title = errorRegistry[code].message
  const problem = { type: "about:blank", title, status, code, hint, detail, ...more }
  send(response, status, "application/problem+json", problem)
}

function send(response: ServerResponse, status: number, type: string, body: unknown): void {
  if (response.headersSent || response.destroyed) return
  const text = JSON.stringify(body)
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text) })
  response.end(text)
}
