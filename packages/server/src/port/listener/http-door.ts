import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { TLSSocket } from "node:tls"
import { type ErrorCode, isPosternError, PosternError } from "@postern/log/base"
import type { AuditQuestion } from "@postern/log/wire"
import type { Deadlines, Peer } from "../../acceptor/index.ts"
import type { WriterGrant } from "../../access/index.ts"
import type { Adapter } from "../adapters/index.ts"
import type { CreditPool, SessionPeer } from "../session/index.ts"
import {
  BodyPlacement,
  type BodyRegion,
  type BodyResult,
  type PlacementWorld,
} from "./body-placement.ts"
import { frameBody, type RegionsWorld } from "./body-regions.ts"
import { certificatePath, certificateType, checkCertificateRequest } from "./certificate-request.ts"
import { checkHead, readBody } from "./http-body.ts"
import { bodyMs, HttpConnection, type Manner, send, sendProblem } from "./http-connection.ts"
import { type HttpQuestion, readQuestion } from "./http-question.ts"
import { demandHost, demandPost, findAdapter, mannerOf, pathOf } from "./http-route.ts"

export interface HttpDoorWorld extends PlacementWorld, RegionsWorld {
  readonly pool: CreditPool
  readonly deadlines: Deadlines
  readonly certificate: string
  grant(id: string): WriterGrant | undefined
  refused(peer: SessionPeer, code: ErrorCode, detail: { detail?: string }): void
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
    const path = pathOf(request)
    const adapter = findAdapter(path)
    const manner = adapter && mannerOf(adapter, request)
    let received: ReceivedBody | undefined
    try {
      if (path === certificatePath) {
        return await this.#renew(request, response, connection, asked)
      }
      demandHost(request)
      if (adapter === undefined) throw new PosternError("HTTP_ROUTE", path.slice(0, 80))
      demandPost(request, response)
      const grant = this.#admit(connection.peer, request, adapter)
      const question = readQuestion(request.headers)
      if (asked) response.writeContinue()
      received = await this.#receive(request, connection, adapter, grant)
      const { peer } = connection
      const { regions } = received
      const result = await new BodyPlacement(this.#world, peer, adapter.name, regions).run()
      received.release()
      received = undefined
      await this.#sendResult(response, result, { ...question, peer, manner })
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#refused(connection.peer, error)
      // Nobody knows whether a peer that was told no before its body sends it all the same.
      const isLast = connection.isOver || (asked && !request.complete)
      if (isLast) response.setHeader("connection", "close")
      sendProblem(response, error, manner)
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
  #admit(peer: SessionPeer, request: IncomingMessage, adapter: Adapter): WriterGrant {
    const grant = this.#world.grant(peer.id)
    if (grant === undefined) throw new PosternError("NOT_GRANTED")
    if (!grant.adapters.has(adapter.name)) {
      throw new PosternError("ADAPTER_NOT_GRANTED", adapter.name)
    }
    const busy = this.#world.busy()
    if (busy !== undefined) throw new PosternError(busy)
    checkHead(request)
    return grant
  }

  /**
   * The body as events. Its own bytes are let go unless they become many times as many: what was made of them takes as many, and the
   * credit stands for that.
   */
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
      const regions = frameBody(this.#world, adapter, bytes, { request, grant })
      return { regions: adapter.isLong ? regions : new WaitingRegions([...regions]), release }
    } catch (error) {
      release()
      throw error
    }
  }

  async #sendResult(
    response: ServerResponse,
    result: BodyResult,
    asked: HttpQuestion & { readonly peer: SessionPeer; readonly manner: Manner | undefined },
  ): Promise<void> {
    const { wait, audit, peer, manner } = asked
    const { refused } = result
    const [first] = refused
    if (first !== undefined && result.accepted === 0 && result.duplicates.length === 0) {
      const error = new PosternError(first.code as ErrorCode)
      return sendProblem(response, error, manner, { refused })
    }
    const answers = manner?.answers
    if (answers !== undefined) return send(response, 200, answers.type, answers.taken(result))
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
  readonly regions: Iterable<BodyRegion, undefined>
  /** Gives back the credit that the body holds. */
  release(): void
}

/** Lets go of what it gave: a body's regions need not stay until it is answered. */
class WaitingRegions {
  readonly #regions: BodyRegion[]

  constructor(regions: BodyRegion[]) {
    this.#regions = regions
  }

  [Symbol.iterator](): Iterator<BodyRegion, undefined> {
    return this
  }

  next(): IteratorResult<BodyRegion, undefined> {
    const value = this.#regions.shift()
    return value === undefined ? { done: true, value } : { done: false, value }
  }
}

/** Of the entries that hold the body's events, ascending. */
function indexesOf({ entries, duplicates }: BodyResult): number[] {
  const indexes = new Set(duplicates.map(({ index }) => index))
  for (const { index, count } of entries) {
    for (let at = index; at < index + count; at++) indexes.add(at)
  }
  return [...indexes].sort((a, b) => a - b)
}
