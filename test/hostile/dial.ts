import { connect as connectTcp, type Socket } from "node:net"
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls"
import { dialHttp } from "../support/http-client.ts"
import { within } from "../support/waiting.ts"
import type { Ground } from "./row.ts"

const answerMsMax = 15_000

/** A raw connection that has said `bytes`; what the port does with it: `closed`, since it never has a word for it. */
export async function sayPlain(
  { call }: Pick<Ground, "call">,
  bytes: string | Uint8Array,
  ms = answerMsMax,
): Promise<string> {
  const socket = connectTcp(call)
  if (bytes.length > 0) socket.write(bytes)
  return await plainEnd(socket, ms)
}

function plainEnd(socket: Socket, ms: number): Promise<string> {
  const end = new Promise<string>((resolve) => {
    let first: number | undefined
    socket.on("data", (chunk: Buffer) => {
      first ??= chunk[0]
    })
    socket.on("error", () => undefined) // Its close follows and is what counts.
    // A TLS alert (content type 21) is no word about us.
    const isWordless = (): boolean => first === undefined || first === 21
    socket.once("close", () => resolve(isWordless() ? "closed" : `said ${first}`))
  })
  return within(end, ms, "the end of the connection").finally(() => socket.destroy())
}

/** A TLS connection with options of the row's own; whoever is refused in the handshake sees it end. */
export function dialTls(ground: Ground, options: ConnectionOptions): TLSSocket {
  const socket = connect({ ...ground.call, ca: ground.ca, ...options })
  socket.on("error", () => undefined) // Its close follows and is what counts.
  return socket
}

/** One answer to bytes that are meant as HTTP: `400 CODE`, `200 accepted N`, or `closed`. */
export async function sayHttp(
  ground: Ground,
  bytes: string | Uint8Array,
  options: { end?: boolean; ms?: number } = {},
): Promise<string> {
  const socket = await dialHttp(ground.call, ground.ca, ground.writer)
  socket.write(bytes)
  if (options.end) socket.end()
  return await httpAnswer(socket, options.ms)
}

export function httpAnswer(socket: TLSSocket, ms = answerMsMax): Promise<string> {
  const answer = new Promise<string>((resolve) => {
    let text = ""
    socket.setEncoding("latin1")
    socket.on("data", (chunk: string) => {
      text += chunk
      const known = describeAnswer(text)
      if (known !== undefined) resolve(known)
    })
    socket.once("close", () => resolve(text === "" ? "closed" : `half an answer: ${text}`))
  })
  return within(answer, ms, "the answer").finally(() => socket.destroy())
}

/** The status alone of the answer to a request that goes out in these pieces: not every sender is answered in JSON. */
export async function statusOf(
  ground: Ground,
  pieces: readonly (string | Uint8Array)[],
): Promise<string> {
  const socket = await dialHttp(ground.call, ground.ca, ground.writer)
  socket.setNoDelay(true)
  const answer = new Promise<string>((resolve) => {
    let text = ""
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1")
      const status = /^HTTP\/1\.1 (\d+) .*?\r\n\r\n/s.exec(text)?.[1]
      if (status !== undefined) resolve(status)
    })
    socket.once("close", () => resolve("closed"))
  })
  for (const piece of pieces) socket.write(piece)
  return await within(answer, answerMsMax, "the answer").finally(() => socket.destroy())
}

/** The answer to a request after which others may follow. */
export function nextAnswer(socket: TLSSocket): Promise<string> {
  return within(
    new Promise<string>((resolve) => {
      let text = ""
      const gather = (chunk: Buffer): void => {
        text += chunk.toString("latin1")
        const known = describeAnswer(text)
        if (known === undefined) return
        socket.off("data", gather)
        resolve(known)
      }
      socket.on("data", gather)
    }),
    answerMsMax,
    "the answer",
  )
}

/** Undefined until it is whole. */
function describeAnswer(received: string): string | undefined {
  const text = received.replace(/^HTTP\/1\.1 100 .*?\r\n\r\n/s, "")
  const head = /^HTTP\/1\.1 (\d+) .*?\r\n\r\n/s.exec(text)
  if (head === null) return undefined
  const length = Number(/content-length: (\d+)/i.exec(head[0])?.[1] ?? 0)
  const body = text.slice(head[0].length)
  if (body.length < length) return undefined
  const said = JSON.parse(body.slice(0, length) || "{}") as Record<string, unknown>
  if (said.code !== undefined) return `${head[1]} ${said.code}`
  const refused = (said.refused ?? []) as { code: string }[]
  const codes = refused.map(({ code }) => ` ${code}`).join("")
  return `${head[1]} accepted ${said.accepted}${codes}`
}
