/**
 * `postern agent` between sources as they are and a real port: lines of rotated files, each in the log once, while the agent is killed and the
 * port is away; then each other way in, by the senders that people have. `node test/interop/agent.ts` runs it alone; LONG=1 kills more often.
 */
import { execFileSync } from "node:child_process"
import { once } from "node:events"
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { FluentClient } from "@fluent-org/logger"
import { dataOf, Entries, type Indexed } from "../support/entries.ts"
import { type Identity, Installation } from "../support/installation.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"
import { pause, until } from "../support/waiting.ts"
import { AgentProcess } from "./agent-process.ts"
import { Results } from "./results.ts"

const isLong = process.env.LONG === "1"
const kills = isLong ? 150 : 9
const waitMs = isLong ? 600_000 : 60_000

/** An installation, its port, and a writer for an agent. */
class Stage {
  readonly installation: Installation
  port: PortProcess
  readonly profile: string
  readonly #identity: Identity

  static async open(): Promise<Stage> {
    const installation = (await Installation.make()).keepAll()
    const identity = await installation.writer("agent", { sources: ["app://*", "host://*"] })
    return new Stage(installation, await startPort(installation.configFile), identity)
  }

  private constructor(installation: Installation, port: PortProcess, identity: Identity) {
    this.installation = installation
    this.port = port
    this.#identity = identity
    this.profile = installation.profileOf(identity, port.write)
  }

  /** At another address, which the profile names from now on. */
  async restartPort(): Promise<void> {
    this.port = await startPort(this.installation.configFile)
    this.installation.profileOf(this.#identity, this.port.write)
  }

  async entries(): Promise<readonly Indexed[]> {
    const entries = await Entries.follow(this.installation.log)
    try {
      return await entries.all()
    } finally {
      await entries.close()
    }
  }

  async close(): Promise<void> {
    await this.port.end("SIGTERM")
    this.installation.remove()
  }
}

const lineOf = ({ event }: Indexed): string | undefined =>
  (event.data as { line?: string } | undefined)?.line

/** The lines of one source in the log. */
function linesOf(entries: readonly Indexed[], prefix: string): string[] {
  return entries.map(lineOf).filter((line) => line?.startsWith(prefix) === true) as string[]
}

/** Rejects with what is missing, or there twice. */
function onceEach(found: readonly string[], written: number, prefix: string): string {
  const counts = new Map<string, number>()
  for (const line of found) counts.set(line, (counts.get(line) ?? 0) + 1)
  const missing: string[] = []
  for (let i = 0; i < written; i++) if (!counts.has(`${prefix}${i}`)) missing.push(`${prefix}${i}`)
  const twice = [...counts].filter(([, count]) => count > 1)
  if (missing.length === 0 && twice.length === 0 && found.length === written) return ""
  return `${found.length} of ${written}; missing ${missing.slice(0, 5)}; more than once ${twice.slice(0, 5)}`
}

export async function checkAgent(results: Results): Promise<void> {
  const stage = await Stage.open()
  const work = mkdtempSync(join(tmpdir(), "postern-agent-"))
  try {
    await checkKilled(results, stage, work)
    await checkFull(results, stage, work)
    await checkWaysIn(results, stage, work)
  } finally {
    await stage.close()
    rmSync(work, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Two files of one source grow and are rotated, the agent is killed again and again, the port is away for a while. */
async function checkKilled(results: Results, stage: Stage, work: string): Promise<void> {
  const parent = join(work, "killed")
  const agent = new AgentProcess(parent, stage.profile, [
    { name: "app", file: "logs/*", format: "line", source: "host://test/app" },
  ])
  const logs = agent.path("logs")
  mkdirSync(logs)
  let written = 0
  let rotations = 0
  const write = (count: number): void => {
    let text = ""
    for (let i = 0; i < count; i++) text += `k ${written++}\n`
    appendFileSync(join(logs, written % 2 === 0 ? "a.log" : "b.log"), text)
  }
  try {
    for (let kill = 0; kill < kills; kill++) {
      await agent.start()
      if (kill === Math.floor(kills / 3)) await stage.port.end("SIGKILL")
      if (kill === Math.floor((2 * kills) / 3)) await stage.restartPort()
      const pieces = 1 + (kill % 7)
      for (let piece = 0; piece < pieces; piece++) {
        write(kill % 3 === 0 ? 3_001 : 37)
        if (piece === 2) renameSync(join(logs, "a.log"), join(logs, `a.${++rotations}`))
        if (piece === 2) write(11)
        await pause((kill * 13) % 60)
      }
      await agent.end("SIGKILL")
    }
    await agent.start()
    await agent.says(
      "all of it acknowledged",
      ({ sources: [app] }) => {
        return app?.pendingEvents === 0 && app.lagBytes === 0 && app.taken >= written
      },
      waitMs,
    )
  } finally {
    await agent.end("SIGTERM")
  }
  const entries = await stage.entries()
  const gaps = entries.filter(({ event }) => event.action === "postern.stream.gap")
  results.check(gaps.length === 0, "nothing is said to be lost", JSON.stringify(gaps.map(dataOf)))
  const why = onceEach(linesOf(entries, "k "), written, "k ")
  const what = `${written} lines of rotated files are in the log once each, the agent killed ${kills} times, the port once`
  results.check(why === "", what, why)
}

/** The port is away until the spool is full: a file waits, a socket is made to wait and then loses, counted; all of it is told later. */
async function checkFull(results: Results, stage: Stage, work: string): Promise<void> {
  const spool = { bytesMax: 1_048_576 }
  const agent = new AgentProcess(join(work, "full"), stage.profile, [
    { name: "app", file: "app.log", format: "line", spool },
    { name: "socket", socket: { path: "in.sock" }, format: "line", spool },
  ])
  await stage.port.end("SIGTERM")
  await agent.start()
  try {
    const lines = 6_000
    for (let i = 0; i < lines; i++) appendFileSync(agent.path("app.log"), `f ${i}\n`)
    const socket = connect(agent.path("in.sock"))
    const closed = once(socket, "close")
    for (let i = 0; i < 6; i++) socket.write(`${"x".repeat(1_000)}\n`.repeat(700))
    socket.end("g the last\n")
    await agent.says("both spools full", ({ sources }) =>
      sources.every(({ state }) => state === "full"),
    )
    await closed
    const kept = agent.path("state/socket/losses")
    const isKept = () => (existsSync(kept) ? true : undefined)
    await until(isKept, waitMs, "the number of what is lost")
    await agent.end("SIGKILL")
    await stage.restartPort()
    await agent.start()
    await agent.says(
      "all of it acknowledged",
      ({ sources }) => {
        return sources.every(
          (one) => one.pendingEvents === 0 && (one.lagBytes ?? 0) === 0 && one.acked > 0,
        )
      },
      waitMs,
    )
    await agent.says("the losses are told", ({ sources }) => (sources[1]?.lost ?? 0) > 0)
    const all = await until(
      async () => {
        const entries = await stage.entries()
        return linesOf(entries, "f ").length >= lines ? entries : undefined
      },
      waitMs,
      "the file's last line",
    )
    const why = onceEach(linesOf(all, "f "), lines, "f ")
    results.check(why === "", "a full spool: each line of a file once", why)
    const gaps = all.filter(({ event }) => event.action === "postern.stream.gap").map(dataOf)
    const said = gaps.some(({ reason }) => String(reason).includes("losses could be written"))
    results.check(
      said,
      "a full spool: what a socket lost is a gap, also when the agent was killed meanwhile",
      JSON.stringify(gaps),
    )
    const actions = new Set(all.map(({ event }) => event.action))
    results.check(actions.has("agent.spool.low"), "a full spool: the log says that it filled")
  } finally {
    await agent.end("SIGTERM")
  }
}

async function checkWaysIn(results: Results, stage: Stage, work: string): Promise<void> {
  const agent = new AgentProcess(join(work, "ways"), stage.profile, [
    { name: "plugin", stdin: true, format: "line" },
    { name: "socket", socket: { path: "in.sock" }, format: "line" },
    { name: "hosts", syslog: { tcp: "127.0.0.1:0", udp: "127.0.0.1:0" } },
    { name: "api", http: { address: "127.0.0.1:0" } },
    { name: "fluent", forward: { address: "127.0.0.1:0" } },
  ])
  await agent.start()
  try {
    agent.stdin.write("p 0\np 1\n")
    const socket = connect(agent.path("in.sock"))
    socket.end("s 0\ns 1\ns without an end")
    const [tcp = "", udp = ""] = await agent.placeOf("hosts")
    const flags = ["--server", "127.0.0.1", "--tag", "agent-test", "--rfc5424"]
    const portOf = (place: string): string => place.split(":").at(-1) ?? ""
    execFileSync("logger", [...flags, "--tcp", "--octet-count", "--port", portOf(tcp), "counted"])
    execFileSync("logger", [...flags, "--tcp", "--port", portOf(tcp), "a line"])
    execFileSync("logger", [...flags, "--udp", "--port", portOf(udp), "a datagram"])
    await checkHttp(results, agent)
    await checkForward(results, agent, portOf)
    await agent.says("all of it acknowledged", ({ sources }) => {
      return sources.every(({ pendingEvents }) => pendingEvents === 0)
    })
    agent.stdin.end("p 2")
    await checkArrived(results, stage)
    await checkReload(results, stage, agent)
  } finally {
    await agent.end("SIGTERM")
  }
}

/** A bad file changes nothing; of a good one only what differs is begun or ended. */
async function checkReload(results: Results, stage: Stage, agent: AgentProcess): Promise<void> {
  const before = await agent.word()
  agent.configure(stage.profile, [{ name: "socket", colour: "red" }])
  agent.reload()
  const bad = await agent.says("what is wrong", ({ configProblem }) => configProblem !== undefined)
  const isSame = bad.sources.length === before.sources.length
  results.check(
    isSame && bad.configProblem?.includes("colour") === true,
    "a bad agent.yaml is told of, and changes nothing",
  )
  const kept = { name: "socket", socket: { path: "in.sock" }, format: "line" }
  agent.configure(stage.profile, [kept, { name: "more", file: "more.log", format: "line" }])
  agent.reload()
  const good = await agent.says("the new sources", ({ configProblem, sources }) => {
    return configProblem === undefined && sources.length === 2
  })
  const [socket] = good.sources
  const old = before.sources.find(({ name }) => name === "socket")
  const isKept = socket?.name === "socket" && socket.acked === old?.acked && socket.acked > 0
  results.check(isKept, "what did not change goes on as it was", JSON.stringify(good.sources))
  appendFileSync(agent.path("more.log"), "m 0\n")
  await until(
    async () => {
      const found = linesOf(await stage.entries(), "m ").length === 1
      return found ? true : undefined
    },
    waitMs,
    "a line of the new source",
  )
  results.check(
    good.profile.certificateEnds !== undefined,
    "the status says when the certificate ends",
  )
}

const sentBy = {
  logger: (one: Indexed) => lineOf(one)?.includes("agent-test") === true,
  fluent: ({ event }: Indexed) => JSON.stringify(event.data ?? {}).includes("by fluent"),
}

async function checkArrived(results: Results, stage: Stage): Promise<void> {
  // Each source has a stream of its own: what came first over one may be in the log after what came last over another.
  const isThere = (all: readonly Indexed[]): boolean =>
    linesOf(all, "p ").length === 3 &&
    linesOf(all, "s ").length === 3 &&
    all.filter(sentBy.logger).length === 3 &&
    all.filter(sentBy.fluent).length === 20 &&
    all.filter(({ event }) => event.action === "door.opened").length === 1 &&
    all.filter(({ event }) => event.action === "k8s.secrets.get").length === 1
  const look = async () => {
    const all = await stage.entries()
    return isThere(all) ? all : undefined
  }
  // What is missing is said below.
  const entries = await until(look, waitMs, "everything").catch(() => stage.entries())
  const last = linesOf(entries, "p ")
  results.check(last.length === 3, "the last line of standard input", last.join())
  results.check(
    linesOf(entries, "s ").join() === "s 0,s 1,s without an end",
    "a unix socket's lines",
  )
  for (const message of ["counted", "a line", "a datagram"]) {
    const found = entries.filter((one) => sentBy.logger(one) && lineOf(one)?.endsWith(message))
    const whole = found.length === 1 && found[0]?.event.action?.toString().startsWith("syslog.")
    results.check(
      whole === true,
      `logger(1): ${message}`,
      JSON.stringify(found.map(({ event }) => event)),
    )
  }
  const actions = entries.map(({ event }) => event.action)
  results.check(
    actions.filter((action) => action === "door.opened").length === 1,
    "an event over HTTP",
  )
  results.check(
    actions.filter((one) => one === "k8s.secrets.get").length === 1,
    "a Kubernetes audit event over HTTP",
  )
  const fluent = entries.filter(sentBy.fluent)
  results.check(
    fluent.length === 20,
    "@fluent-org/logger: 20 records, acknowledged",
    `${fluent.length}`,
  )
}

const auditEvents = {
  kind: "EventList",
  apiVersion: "audit.k8s.io/v1",
  items: [
    {
      ...{ level: "Metadata", auditID: "0f1e", stage: "ResponseComplete", verb: "get" },
      ...{ requestURI: "/api/v1/namespaces/a/secrets/b", user: { username: "alice" } },
      objectRef: { resource: "secrets", namespace: "a", name: "b", apiVersion: "v1" },
      responseStatus: { code: 200 },
      requestReceivedTimestamp: "2026-11-23T08:00:00.000000Z",
      stageTimestamp: "2026-11-23T08:00:00.100000Z",
    },
  ],
}

async function checkHttp(results: Results, agent: AgentProcess): Promise<void> {
  const [place = ""] = await agent.placeOf("api")
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const type = { "content-type": "application/json", ...headers }
    const options = { method: "POST", headers: type, body: JSON.stringify(body) }
    return (await fetch(`${place}${path}`, options)).status
  }
  const event = { action: "door.opened", actor: { type: "user", id: "alice" }, targets: [] }
  results.check((await post("/v1/events", event)) === 200, "HTTP: an event")
  results.check((await post("/v1/kubernetes/audit", auditEvents)) === 200, "HTTP: an EventList")
  const page = await post("/v1/events", event, { origin: "https://evil.example" })
  results.check(page === 415, "HTTP: a page in a browser is refused", `${page}`)
  const form = await post("/v1/events", event, { "content-type": "text/plain" })
  results.check(form === 415, "HTTP: another content type is refused", `${form}`)
}

async function checkForward(
  results: Results,
  agent: AgentProcess,
  portOf: (place: string) => string,
): Promise<void> {
  const [place = ""] = await agent.placeOf("fluent")
  const client = new FluentClient("audit", {
    socket: { host: "127.0.0.1", port: Number(portOf(place)) },
    ack: { ackTimeout: 10_000 },
  })
  const sent = Array.from({ length: 20 }, (_, i) => client.emit({ message: `by fluent ${i}`, i }))
  const acknowledged = await Promise.allSettled(sent)
  const failed = acknowledged.filter(({ status }) => status === "rejected")
  results.check(
    failed.length === 0,
    "@fluent-org/logger: each emit() is acknowledged",
    JSON.stringify(failed[0]),
  )
  await client.shutdown()
}

if (import.meta.main) {
  const results = new Results()
  try {
    await checkAgent(results)
  } catch (error) {
    results.check(
      false,
      "the programme itself",
      error instanceof Error ? error.stack : String(error),
    )
  } finally {
    results.end()
  }
}
