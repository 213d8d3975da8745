import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { createServer as createTlsServer } from "node:https"
import { decodeUtf8, PosternError } from "@postern/log/base"
import { witnessBodyBytesMax } from "@postern/log/tlog"
import { formatHostPort, type HostPort } from "../config/index.ts"
import type { HttpAnswer, Witness } from "./witness.ts"

export interface ListenOptions {
  /** One address by name or number; a wildcard is refused. Port 0 = any free one. */
  readonly address: HostPort
  /** PEM; without it the witness speaks plain HTTP, which its protocol allows. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  /** Something failed that is not the sender's fault; the request was answered with 500. */
  failed(error: unknown): void
}

export interface WitnessListener {
  readonly url: string
  close(): Promise<void>
}

const connectionsMax = 256
const requestTimeoutMs = 10_000

/**
 * Serves `POST /add-checkpoint` and `GET /<hex SHA-256 of the origin>/checkpoint`. Whoever asks is
 * a stranger: bodies, times and connections are bounded.
 * @throws PosternError BIND_REFUSED · ADDRESS_IN_USE · CONFIG_INVALID
 */
export async function listenWitness(
  witness: Witness,
  options: ListenOptions,
): Promise<WitnessListener> {
  const { address, tls, failed } = options
  if (["0.0.0.0", "::"].includes(address.host)) {
    throw new PosternError("BIND_REFUSED", formatHostPort(address))
  }
  const server = openServer(tls, (request, response) => {
    route(witness, request)
      .catch((error): HttpAnswer => {
        failed(error)
        return plain(500, "the witness could not answer")
      })
      .then((answer) => respond(request, response, answer))
      .catch(() => response.destroy()) // The sender went away.
  })
  server.maxConnections = connectionsMax
  const port = await bind(server, address)
  const url = `${tls === undefined ? "http" : "https"}://${formatHostPort({ ...address, port })}`
  return {
    url,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      await closed
    },
  }
}

function openServer(
  tls: ListenOptions["tls"],
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const bounds = {
    maxHeaderSize: 8192,
    headersTimeout: 5000,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: 1000,
    keepAliveTimeout: 65_000,
  }
  if (tls === undefined) return createServer(bounds, listener)
  const { certificate, key } = tls
  try {
    return createTlsServer({ ...bounds, cert: certificate, key, minVersion: "TLSv1.2" }, listener)
  } catch (cause) {
    throw new PosternError("CONFIG_INVALID", "certificate and key do not fit", { cause })
  }
}

function bind(server: Server, address: HostPort): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const text = formatHostPort(address)
      const code = cause.code === "EADDRINUSE" ? "ADDRESS_IN_USE" : "CONFIG_INVALID"
      reject(new PosternError(code, text, { cause }))
    })
    server.listen(address.port, address.host, () => {
      const bound = server.address()
      resolve(typeof bound === "object" && bound !== null ? bound.port : address.port)
    })
  })
}

async function route(witness: Witness, request: IncomingMessage): Promise<HttpAnswer> {
  const path = (request.url ?? "").split("?", 1)[0] ?? ""
  if (path === "/add-checkpoint") {
    if (request.method !== "POST") return plain(405, "POST only")
    const body = await readBody(request)
    if (body === undefined) return plain(400, `not UTF-8 of at most ${witnessBodyBytesMax} bytes`)
    return await witness.addCheckpoint(body)
  }
  const hash = /^\/([0-9a-f]{64})\/checkpoint$/.exec(path)?.[1]
  if (hash === undefined) return plain(404, "add-checkpoint and <origin hash>/checkpoint are here")
  if (request.method !== "GET" && request.method !== "HEAD") return plain(405, "GET only")
  const note = await witness.checkpoint(hash)
  if (note === undefined) return plain(404, "no checkpoint of that log was cosigned")
  return { status: 200, body: note, contentType: "text/plain; charset=utf-8" }
}

/** Undefined if it is too long or not UTF-8. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > witnessBodyBytesMax) return undefined
    chunks.push(chunk)
  }
  return decodeUtf8(Buffer.concat(chunks))
}

function respond(request: IncomingMessage, response: ServerResponse, answer: HttpAnswer): void {
  // A body that was not read to its end would be taken for the next request.
  if (!request.complete) response.setHeader("connection", "close")
  response.writeHead(answer.status, {
    "content-type": answer.contentType,
    "cache-control": "no-store",
  })
  response.end(request.method === "HEAD" ? undefined : answer.body)
}

function plain(status: number, text: string): HttpAnswer {
  return { status, body: `${text}\n`, contentType: "text/plain; charset=utf-8" }
}
