import { once } from "node:events"
import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from "node:http"
import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import type { TLSSocket } from "node:tls"
import { PosternError } from "@postern/log/base"
import { createAuthority, issueCertificate } from "../guard/pki/index.ts"
import { openDoor, type UpstreamRoute } from "./index.ts"

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

export interface Heard {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingHttpHeaders
  /** Serial number of the certificate that the door showed. */
  readonly serial: string
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** A door before a TLS server that wants a client certificate, as the read port does, and answers as the test says. */
export async function openBuilding(handler: Handler) {
  const now = new Date()
  const authority = await createAuthority({ trustDomain: "postern.test", now })
  const issue = (name: string, usage: "client" | "server") =>
    issueCertificate({ authority, id: `spiffe://postern.test/${name}`, usage, now })
  const pair = await issue("server", "server")
  const heard: Heard[] = []
  const behaviour = { handler }
  const tls = { ca: authority.certificate, cert: pair.certificate, key: pair.key }
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: true })
  const sockets = new Set<TLSSocket>()
  server.on("secureConnection", (socket) => {
    sockets.add(socket)
    socket.once("close", () => sockets.delete(socket))
  })
  server.on("request", (asked, response) => {
    const { method, url, headers } = asked
    const serial = (asked.socket as TLSSocket).getPeerCertificate().serialNumber
    heard.push({ method, url, headers, serial })
    behaviour.handler(asked, response)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port: readPort } = server.address() as AddressInfo

  async function routeUnder(name: string): Promise<UpstreamRoute> {
    const { certificate: cert, key } = await issue(name, "client")
    const checkServerIdentity = () => undefined
    const ca = authority.certificate
    return { host: "127.0.0.1", port: readPort, tls: { ca, cert, key, checkServerIdentity } }
  }

  const state = { route: await routeUnder("reader/auditor"), now: 0 }
  const upstream = {
    route: () => state.route,
    explain: (cause: unknown) => new PosternError("UNREACHABLE", String(cause)),
  }
  const door = await openDoor({ port: 0, upstream, elapsedMs: () => state.now })

  async function close(): Promise<void> {
    await door.close()
    server.closeAllConnections()
    server.close()
  }

  return {
    door,
    heard,
    behaviour,
    state,
    sockets,
    routeUnder,
    close,
    host: `127.0.0.1:${door.port}`,
  }
}

export type Building = Awaited<ReturnType<typeof openBuilding>>

export interface Wish {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** One request as a browser, or somebody who plays one, sends it: with these headers and no others. */
export function begin(port: number, wish: Wish = {}): Promise<IncomingMessage> {
  const { method = "GET", path = "/", headers = {}, body } = wish
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, method, path, agent: false as const }
    const sent = request({ ...options, headers, setHost: headers.host === undefined }, resolve)
    sent.on("error", reject)
    sent.end(body)
  })
}

export async function ask(port: number, wish: Wish = {}): Promise<Answer> {
  const answer = await begin(port, wish)
  let text = ""
  for await (const chunk of answer as AsyncIterable<Buffer>) text += chunk.toString()
  return { status: answer.statusCode ?? 0, headers: answer.headers, text }
}

/** As the door's own script does it. */
export function exchange(port: number, token: string, headers: Record<string, string> = {}) {
  const body = JSON.stringify({ once: token })
  const origin = `http://127.0.0.1:${port}`
  const own = { origin, "sec-fetch-site": "same-origin", "content-type": "application/json" }
  return ask(port, { method: "POST", path: "/once", headers: { ...own, ...headers }, body })
}

export function tokenOf(link: string): string {
  return link.slice(link.indexOf("#once=") + "#once=".length)
}

/** The cookie of a browser that opened a link. */
export async function enter({ door }: Building): Promise<string> {
  const answer = await exchange(door.port, tokenOf(door.link()))
  return answer.headers["set-cookie"]?.[0]?.split(";")[0] ?? ""
}
