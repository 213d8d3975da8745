import { createServer, type Server } from "node:http"
import type { TLSSocket } from "node:tls"
import { errorRegistry, isPosternError } from "@postern/log/base"

/** What an operator may ask of the running port. */
export interface AdminActions {
  status(): Promise<unknown> | unknown
  /** Reads configuration, access list and certificates again; the old ones stay if they are not acceptable. */
  reload(): Promise<unknown>
}

/** HTTP for the sockets of the admin plane; whoever comes this far showed an operator's certificate. */
export function createAdminServer(actions: AdminActions): { serve(socket: TLSSocket): void } {
  const routes: Record<string, () => Promise<unknown> | unknown> = {
    "GET /v1/status": () => actions.status(),
    "POST /v1/reload": () => actions.reload(),
  }
  const server: Server = createServer({ maxHeaderSize: 8192 }, (request, response) => {
    const answer = (status: number, body: unknown): void => {
      const text = `${JSON.stringify(body)}\n`
      response.writeHead(status, { "content-type": "application/json" })
      response.end(text)
    }
    const action = routes[`${request.method} ${request.url}`]
    if (action === undefined)
      return answer(404, { code: "HTTP_ROUTE", hint: Object.keys(routes).join(", ") })
    Promise.resolve()
      .then(action)
      .then(
        (body) => answer(200, body),
        (error) => {
          const code = isPosternError(error) ? error.code : "DISK_FAILED"
          const { status, hint } = errorRegistry[code]
          answer(status, {
            code,
            title: error instanceof Error ? error.message : String(error),
            hint,
          })
        },
      )
  })
  return {
    serve(socket) {
      socket.setTimeout(30_000, () => socket.destroy())
      server.emit("connection", socket)
    },
  }
}
