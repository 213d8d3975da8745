import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { TLSSocket } from "node:tls"
import { type ErrorCode, isPosternError, limits, PosternError } from "@postern/log/base"
import type { KeptOut } from "@postern/log/event"
import type { AuditQuestion } from "@postern/log/wire"
import type { Deadlines, Peer } from "../../acceptor/index.ts"
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
import { certificatePath, certificateType, checkCertificateRequest } from "./certificate-request.ts"
import { checkHead, readBody } from "./http-body.ts"
import { bodyMs, HttpConnection, send, sendProblem } from "./http-connection.ts"
import { type HttpQuestion, readQuestion } from "./http-question.ts"

export interface HttpDoorWorld extends PlacementWorld {
  readonly memory: PortMemory
  readonly pool: CreditPool
  readonly deadlines: Deadlines
  readonly certificate: string
  grant(id: string): WriterGrant | undefined
  refused(peer: SessionPeer, code: ErrorCode, detail: { detail?: string }): void
  now(): Date
  eventId(): string
  /** Takes a value out of an item of a writer; stores nothing. */
  disclose(writer: string, item: Uint8Array, name: string, value: Uint8Array): KeptOut
  sessionName(): string
  /** Waits until a checkpoint covers these entries (ascending, distinct); undefined if none does in time. */
  published(
    indexes: readonly number[],
    withinMs: number,
  ): Promise<{ readonly checkpoint: string; readonly path: readonly string[] } | undefined>
  /** Shows the log to a writer that looks after it, as a CHECKPOINT frame says it; undefined if its turn does not come in time. */
  audit(peer: SessionPeer, question: AuditQuestion): Promise<object | undefined>
  /** A new certificate (PEM) for this request (PKCS#10, DER). Errors: those of a renewal (docs/spec/wire.md). */
  renew(peer: SessionPeer, request: Uint8Array): Promise<string>
  /** Why nothing can be taken at all, now. */
  busy(): ErrorCode | undefined
  /** For a header, from its first byte, or from the connection's beginning. Default 10,000. */
  readonly headerMs?: number
}

const headerMsDefault = 10_000

/** How long `Postern-Wait: published` waits for a checkpoint. */
const publishedMs = 10_000

const routes = new Map<string, Adapter>([
  ["/v1/events", httpAdapter],
  ["/v1/kubernetes/audit", kubernetesAdapter],
])
/**
 * HTTP/1.1 on the write port: the same intake for everybody with curl. Nothing can be read.
 */
export class HttpDoor {
  readonly #world: HttpDoorWorld
  readonly #server: Server
  readonly #connections = new WeakMap<Socket, HttpConnection>()

  constructor(world: HttpDoorWorld) {
    this.#world = world
    // Node's own answers would be no problems and would not be counted: a missing Host is refused here.
    const { headerMs = headerMsDefault } = world
    const options = {
      ...{ maxHeaderSize: 16_384, noDelay: true, requireHostHeader: false },
      // Of every request on a connection, also of those that follow each other without a pause.
      ...{ headersTimeout: headerMs, requestTimeout: headerMs + bodyMs },
      connectionsCheckingInterval: headerMs / 10,
    }
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      // What is not a PosternError is a mistake of ours; unhandled, it ends the process.
      void this.#answer(request, response, false)
    }
    this.#server = createServer(options, answer)
    // It watches requests once it listens, and it never does: its sockets are handed to it.
    this.#server.emit("listening")
    this.#server.on("checkExpectation", answer) // One that nobody knows is passed over.
    this.#server.maxHeadersCount = 100
    this.#server.keepAliveTimeout = 0 // The idle deadline is kept by the connection.
    this.#server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
      void this.#answer(request, response, true)
    })
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
      // The parser's errors are the peer's; any other is the end of the socket.
      const { code = "" } = error
      const isLate = code === "ERR_HTTP_REQUEST_TIMEOUT"
      const isPeers = isLate || code.startsWith("HPE_")
      const connection = isPeers ? this.#connections.get(socket) : undefined
      if (connection === undefined) socket.destroy()
      else if (isLate) connection.fail(new PosternError("HTTP_TIMEOUT"))
      // It was held up because answers wait for their reader, and requests came on all the same.
      else if (code === "HPE_PAUSED") connection.fail(new PosternError("ANSWERS_UNREAD"))
      else if (code === "HPE_INVALID_EOF_STATE")
        connection.fail(new PosternError("HTTP_TIMEOUT", "it ended early"))
      else connection.fail(new PosternError("HTTP_BODY_SYNTAX", `not HTTP/1.1: ${code}`))
    })
  }

  serve(socket: TLSSocket, peer: Peer): void {
    const { id, certificate, shown, from } = peer
    const session = this.#world.sessionName()
    const { deadlines } = this.#world
    const refused = (who: SessionPeer, error: PosternError): void => this.#refused(who, error)
    const connection = new HttpConnection(
      socket,
      { id, certificate, shown, from, session },
      { deadlines, refused },
    )
    this.#connections.set(socket, connection)
    this.#server.emit("connection", socket)
  }

  #refused(peer: SessionPeer, { code, detail }: PosternError): void {
    if (code === "SHUTTING_DOWN") return // Draining refuses nobody.
    this.#world.refused(peer, code, detail === undefined ? {} : { detail })
  }

  /** @param asked the peer waits for a 100 before it sends its body */
  async #answer(request: IncomingMessage, response: ServerResponse, asked: boolean): Promise<void> {
    const connection = this.#connections.get(request.socket)
    if (connection === undefined) {
      request.socket.destroy()
      return
    }
    connection.reading()
    let received: ReceivedBody | undefined
    try {
      if (pathOf(request) === certificatePath) {
        return await this.#renew(request, response, connection, asked)
      }
      const { adapter, grant } = this.#admit(connection.peer, request, response)
      const question = readQuestion(request.headers)
      if (asked) response.writeContinue()
      received = await this.#receive(request, connection, adapter, grant)
      const { peer } = connection
      const { regions } = received
      const result = await new BodyPlacement(this.#world, peer, adapter.name, regions).run()
      received.release()
      received = undefined
      await this.#sendResult(response, result, { ...question, peer })
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#refused(connection.peer, error)
      // Nobody knows whether a peer that was told no before its body sends it all the same.
      const isLast = connection.isOver || (asked && !request.complete)
      if (isLast) response.setHeader("connection", "close")
      sendProblem(response, error)
    } finally {
      received?.release()
      connection.answered(request, response)
    }
  }

  async #renew(
    request: IncomingMessage,
    response: ServerResponse,
    connection: HttpConnection,
    asked: boolean,
  ): Promise<void> {
    demandPost(request, response)
    const { peer } = connection
    if (this.#world.grant(peer.id) === undefined) throw new PosternError("NOT_GRANTED")
    checkCertificateRequest(request)
    if (asked) response.writeContinue()
    const { bytes, release } = await readBody(request, this.#world.pool.of(peer.id), connection)
    try {
      connection.working()
      send(response, 200, certificateType, await this.#world.renew(peer, bytes))
    } finally {
      release()
    }
  }

  /** Everything that can be said to a request before its body. */
  #admit(
    peer: SessionPeer,
    request: IncomingMessage,
    response: ServerResponse,
  ): { adapter: Adapter; grant: WriterGrant } {
    const adapter = route(request, response)
    const grant = this.#world.grant(peer.id)
    if (grant === undefined) throw new PosternError("NOT_GRANTED")
    if (!grant.adapters.has(adapter.name)) {
      throw new PosternError("ADAPTER_NOT_GRANTED", adapter.name)
    }
    const busy = this.#world.busy()
    if (busy !== undefined) throw new PosternError(busy)
    checkHead(request)
    return { adapter, grant }
  }

  /** The body as events. Its own bytes are let go: what was made of them takes as many, and the credit stands for that. */
  async #receive(
    request: IncomingMessage,
    connection: HttpConnection,
    adapter: Adapter,
    grant: WriterGrant,
  ): Promise<ReceivedBody> {
    const share = this.#world.pool.of(connection.peer.id)
    const { bytes, release } = await readBody(request, share, connection)
    try {
      connection.working()
      return { regions: this.#frame(adapter, bytes, request, grant), release }
    } catch (error) {
      release()
      throw error
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
      itemBytesMax: grant.eventBytesMax,
      keepOut: (item, name, value) => this.#world.disclose(grant.id, item, name, value),
      id: () => this.#world.eventId(),
    })
    const regions: BodyRegion[] = []
    let total = 0
    for (;;) {
      const next = run.next(events, events + eventsBytes, rowsMax)
      if (next === undefined) return regions
      const { count, end, ...more } = next
      total += count
      if (total > limits.httpBodyEventsMax)
        throw new PosternError("HTTP_BODY_TOO_LARGE", "too many events")
      regions.push({ region: core.memory.slice(events, end), count, ...more })
    }
  }

  async #sendResult(
    response: ServerResponse,
    result: BodyResult,
    { wait, audit, peer }: HttpQuestion & { readonly peer: SessionPeer },
  ): Promise<void> {
    const [first] = result.refused
    if (first !== undefined && result.accepted === 0 && result.duplicates.length === 0) {
      return sendProblem(response, new PosternError(first.code as ErrorCode), {
        refused: result.refused,
      })
    }
    const { certificate } = this.#world
    const { status, ...reached } = await this.#reach(result, wait)
    const shown = audit && (await this.#world.audit(peer, audit))
    const answer = { ...result, certificate, ...reached, ...(shown && { audit: shown }) }
    send(response, status, "application/json", JSON.stringify(answer))
  }

  /** How far the entries have come, where that was asked for. */
  async #reach(result: BodyResult, wait: HttpQuestion["wait"]) {
    if (wait === undefined) return { status: 200 }
    const indexes = indexesOf(result)
    if (wait === "durable" || indexes.length === 0) return { status: 200, level: "durable" }
    const published = await this.#world.published(indexes, publishedMs)
    if (published === undefined) return { status: 202, level: "durable" }
    return { status: 200, level: "published", published }
  }
}

interface ReceivedBody {
  readonly regions: readonly BodyRegion[]
  /** Gives back the credit that the body holds. */
  release(): void
}

/** Of the entries that hold the body's events, ascending. */
function indexesOf({ entries, duplicates }: BodyResult): number[] {
  const indexes = new Set(duplicates.map(({ index }) => index))
  for (const { index, count } of entries) {
    for (let at = index; at < index + count; at++) indexes.add(at)
  }
  return [...indexes].sort((a, b) => a - b)
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?", 1)[0] ?? ""
}

function route(request: IncomingMessage, response: ServerResponse): Adapter {
  const path = pathOf(request)
  const adapter = routes.get(path)
  demandHost(request)
  if (adapter === undefined) throw new PosternError("HTTP_ROUTE", path.slice(0, 80))
  demandPost(request, response)
  return adapter
}

function demandHost(request: IncomingMessage): void {
  if (request.headers.host !== undefined || request.httpVersion !== "1.1") return
  throw new PosternError("HTTP_BODY_SYNTAX", "no Host")
}

function demandPost(request: IncomingMessage, response: ServerResponse): void {
  demandHost(request)
  if (request.method === "POST") return
  response.setHeader("allow", "POST")
  throw new PosternError("HTTP_METHOD", String(request.method))
}

/** What a sender means that names no source: the first one of its grant; a prefix is completed by the writer's name. */
function defaultSource(grant: WriterGrant): string {
  const first = grant.sources.texts[0] ?? "*"
  if (!first.endsWith("*")) return first
  const prefix = first === "*" ? "app://" : first.slice(0, -1)
  return `${prefix}${grant.id.split("/").at(-1) ?? ""}`
}
