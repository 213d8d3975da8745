import { createServer, type Server } from "node:http"
import { PosternError } from "@postern/log/base"
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client"

/** What the ops plane tells; numbers and states only, never the content of an event. */
export interface PortHealth {
  readonly events: number
  readonly bytes: number
  readonly batches: number
  readonly refused: number
  readonly slots: number
  readonly commitSeconds: number
  readonly connections: number
  readonly streams: number
  /** Writers with a cadence in the access list that have sent nothing for longer. */
  readonly silentWriters?: number
  readonly durableSize: number
  readonly publishedSize: number
  /** Why the signer of checkpoints does not sign; undefined if it does. */
  readonly signerProblem: string | undefined
  /** Undefined if the port was told of no witnesses. */
  readonly witnesses: WitnessesHealth | undefined
  readonly creditLeft: number
  /** Why the port takes nothing now; empty = ready. */
  readonly notReady: readonly string[]
}

/** How far witnesses stand behind the log. */
export interface WitnessesHealth {
  /** Entries under the newest checkpoint that has the quorum; 0 if there is none. */
  readonly size: number
  /** How long ago the quorum stood behind it; undefined if never. */
  readonly ageSeconds: number | undefined
  /** The quorum is older than a minute. */
  readonly behind: boolean
  readonly each: readonly { readonly name: string; readonly state: string }[]
}

/** `/livez`, `/readyz` (`?verbose`), `/metrics` for probes and Prometheus, on loopback. */
export function createOpsServer(health: () => PortHealth): Server {
  const registry = createRegistry(health)
  return createServer(
    { maxHeaderSize: 8192, requestTimeout: 5000, headersTimeout: 5000 },
    (request, response) => {
      const answer = (status: number, text: string, type = "text/plain; charset=utf-8"): void => {
        response.writeHead(status, { "content-type": type, "cache-control": "no-store" })
        response.end(request.method === "HEAD" ? undefined : text)
      }
      const [path, query] = (request.url ?? "").split("?", 2)
      if (request.method !== "GET" && request.method !== "HEAD") return answer(405, "GET only\n")
      if (path === "/livez") return answer(200, "alive\n")
      if (path === "/readyz") {
        const now = health()
        const more = query === "verbose" ? describe(now) : ""
        if (now.notReady.length === 0) return answer(200, `ready\n${more}`)
        const reasons = now.notReady.map((reason) => `- ${reason}\n`).join("")
        return answer(503, `not ready\n${reasons}${more}`)
      }
      if (path !== "/metrics") return answer(404, "/livez, /readyz and /metrics are here\n")
      registry.metrics().then(
        (text) => answer(200, text, registry.contentType),
        (error) => answer(500, `${String(error)}\n`),
      )
    },
  )
}

/** What does not decide whether the port is ready, but says how it is. */
function describe({ durableSize, publishedSize, signerProblem, witnesses }: PortHealth): string {
  const sizes = `log: ${durableSize} entries durable, ${publishedSize} published\n`
  const log = signerProblem === undefined ? sizes : `${sizes}signer: ${signerProblem}\n`
  if (witnesses === undefined) return `${log}witnesses: none configured\n`
  const { size, ageSeconds, behind, each } = witnesses
  const age = ageSeconds === undefined ? "never" : `${ageSeconds} seconds ago`
  const quorum = `witnesses: ${size} entries witnessed, ${age}${behind ? ", behind" : ""}\n`
  return `${log}${quorum}${each.map(({ name, state }) => `witness ${name}: ${state}\n`).join("")}`
}

/** Errors: ADDRESS_IN_USE, BIND_REFUSED unless the address is a loopback one. */
export async function listenOps(
  server: Server,
  address: { host: string; port: number },
): Promise<string> {
  const loopback = /^(127\.|::1$|localhost$)/.test(address.host)
  if (!loopback)
    throw new PosternError("BIND_REFUSED", `the ops plane stays on loopback, not ${address.host}`)
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const inUse = cause.code === "EADDRINUSE"
      const text = `${address.host}:${address.port}`
      reject(inUse ? new PosternError("ADDRESS_IN_USE", text, { cause }) : cause)
    })
    server.listen(address.port, address.host, resolve)
  })
  const bound = server.address()
  return typeof bound === "object" && bound !== null
    ? `${address.host}:${bound.port}`
    : String(bound)
}

type Kind = "counter" | "gauge"
const metrics: readonly (readonly [string, Kind, string, (health: PortHealth) => number])[] = [
  [
    "postern_events_received_total",
    "counter",
    "Events received, refused ones included.",
    (h) => h.events,
  ],
  ["postern_bytes_received_total", "counter", "Bytes of events received.", (h) => h.bytes],
  ["postern_batches_received_total", "counter", "Batches received.", (h) => h.batches],
  ["postern_refused_total", "counter", "Events, frames and connections refused.", (h) => h.refused],
  [
    "postern_slots_durable_total",
    "counter",
    "Slots made durable, one fdatasync each.",
    (h) => h.slots,
  ],
  [
    "postern_commit_seconds_total",
    "counter",
    "Time from sealing a slot to its acks.",
    (h) => h.commitSeconds,
  ],
  ["postern_entries_durable", "gauge", "Entries on stable storage.", (h) => h.durableSize],
  [
    "postern_entries_published",
    "gauge",
    "Entries covered by the newest checkpoint.",
    (h) => h.publishedSize,
  ],
  ["postern_connections", "gauge", "Live connections on the write port.", (h) => h.connections],
  ["postern_streams_open", "gauge", "Open streams.", (h) => h.streams],
  [
    "postern_writers_silent",
    "gauge",
    "Writers that sent nothing for longer than their cadence.",
    (h) => h.silentWriters ?? 0,
  ],
  [
    "postern_credit_left_bytes",
    "gauge",
    "Credit that is not given to any connection.",
    (h) => h.creditLeft,
  ],
  [
    "postern_entries_witnessed",
    "gauge",
    "Entries under the newest checkpoint with the quorum; NaN without witnesses.",
    (h) => h.witnesses?.size ?? Number.NaN,
  ],
  [
    "postern_witnessed_age_seconds",
    "gauge",
    "Time since the quorum stood behind it; NaN if never.",
    (h) => h.witnesses?.ageSeconds ?? Number.NaN,
  ],
  [
    "postern_ready",
    "gauge",
    "1 if the port takes events.",
    (h) => (h.notReady.length === 0 ? 1 : 0),
  ],
]

function createRegistry(health: () => PortHealth): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: "postern_" })
  for (const [name, kind, help, read] of metrics) {
    const registers = [registry]
    if (kind === "gauge") {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read(health()))
        },
      })
    } else {
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset()
          this.inc(read(health()))
        },
      })
    }
  }
  return registry
}
