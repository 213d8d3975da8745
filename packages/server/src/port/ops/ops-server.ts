import { createServer, type Server } from "node:http"
import { PosternError } from "@postern/log/base"
import { bind, type HeldAddress } from "../../acceptor/index.ts"
import { createRegistry } from "./metrics.ts"

/** What the ops plane tells; numbers and states only, never the content of an event. */
export interface PortHealth {
  readonly events: number
  readonly bytes: number
  readonly batches: number
  readonly refused: number
  /** Syslog connections that were cut: losses of unknown size. */
  readonly cut: number
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
  /** As well, of the newest policy. */
  readonly policyProblem: string | undefined
  /** What the policy did since the start. */
  readonly policyFigures: PolicyFigures
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

/** By rule, and by writer what detectors found in its events: a bounded number of each. */
export interface PolicyFigures {
  readonly rules: readonly {
    readonly rule: string
    readonly events: number
    readonly did: Readonly<Record<string, number>>
    readonly bytesSaved: number
  }[]
  readonly detected: readonly {
    readonly writer: string
    readonly detector: string
    readonly events: number
  }[]
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
  const {
    durableSize,
    publishedSize,
    signerProblem,
    accessProblem,
    policyProblem,
    witnesses,
    clock,
    tls,
  } = health
  const lines = [`log: ${durableSize} entries durable, ${publishedSize} published`]
  if (signerProblem !== undefined) lines.push(`signer: ${signerProblem}`)
  if (accessProblem !== undefined) lines.push(`access list: the old one stays: ${accessProblem}`)
  if (policyProblem !== undefined) lines.push(`policy: the old one stays: ${policyProblem}`)
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
