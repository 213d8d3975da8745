import { createServer, type IncomingMessage, type Server } from "node:http"
import type { TLSSocket } from "node:tls"
import { errorRegistry, isPosternError, PosternError } from "@postern/log/base"

/** What may be asked of the running port. */
export interface AdminActions {
  status(): Promise<unknown> | unknown
  /** Reads configuration, access list and certificates again; the old ones stay if they are not acceptable. */
  reload(by: string): Promise<unknown>
  /** The access list in force: its digest and its text. */
  access(): Promise<unknown> | unknown
  /** The policy in force, as well; the empty text if there is none. */
  policy(): Promise<unknown> | unknown
  /** What a value looks like where the policy hid it, `{value, at}` or `{value, token}`. Errors: REQUEST_INVALID, RATE_LIMITED. */
  lookUp(told: unknown, by: string): unknown
  /** Enters what an operator did beside the port, as JSON. Errors: REQUEST_INVALID. */
  act(told: unknown, by: string): unknown
  /** Takes the result of a review, `{statement}`. Errors: APPROVAL_INVALID, CERTIFICATE_REFUSED. */
  review(told: unknown): unknown
  /** Takes what a witness said, as JSON. Errors: REQUEST_INVALID. */
  witness(report: unknown): Promise<unknown>
  readonly retention: RetentionActions
  readonly erasures: ErasureActions
  /** How an errand stands, `{errand}`. Errors: NOT_FOUND. */
  errand(told: unknown): unknown
}

/** Who a value belongs to is told in the clear, and stands in no entry (docs/spec/erasure.md). All but the first begin an errand. */
export interface ErasureActions {
  pseudonym(told: unknown, by: string): Promise<unknown>
  entries(told: unknown, by: string): Promise<unknown>
  look(told: unknown, by: string): Promise<unknown>
  erase(told: unknown, by: string): Promise<unknown>
}

/** What is let go, and what must not be (docs/spec/retention.md). */
export interface RetentionActions {
  state(): unknown
  run(told: unknown, by: string): Promise<unknown>
  hold(told: unknown, by: string): Promise<unknown>
  release(told: unknown, by: string): Promise<unknown>
}

/** By whose certificate somebody came in: each has verbs of its own. */
export type AdminRole = "operator" | "courier"

/** Whoever is at the other end of a connection. */
export interface AdminPeer {
  /** SPIFFE ID. */
  readonly id: string
  readonly role: AdminRole
}

const bodyBytesMax = 2_000_000

/** HTTP for the sockets of the admin plane; whoever comes this far showed a certificate of that role. */
export function createAdminServer(actions: AdminActions): {
  serve(socket: TLSSocket, peer: AdminPeer): void
} {
  const { retention, erasures } = actions
  type Route = (request: IncomingMessage, by: string) => Promise<unknown> | unknown
  const routes: Record<AdminRole, Record<string, Route>> = {
    operator: {
      "GET /v1/status": () => actions.status(),
      "GET /v1/access": () => actions.access(),
      "GET /v1/policy": () => actions.policy(),
      "POST /v1/policy/look-up": async (request, by) => actions.lookUp(await readJson(request), by),
      "POST /v1/reload": (_request, by) => actions.reload(by),
      "POST /v1/acts": async (request, by) => actions.act(await readJson(request), by),
      "POST /v1/review": async (request) => actions.review(await readJson(request)),
      "GET /v1/retention": () => retention.state(),
      "POST /v1/retention/run": async (request, by) => retention.run(await readJson(request), by),
      "POST /v1/retention/hold": async (request, by) => retention.hold(await readJson(request), by),
      "POST /v1/retention/release": async (request, by) =>
        retention.release(await readJson(request), by),
      "POST /v1/subject/pseudonym": async (request, by) =>
        erasures.pseudonym(await readJson(request), by),
      "POST /v1/subject/entries": async (request, by) =>
        erasures.entries(await readJson(request), by),
      "POST /v1/erasure/look": async (request, by) => erasures.look(await readJson(request), by),
      "POST /v1/erasure/run": async (request, by) => erasures.erase(await readJson(request), by),
      "POST /v1/errand": async (request) => actions.errand(await readJson(request)),
    },
    courier: {
      "POST /v1/witness": async (request) => actions.witness(await readJson(request)),
    },
  }
  const peers = new WeakMap<object, AdminPeer>()
  const server: Server = createServer({ maxHeaderSize: 8192 }, (request, response) => {
    const answer = (status: number, body: unknown): void => {
      const text = `${JSON.stringify(body)}\n`
      response.writeHead(status, { "content-type": "application/json" })
      response.end(text)
    }
    const peer = peers.get(request.socket)
    const allowed = peer === undefined ? {} : routes[peer.role]
    const action = allowed[`${request.method} ${request.url}`]
    if (action === undefined || peer === undefined)
      return answer(404, { code: "HTTP_ROUTE", hint: Object.keys(allowed).join(", ") })
    Promise.resolve(request)
      .then((asked) => action(asked, peer.id))
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
    serve(socket, peer) {
      peers.set(socket, peer)
      socket.setTimeout(30_000, () => socket.destroy())
      server.emit("connection", socket)
    },
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bodyBytesMax) throw new PosternError("REQUEST_INVALID", "the body is too long")
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch (cause) {
    throw new PosternError("REQUEST_INVALID", "the body is not JSON", { cause })
  }
}
