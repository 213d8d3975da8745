import { once } from "node:events"
import { createServer, type RequestListener, type Server } from "node:http"
import type { AddressInfo } from "node:net"

/** What a receiver was sent. */
export interface Received {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export type Answer = (...args: Parameters<RequestListener>) => void

/** A webhook of this machine: keeps what it is sent, and answers as it is told to. */
export async function openReceiver(
  answer: Answer = (_, response) => response.writeHead(204).end(),
) {
  const received: Received[] = []
  const waiting: (() => void)[] = []
  const server: Server = createServer(async (request, response) => {
    let body = ""
    for await (const chunk of request) body += String(chunk)
    received.push({ headers: request.headers, body })
    for (const wake of waiting.splice(0)) wake()
    answer(request, response)
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    /** Resolves when so many have come in all. */
    async count(number: number): Promise<void> {
      while (received.length < number) await new Promise<void>((wake) => void waiting.push(wake))
    },
    messages: () => received.map(({ body }) => JSON.parse(body) as Record<string, unknown>),
    close(): void {
      server.closeAllConnections()
      server.close()
    },
  }
}
