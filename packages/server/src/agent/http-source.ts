import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { createServer as createTlsServer } from "node:https"
import { errorRegistry, isPosternError, PosternError } from "@postern/log/base"
import { type HostPort, readSecretFile, readTextFile } from "../config/index.ts"
import { Decoding } from "./decoding.ts"
import { bodyRecords, httpPaths, readBody } from "./http-body.ts"
import type { Outgoing } from "./pressure/index.ts"
import type { Source, SourceWord } from "./source.ts"
import { openServer, placeText } from "./stream-source.ts"
import { type RoomyWayOut, WholePuts } from "./whole-puts.ts"

const retrySeconds = 5
const connectionsMax = 256
const noticeMs = 1_000

export interface HttpPlace {
  readonly address: HostPort
  readonly tls: { readonly certificate: string; readonly key: string } | undefined
}

/**
 * The bodies that the port takes over HTTP, from this machine. 200 means that all of it is on stable storage here, but for `lost`: events that can never
 * be taken; 503 that the sender is to come again, and that nothing was taken unless it says how much.
 */
export class HttpSource implements Source {
  readonly over = new Promise<void>(() => undefined)
  readonly #place: HttpPlace
  readonly #outbound: RoomyWayOut
  readonly #puts: WholePuts
  readonly #server: Server
  #timer: NodeJS.Timeout | undefined

  /** Errors: CONFIG_INVALID if the certificate or the key cannot be read. */
  constructor(place: HttpPlace, outbound: RoomyWayOut) {
    this.#place = place
    this.#outbound = outbound
    this.#puts = new WholePuts(outbound)
    const bounds = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 300_000 }
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      this.#answer(request, response).catch((error) => refuse(response, problemOf(error)))
    }
    const { tls } = place
    this.#server =
      tls === undefined
        ? createServer(bounds, answer)
        : createTlsServer(
            {
              ...bounds,
              cert: readTextFile(tls.certificate),
              key: readSecretFile(tls.key),
              minVersion: "TLSv1.3",
            },
            answer,
          )
    this.#server.maxConnections = connectionsMax
  }

  async start(): Promise<void> {
    await openServer(this.#server, { address: this.#place.address })
    this.#timer = setInterval(() => this.#outbound.put(this.#outbound.notices()), noticeMs)
  }

  word(): SourceWord {
    const scheme = this.#place.tls === undefined ? "http" : "https"
    return {
      state: this.#puts.isFull || this.#outbound.isFull ? "full" : "reading",
      places: [`${scheme}://${placeText(this.#server, { address: this.#place.address })}`],
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    await closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = httpPaths.get(request.url ?? "")
    if (path === undefined)
      throw new PosternError("HTTP_ROUTE", "POST /v1/events and /v1/kubernetes/audit")
    if (request.method !== "POST") throw new PosternError("HTTP_METHOD", `${request.method}`)
    // A page in a browser can send requests here, but not without this header, and not of these types.
    if (request.headers.origin !== undefined) throw new PosternError("HTTP_CONTENT_TYPE", "Origin")
    const body = await readBody(request)
    const records = bodyRecords(path, request.headers["content-type"] ?? "", body)
    const items: Outgoing[] = []
    const decoding = new Decoding(this.#outbound.source, path.format, (event) => items.push(event))
    for (const record of records) decoding.take(record)
    const { lost, stored } = await this.#puts.put(items)
    await stored()
    const text = JSON.stringify({ spooled: items.length - lost, ...(lost > 0 && { lost }) })
    response.writeHead(200, { "content-type": "application/json" }).end(text)
  }
}

function problemOf(error: unknown): PosternError {
  if (isPosternError(error)) return error
  return new PosternError("HTTP_BODY_SYNTAX", String(error), { cause: error })
}

/** An RFC 9457 problem. */
function refuse(response: ServerResponse, { code, message, hint }: PosternError): void {
  const { status } = errorRegistry[code]
  if (response.headersSent) return void response.destroy()
  if (status === 503) response.setHeader("retry-after", String(retrySeconds))
  if (status === 405) response.setHeader("allow", "POST")
  const text = JSON.stringify({ status, code, title: message, hint })
  response.writeHead(status, { "content-type": "application/problem+json" }).end(text)
}
