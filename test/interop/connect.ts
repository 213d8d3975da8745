/**
 * Sources with the configuration that `postern connect` writes for them, but for the paths where they keep their files: rsyslog, syslog-ng,
 * kubectl, PostgreSQL with pgAudit as they come from Debian; and the agent on files in the published shape of sources that cannot run here.
 */
import { spawn, spawnSync } from "node:child_process"
import { appendFileSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { ConnectingHouse, ended, rewrite, startPostern } from "./connected.ts"
import { checkAuditedPostgres } from "./connected-postgres.ts"
import { recordsOf } from "./connected-records.ts"
import { freePorts, run } from "./port-process.ts"
import type { Results } from "./results.ts"
import { daemonOf, env, rsyslog, type SenderKind, syslogNg, whyNoSender } from "./syslog-senders.ts"

type Part = (house: ConnectingHouse, results: Results) => Promise<void>

const fileSources = ["vault", "mongodb", "github", "cloudtrail"] as const
const sources = [
  ...(["rsyslog", "syslog-ng", "auditd", "kubernetes", "kubernetes-direct"] as const),
  "postgresql",
  ...fileSources,
] as const

export async function checkConnected(results: Results, work: string): Promise<void> {
  const house = await ConnectingHouse.open(work)
  const inTurn = async (some: readonly Part[]) => {
    for (const part of some) await part(house, results)
  }
  try {
    for (const source of sources) await house.connect(source)
    const parts: readonly Part[] = [
      checkRsyslog,
      checkSyslogNg,
      checkWebhook,
      checkWebhookAgent,
      checkAuditdAgent,
      checkFileAgents,
      checkAuditedPostgres,
    ]
    // The agents' parts wait more than they work.
    await Promise.all([inTurn(parts.slice(0, 4)), inTurn(parts.slice(4))])
  } finally {
    await house.stop()
  }
}

/** What is missing fails in CI, and is said elsewhere. */
function lacks(results: Results, reason: string): void {
  if (process.env.CI === undefined) console.log(`skipped: ${reason}`)
  else results.check(false, reason)
}

/** @param main the daemon's own configuration, which takes in what `postern connect` wrote */
async function checkDaemon(
  house: ConnectingHouse,
  results: Results,
  kind: SenderKind,
  main: (room: string, socket: string) => string,
): Promise<void> {
  const reason = await whyNoSender(kind)
  if (reason !== undefined) return lacks(results, reason)
  const room = house.room(kind.name)
  const socket = join(room, "log.sock")
  writeFileSync(join(room, "conf"), main(room, socket))
  const child = spawn(daemonOf(kind), kind.args(room), { stdio: "ignore", env: env(kind.name) })
  try {
    await log(socket)
    await house.checkFirst(results, kind.name, /^syslog\.user$/)
  } finally {
    await ended(child, "SIGTERM")
  }
}

function checkRsyslog(house: ConnectingHouse, results: Results): Promise<void> {
  return checkDaemon(house, results, rsyslog, (room, socket) => {
    return `module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="${socket}")
global(workDirectory="${room}")
include(file="${house.file("rsyslog", "60-postern.conf")}")
`
  })
}

function checkSyslogNg(house: ConnectingHouse, results: Results): Promise<void> {
  const file = house.file("syslog-ng", "postern.conf")
  return checkDaemon(house, results, syslogNg, (room, socket) => {
    // Debian's own directory for it belongs to root.
    rewrite(file, [["disk-buffer(", `disk-buffer(dir("${room}") `]])
    return `@version: 3.38\nsource s_src { unix-dgram("${socket}"); };\n@include "${file}"\n`
  })
}

/** The daemon may be about to open its socket. */
async function log(socket: string): Promise<void> {
  const command = `for i in $(seq 100); do logger --socket '${socket}' --socket-errors=on hello 2>/dev/null && exit 0; sleep 0.1; done; exit 1`
  await run("sh", ["-c", command])
}

const auditEvents = JSON.stringify({
  kind: "EventList",
  apiVersion: "audit.k8s.io/v1",
  items: [
    {
      level: "Metadata",
      auditID: "0f1c2d3e-0000-4000-8000-000000000001",
      stage: "ResponseComplete",
      requestURI: "/api/v1/namespaces/default/configmaps",
      verb: "create",
      user: { username: "kubernetes-admin", groups: ["system:masters"] },
      sourceIPs: ["192.0.2.7"],
      objectRef: { resource: "configmaps", namespace: "default", name: "hello", apiVersion: "v1" },
      responseStatus: { metadata: {}, code: 201 },
      requestReceivedTimestamp: "2026-11-23T08:00:00.000000Z",
      stageTimestamp: "2026-11-23T08:00:00.100000Z",
    },
  ],
})

/** The address in a kubeconfig, and its path. */
function serverOf(kubeconfig: string): { url: string; path: string } {
  const text = readFileSync(kubeconfig, "utf8")
  const [, url = "", path = ""] = /server: (https?:\/\/[^/\s]+(\S+))/.exec(text) ?? []
  return { url, path }
}

/** kubectl reads the kubeconfig by the library of the API server; what it posts is ours. */
async function checkWebhook(house: ConnectingHouse, results: Results): Promise<void> {
  const { status } = spawnSync("kubectl", ["version", "--client"])
  if (status !== 0) return console.log("skipped: there is no kubectl here")
  const kubeconfig = house.file("kubernetes-direct", "webhook.kubeconfig")
  const body = join(house.room("kubernetes-direct"), "events.json")
  writeFileSync(body, auditEvents)
  // Asked by hand, kubectl leaves out the path of the server that it is configured with.
  const create = ["create", "--raw", serverOf(kubeconfig).path, "--filename", body]
  await run("kubectl", ["--kubeconfig", kubeconfig, ...create])
  await house.checkFirst(results, "kubernetes-direct", /^k8s\.configmaps\.create$/)
}

/** What the API server posts to the agent, with the server's content type. */
async function checkWebhookAgent(house: ConnectingHouse, results: Results): Promise<void> {
  const fileOf = (name: string) => house.file("kubernetes", name)
  const room = house.room("kubernetes")
  const [port] = await freePorts(1)
  const change = ["127.0.0.1:17520", `127.0.0.1:${port}`] as const
  rewrite(fileOf("webhook.kubeconfig"), [change])
  rewrite(fileOf("agent.yaml"), [change, ["/var/lib/postern-agent", join(room, "state")]])
  const agent = startPostern(["agent", "--config", fileOf("agent.yaml")])
  try {
    const { url } = serverOf(fileOf("webhook.kubeconfig"))
    const type = ["--header", "content-type: application/json"]
    const patience = ["--retry", "20", "--retry-delay", "1", "--retry-connrefused", "--fail"]
    await run("curl", ["--silent", ...patience, ...type, "--data", auditEvents, url])
    await house.checkFirst(results, "kubernetes", /^k8s\.configmaps\.create$/)
  } finally {
    await ended(agent, "SIGTERM")
  }
}

/** As auditd starts its plugin: with these two arguments, records on standard input. */
async function checkAuditdAgent(house: ConnectingHouse, results: Results): Promise<void> {
  const fileOf = (name: string) => house.file("auditd", name)
  const state = join(house.room("auditd"), "state")
  rewrite(fileOf("auditd.yaml"), [["/var/lib/postern-agent-auditd", state]])
  const [, words = ""] = /^args = (.*)$/m.exec(rewrite(fileOf("postern.conf"), [])) ?? []
  const args = words.replace("/etc/postern-agent/auditd.yaml", fileOf("auditd.yaml")).split(" ")
  results.check(args.length === 2, "auditd: no more arguments than auditd gives a plugin")
  const agent = startPostern(args)
  try {
    agent.stdin?.write(recordsOf.auditd.text)
    await house.checkFirst(results, "auditd", recordsOf.auditd.action)
  } finally {
    await ended(agent, "SIGTERM")
  }
}

/** Sources that write a file which an agent reads. */
async function checkFileAgents(house: ConnectingHouse, results: Results): Promise<void> {
  for (const source of fileSources) {
    const { place, file, text, action } = recordsOf[source]
    const fileOf = (name: string) => house.file(source, name)
    const room = house.room(source)
    const state = ["/var/lib/postern-agent", join(room, "state")] as const
    rewrite(fileOf("agent.yaml"), [state, [place, room]])
    const agent = startPostern(["agent", "--config", fileOf("agent.yaml")])
    try {
      appendFileSync(join(room, file), text)
      await house.checkFirst(results, source, action)
    } finally {
      await ended(agent, "SIGTERM")
    }
  }
}
