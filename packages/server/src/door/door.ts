import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { PosternError } from "@postern/log/base"
import { judge } from "./gate.ts"
import { sendEntrance, sendFailurePage, sendProblem, sendScript } from "./pages.ts"
import { passOn } from "./passage.ts"
import { openPasses, type Passes } from "./passes.ts"
import { type Connections, openConnections, type Upstream } from "./upstream.ts"

export interface DoorOptions {
  /** On 127.0.0.1; 0 takes a free one. */
  readonly port: number
  readonly upstream: Upstream
  /** Milliseconds of a clock that never goes back. */
  elapsedMs(): number
}

export interface Door {
  readonly port: number
  /** A link that works once, within two minutes; the one before, if nobody used it, is void. */
  link(): string
  /** Cuts whatever is under way. */
  close(): Promise<void>
}

const connectionsMax = 128
const headerMs = 10_000
const bodyBytesMax = 256

/** Opens the door. Errors: ADDRESS_IN_USE. */
export async function openDoor({ port: wanted, upstream, elapsedMs }: DoorOptions): Promise<Door> {
  const server = createServer({ headersTimeout: headerMs, requestTimeout: headerMs })
  server.maxConnections = connectionsMax
  const port = await listen(server, wanted)
  const passes = openPasses(port, elapsedMs)
  const connections = openConnections(upstream)
  const hall: Hall = { port, passes, connections, upstream }
  server.on("request", (request, response) => receive(hall, request, response))
  async function close(): Promise<void> {
    connections.close()
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
  }
  return { port, link: () => `http://127.0.0.1:${port}/#once=${passes.issue()}`, close }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new PosternError("ADDRESS_IN_USE", `127.0.0.1:${port}`, { cause }))
    })
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => {
      resolve((server.address() as AddressInfo).port)
    })
  })
}

interface Hall {
  readonly port: number
  readonly passes: Passes
  readonly connections: Connections
  readonly upstream: Upstream
}

function receive(hall: Hall, request: IncomingMessage, response: ServerResponse): void {
  const { headers, method = "", url = "" } = request
  const { host, origin } = headers
  const site = headers["sec-fetch-site"] as string | undefined
  const verdict = judge({ method, url, host, origin, site }, hall.port)
  if (verdict.kind === "refused") {
    // Whatever body such a request carries is not read: the connection cannot be used again.
    response.setHeader("connection", "close")
    return sendProblem(response, new PosternError("DOOR_FOREIGN", verdict.why))
  }
  if (verdict.kind === "script") return sendScript(response)
  if (verdict.kind === "exchange") return exchange(hall.passes, request, response)
  const isPage = url === "/" || url.startsWith("/?")
  if (!hall.passes.admits(headers.cookie)) {
    if (isPage) return sendEntrance(response)
    return sendProblem(response, new PosternError("DOOR_SESSION"))
  }
  passOn(request, response, hall.connections, (cause) => {
    const error = hall.upstream.explain(cause)
    if (isPage) sendFailurePage(response, error)
    else sendProblem(response, error)
  })
}

/** A token for a cookie. What comes is short; what is longer, or not ours, is a wrong token. */
function exchange(passes: Passes, request: IncomingMessage, response: ServerResponse): void {
  let text = ""
  request.on("data", (chunk: Buffer) => {
    if (text.length <= bodyBytesMax) text += chunk.toString("latin1")
  })
  request.once("end", () => {
    const token = /^\{"once":"([A-Za-z0-9_-]{1,64})"\}$/.exec(text)?.[1] ?? ""
    const result = passes.exchange(token)
    if (result.kind === "session") {
      response.writeHead(204, { "set-cookie": result.cookie, "cache-control": "no-store" }).end()
    } else if (result.kind === "later") sendProblem(response, new PosternError("DOOR_GUESSED"))
    else sendProblem(response, new PosternError("DOOR_SESSION", "the link is not valid any more"))
  })
}
