import type { TLSSocket } from "node:tls"
import { type ErrorCode, errorRegistry } from "@postern/log/base"
import type { FramedClient } from "../support/framed-client.ts"
import type { Grant, Identity, Installation } from "../support/installation.ts"
import type { Place } from "../support/port-process.ts"
import { within } from "../support/waiting.ts"

/** The port's write address, to be called from a loopback address of the row's own where there are many. */
export interface Call extends Place {
  readonly localAddress?: string
}

/** What a row acts with. Writer and address are the row's own, so that its entries can be told from all others. */
export interface Ground {
  readonly installation: Installation
  readonly call: Call
  readonly ca: string
  readonly writer: Identity
  /** A stream that another writer has open all the time. */
  readonly foreignStream: string
}

/** One hostile input. */
export interface Row {
  readonly name: string
  /** The grant of the row's writer, where the usual one will not do. */
  readonly grant?: Grant
  /** Sends it, and says in a few words what the port made of it. */
  act(ground: Ground): Promise<string>
  /** What it must say. */
  readonly expects: string
  /** Codes of the `postern.refused` entries that the row's writer or address leaves, and no others. */
  readonly leaves: readonly ErrorCode[]
  /** A deadline must pass: runs beside the others; `long` only in the long form. */
  readonly slow?: "short" | "long"
}

export function goaway(code: ErrorCode): string {
  return `GOAWAY ${code}`
}

export function problem(code: ErrorCode): string {
  return `${errorRegistry[code].status} ${code}`
}

const answerMsMax = 10_000

/** How a connection ends to which no answer is given: `closed`, or what came all the same. */
export function wordlessEnd(socket: TLSSocket, ms = answerMsMax): Promise<string> {
  const end = new Promise<string>((resolve) => {
    let bytes = 0
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length
    })
    socket.once("close", () => resolve(bytes === 0 ? "closed" : `${bytes} bytes, closed`))
  })
  return within(end, ms, "the end of the connection")
}

/** The port's last word to a framed client. */
export async function lastWord(client: FramedClient, ms = answerMsMax): Promise<string> {
  try {
    const { code, expected } = await client.goaway(ms)
    await client.ended()
    return expected === undefined ? `GOAWAY ${code}` : `GOAWAY ${code} ${expected}`
  } finally {
    client.destroy()
  }
}
