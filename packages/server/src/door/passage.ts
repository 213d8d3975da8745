import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http"
import { request } from "node:https"
import { pipeline } from "node:stream"
import type { Connections } from "./upstream.ts"

/** All that a question takes along: no cookie of the browser, nothing about its connection. */
const asked = [
  "accept",
  "accept-encoding",
  "content-length",
  "content-type",
  "if-none-match",
  "last-event-id",
] as const

/** All that an answer brings back: nothing about the connection, no cookie, nothing that opens it to other origins. */
const answered = [
  "allow",
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-length",
  "content-security-policy",
  "content-type",
  "cross-origin-opener-policy",
  "cross-origin-resource-policy",
  "etag",
  "referrer-policy",
  "retry-after",
  "server-timing",
  "vary",
  "x-content-type-options",
] as const

/** The read port answers a question, or begins to, within this. */
const answerMs = 60_000
const bodyBytesMax = 4096

/**
 * Passes a question on, and the answer back as it comes: what the browser does not take is not read from the read port, and
 * a hang-up of either side ends the other's.
 * @param fail called if no answer was begun
 */
export function passOn(
  question: IncomingMessage,
  response: ServerResponse,
  connections: Connections,
  fail: (cause: unknown) => void,
): void {
  let upstream: ClientRequest | undefined
  response.once("close", () => upstream?.destroy())

  function send(mayRepeat: boolean): void {
    const { agent, host, port } = connections.current()
    const headers = pick(question.headers, asked)
    const options = { agent, host, port, method: question.method, path: question.url, headers }
    const sent = request(options)
    upstream = sent
    sent.setTimeout(answerMs, () => sent.destroy(new Error(`no answer in ${answerMs / 1000} s`)))
    sent.once("response", (answer) => {
      sent.setTimeout(0)
      giveBack(answer, response)
    })
    sent.on("error", (error: NodeJS.ErrnoException) => {
      if (response.closed) return
      if (response.headersSent) response.destroy()
      // The read port had closed a connection that we kept: nothing was asked on it.
      else if (mayRepeat && sent.reusedSocket) {
        connections.dropIdle()
        send(false)
      } else fail(error)
    })
    if (question.method === "GET") sent.end()
    else sendBody(question, sent)
  }

  send(question.method === "GET")
}

/** What is posted is short and whole; anything longer ends the question. */
function sendBody(question: IncomingMessage, sent: ClientRequest): void {
  let bytes = 0
  question.on("data", (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > bodyBytesMax) sent.destroy(new Error(`the body is longer than ${bodyBytesMax}`))
    else sent.write(chunk)
  })
  question.once("end", () => sent.end())
}

function giveBack(answer: IncomingMessage, response: ServerResponse): void {
  response.writeHead(answer.statusCode ?? 502, pick(answer.headers, answered))
  // A tail says nothing at first: its beginning is not held back for more.
  response.flushHeaders()
  // Either side that breaks off ends the other; whoever reads sees an answer that was cut.
  pipeline(answer, response, () => undefined)
}

function pick(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  names: readonly string[],
): OutgoingHttpHeaders {
  const picked: OutgoingHttpHeaders = {}
  for (const name of names) {
    const value = headers[name]
    if (value !== undefined) picked[name] = typeof value === "string" ? value : [...value]
  }
  return picked
}
