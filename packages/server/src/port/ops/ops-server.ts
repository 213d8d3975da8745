import { createServer, type Server } from "node:http"
import { PosternError } from "@postern/log/base"
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client"
import { bind, type HeldAddress } from "../../acceptor/index.ts"

/** What the ops plane tells; numbers and states only, never the content of an event. */
export interface PortHealth {
  readonly events: number
  readonly bytes: number
  readonly batches: number
  readonly refused: number
  readonly slots: number
  readonly commitSeconds: number
  /** From the sealing of a slot to its acks, of the last ones; undefined before the first. */
  readonly ackSeconds?: { readonly p50: number; readonly p99: number } | undefined
  readonly connections: number
  readonly streams: number
  /** Writers with a cadence in the access list that have sent nothing for longer. */
  readonly silentWriters?: number
  readonly durableSize: number
  readonly publishedSize: number
  /** Why the signer of checkpoints does not sign; undefined if it does. */
  readonly signerProblem: string | undefined
  /** Why the newest access list was not taken over; undefined if it was. */
  readonly accessProblem: string | undefined
  readonly breakGlass: BreakGlassHealth
  /** Undefined if the port was told of no witnesses. */
  readonly witnesses: WitnessesHealth | undefined
  readonly clock: ClockHealth
  /** The newest word of `postern doctor` in this life of the port; undefined if there was none. */
  readonly doctor: { readonly result: string; readonly atMs: number } | undefined
  readonly tls: TlsHealth
  readonly creditLeft: number
  /** Why the port takes nothing now; empty = ready. */
  readonly notReady: readonly string[]
}

/** Emergency read access (docs/operating/break-glass.md). */
export interface BreakGlassHealth {
  /** SPIFFE IDs that may read now. */
  readonly open: readonly string[]
  /** Opened and not reviewed yet. */
  readonly waiting: readonly {
    readonly identity: string
    readonly by: string
    readonly reason: string
    /** RFC 3339, as `until` and `due`: by then it must be reviewed. */
    readonly opened: string
    readonly until: string
    readonly due: string
    readonly overdue: boolean
  }[]
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

/** What is known of the clock that entries are stamped by. */
export interface ClockHealth {
  readonly source: string
  readonly keeper: string
  readonly synchronized: "yes" | "unknown"
  /** From the clocks of witnesses. */
  readonly offset: "within" | "beyond" | "unknown"
  readonly offsetMs: number | undefined
}

/** The certificate that new connections are shown. */
export interface TlsHealth {
  readonly id: string
  readonly serial: string
  readonly notAfter: string
  /** Share of its life that is over: 0 when it began, 1 when it has expired. */
  readonly lifeUsed: number
  readonly secondsLeft: number
  /** Key exchange, most wanted first. */
  readonly groups: readonly string[]
  /** Why what is in the files is not in force; undefined if it is. */
  readonly problem: string | undefined
}

/** Whoever is on this machine may ask, so it must not take the files that the log needs. */
const connectionsMax = 32

/** `/livez`, `/readyz` (`?verbose`), `/metrics` for probes and Prometheus, on loopback. */
export function createOpsServer(health: () => PortHealth): Server {
  const registry = createRegistry(health)
  const server = createServer(
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
  server.maxConnections = connectionsMax
  return server
}

/** What does not decide whether the port is ready, but says how it is. */
function describe(health: PortHealth): string {
  const { durableSize, publishedSize, signerProblem, accessProblem, witnesses, clock, tls } = health
  const lines = [`log: ${durableSize} entries durable, ${publishedSize} published`]
  if (signerProblem !== undefined) lines.push(`signer: ${signerProblem}`)
  if (accessProblem !== undefined) lines.push(`access list: the old one stays: ${accessProblem}`)
  lines.push(...describeBreakGlass(health.breakGlass))
  if (witnesses === undefined) lines.push("witnesses: none configured")
  else {
    const { size, ageSeconds, behind, each } = witnesses
    const age = ageSeconds === undefined ? "never" : `${ageSeconds} seconds ago`
    lines.push(`witnesses: ${size} entries witnessed, ${age}${behind ? ", behind" : ""}`)
    lines.push(...each.map(({ name, state }) => `witness ${name}: ${state}`))
  }
  lines.push(
    `clock: ${describeClock(clock)}`,
    ...describeTls(tls),
    `doctor: ${describeDoctor(health)}`,
  )
  return `${lines.join("\n")}\n`
}

function describeTls({ notAfter, lifeUsed, groups, problem }: TlsHealth): string[] {
  const used = `${Math.round(lifeUsed * 100)} % of its life used`
  const line = `certificate: expires ${notAfter}, ${used}; key exchange ${groups.join(", ")}`
  return problem === undefined ? [line] : [line, `certificate files refused: ${problem}`]
}

function describeBreakGlass({ open, waiting }: BreakGlassHealth): string[] {
  const lines = open.map((id) => `break-glass: ${id} may read`)
  for (const { identity, due, overdue } of waiting)
    lines.push(
      `break-glass: ${identity} waits for its review, ${overdue ? "due since" : "due"} ${due}`,
    )
  return lines
}

function describeDoctor({ doctor }: PortHealth): string {
  if (doctor === undefined) return "not heard since the start"
  return `${doctor.result}, at ${new Date(doctor.atMs).toISOString()}`
}

function describeClock({ source, keeper, synchronized, offset, offsetMs }: ClockHealth): string {
  const far = offsetMs === undefined ? "" : ` (${offsetMs} ms)`
  return `source ${source}, keeper ${keeper}, synchronized ${synchronized}, offset ${offset}${far}`
}

/** Errors: ADDRESS_IN_USE, CONFIG_INVALID, BIND_REFUSED unless the address is a loopback one. */
export async function listenOps(server: Server, address: HeldAddress): Promise<string> {
  const loopback = /^(127\.|::1$|localhost$)/.test(address.host)
  if (!loopback)
    throw new PosternError("BIND_REFUSED", `the ops plane stays on loopback, not ${address.host}`)
  return bind(server, address)
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
    "postern_access_refused",
    "gauge",
    "1 if the newest access list was not acceptable, so that the old one stays in force.",
    (h) => (h.accessProblem === undefined ? 0 : 1),
  ],
  [
    "postern_breakglass_open",
    "gauge",
    "Identities that may read by break-glass access now.",
    (h) => h.breakGlass.open.length,
  ],
  [
    "postern_breakglass_unreviewed",
    "gauge",
    "Openings of break-glass access that were not reviewed yet.",
    (h) => h.breakGlass.waiting.length,
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
    "postern_clock_synchronized",
    "gauge",
    "1 if the system says that its clock is; NaN if it says nothing.",
    (h) => (h.clock.synchronized === "yes" ? 1 : Number.NaN),
  ],
  [
    "postern_clock_offset_seconds",
    "gauge",
    "How far the clock is ahead of the witness's that is furthest away, at least; NaN if unknown.",
    (h) => (h.clock.offsetMs ?? Number.NaN) / 1000,
  ],
  [
    "postern_certificate_seconds_left",
    "gauge",
    "Until the certificate of the port expires.",
    (h) => h.tls.secondsLeft,
  ],
  [
    "postern_certificate_life_used_ratio",
    "gauge",
    "Share of its life that is over; it is renewed at 0.5.",
    (h) => h.tls.lifeUsed,
  ],
  [
    "postern_certificate_files_refused",
    "gauge",
    "1 if what is in the certificate files is not in force.",
    (h) => (h.tls.problem === undefined ? 0 : 1),
  ],
  [
    "postern_doctor_ok",
    "gauge",
    "1 if postern doctor found nothing failing or unknown; NaN if it was not heard since the start.",
    ({ doctor }) =>
      doctor === undefined ? Number.NaN : /^(?:ok|warn)$/.test(doctor.result) ? 1 : 0,
  ],
  [
    "postern_doctor_seconds",
    "gauge",
    "When it was heard, in Unix time; NaN if not since the start.",
    (h) => (h.doctor?.atMs ?? Number.NaN) / 1000,
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
  new Gauge({
    name: "postern_ack_seconds",
    help: "Time from sealing a slot to its acks, of the last 1,024 slots.",
    labelNames: ["quantile"],
    registers: [registry],
    collect() {
      const { p50 = Number.NaN, p99 = Number.NaN } = health().ackSeconds ?? {}
      this.set({ quantile: "0.5" }, p50)
      this.set({ quantile: "0.99" }, p99)
    },
  })
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
