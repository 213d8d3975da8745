import { request } from "node:https"
import { connect, type TLSSocket } from "node:tls"
import type { Identity } from "./installation.ts"
import type { Place } from "./port-process.ts"
import { within } from "./waiting.ts"

const answerMsMax = 25_000

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The text as JSON, if it says that it is. */
  readonly json: Record<string, unknown> & { code?: string }
}

export interface Asked {
  readonly method?: string
  readonly path?: string
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

/** One request on a connection of its own. */
export function ask(place: Place, ca: string, identity: Identity, asked: Asked): Promise<Answer> {
  const { certificate: cert, key } = identity
  const { method = "POST", path = "/v1/events", body, headers } = asked
  const options = { ...place, ca, cert, key, method, path, agent: false as const }
  const answer = new Promise<Answer>((resolve, reject) => {
    const sent = request({
      ...options,
      headers: { "content-type": "application/json", ...headers },
    })
    sent.once("response", (response) => {
      const chunks: Buffer[] = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.once("end", () => {
        const text = Buffer.concat(chunks).toString()
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: json(text),
        })
      })
      response.once("error", reject)
    })
    sent.once("error", reject)
    sent.end(body)
  })
  return within(answer, answerMsMax, "the answer")
}

function json(text: string): Answer["json"] {
  try {
    return JSON.parse(text)
  } catch {
    return {} // Not every answer is JSON; tests look at what they expect.
  }
}

/** A TLS connection that offers HTTP, for bytes that no client library would send. */
export async function dialHttp(place: Place, ca: string, identity: Identity): Promise<TLSSocket> {
  const { certificate: cert, key } = identity
  const socket = connect({ ...place, ca, cert, key, ALPNProtocols: ["http/1.1"] })
  socket.on("error", () => undefined) // Its close follows and is what counts.
  await within(
    new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", resolve)
      socket.once("close", () => reject(new Error("the connection was closed")))
    }),
    answerMsMax,
    "the handshake",
  )
  return socket
}

/** All that comes on a socket until its end. */
export function readToEnd(socket: TLSSocket, ms = answerMsMax): Promise<string> {
  const text = new Promise<string>((resolve) => {
    const chunks: Buffer[] = []
    socket.on("data", (chunk: Buffer) => chunks.push(chunk))
    socket.once("close", () => resolve(Buffer.concat(chunks).toString()))
    socket.once("end", () => socket.end())
  })
  return within(text, ms, "the end of the connection")
}
