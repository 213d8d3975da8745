/**
 * Syslog over TLS as rsyslog sends it: small lines by octet counting in writes of 16 KB, as fast as the port reads them. `node
 * bench/syslog.ts [CONNECTIONS]`. Nothing is acknowledged, so what counts is what the port's metrics say is durable.
 */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { connect } from "node:tls"
import { fileURLToPath } from "node:url"
import { loadProfile } from "@postern/client"
import { cpuSeconds, peakRssMb } from "./process-figures.ts"
import { median } from "./samples.ts"
import { house, loadTree } from "./tree.ts"

const warmMs = 1500
const measureMs = 3000
const runs = 3
const writeBytes = 16_384
/** Each connection sends them over and over. */
const writesPerConnection = 16
const directory = join(house, "bench", ".work", `syslog-${process.pid}`)

interface Load {
  readonly port: number
  readonly profile: string
  readonly connections: number
}

/** What an sshd says through rsyslog, with numbers that differ. */
function lineOf(number: number): string {
  const digits = String(number).padStart(7, "0")
  const text = `Accepted publickey for deploy from 10.0.${number % 250}.7 port ${digits} ssh2: ED25519 SHA256:k1`
  return `<38>1 2026-11-23T08:00:00.${digits.slice(-6)}+00:00 web-1 sshd ${digits} - - ${text}`
}

function chunkOf(seed: number): Buffer {
  let text = ""
  for (let number = seed; text.length < writeBytes - 200; number++) {
    const line = lineOf(number)
    text += `${Buffer.byteLength(line)} ${line}`
  }
  return Buffer.from(text)
}

async function generate({ port, profile, connections }: Load): Promise<void> {
  const { certificate: cert, key, ca } = loadProfile(profile)
  for (let number = 0; number < connections; number++) {
    const checkServerIdentity = (): undefined => undefined
    const socket = connect({ host: "127.0.0.1", port, ca, cert, key, checkServerIdentity })
    await once(socket, "secureConnect")
    const chunks = Array.from({ length: writesPerConnection }, (_, i) => {
      return chunkOf((number * writesPerConnection + i) * 1000)
    })
    let next = 0
    const send = (): void => {
      while (socket.write(chunks[next++ % chunks.length] as Buffer));
    }
    socket.on("drain", send)
    send()
  }
}

interface Figures {
  readonly entriesPerSecond: number
  readonly cpuSecondsPerMillion: number
  readonly rssMb: number
  readonly serverCores: number
}

async function measure(load: Load, pid: number, ops: string): Promise<Figures> {
  const generator = fork(fileURLToPath(import.meta.url), [JSON.stringify(load)])
  await pause(warmMs)
  const before = { ms: performance.now(), entries: await durable(ops), cpu: cpuSeconds(pid) }
  await pause(measureMs)
  const seconds = (performance.now() - before.ms) / 1000
  const entries = (await durable(ops)) - before.entries
  const cpu = cpuSeconds(pid) - before.cpu
  generator.kill("SIGKILL")
  await once(generator, "exit")
  return {
    entriesPerSecond: entries / seconds,
    cpuSecondsPerMillion: (cpu / entries) * 1e6,
    rssMb: peakRssMb(pid),
    serverCores: cpu / seconds,
  }
}

async function durable(ops: string): Promise<number> {
  const text = await (await fetch(`http://${ops}/metrics`)).text()
  return Number(/^postern_entries_durable (\d+)/m.exec(text)?.[1])
}

async function run(connections: number): Promise<Figures> {
  const tree = await loadTree(house)
  mkdirSync(directory, { recursive: true })
  await tree.initDirectory({ directory, ports: { write: 0, read: 0, ops: 0 } })
  rewrite("access.yaml", (text) => text.replace("[postern, http, kubernetes]", "[postern, syslog]"))
  rewrite("postern.yaml", (text) => {
    return text
      .replace(/^listen:\n/m, 'listen:\n  syslog: ["127.0.0.1:0"]\n')
      .replace(/^policy: .*\n/m, "")
  })
  rmSync(join(directory, "policy.yaml"))
  const server: ChildProcess = fork(tree.portMain, [join(directory, "postern.yaml")], {
    execArgv: [...tree.execArgv],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  })
  try {
    const [{ ready }] = (await once(server, "message")) as [{ ready: Record<string, string[]> }]
    const port = Number(ready.syslog?.[0]?.split(":").at(-1))
    const load = { port, connections, profile: join(directory, "profiles/writer.yaml") }
    return await measure(load, server.pid ?? 0, ready.ops?.[0] ?? "")
  } finally {
    server.kill("SIGKILL")
    await once(server, "exit")
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

function rewrite(name: string, change: (text: string) => string): void {
  const file = join(directory, name)
  writeFileSync(file, change(readFileSync(file, "utf8")))
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

async function main(connections: number): Promise<void> {
  const all: Figures[] = []
  for (let i = 0; i < runs; i++) all.push(await run(connections))
  const of = (name: keyof Figures) => median(all.map((figures) => figures[name]))
  const rate = Math.round(of("entriesPerSecond")).toLocaleString("en-US")
  const cpu = of("cpuSecondsPerMillion").toFixed(2)
  console.log(
    `syslog, ${lineOf(1).length} bytes a line, ${connections} connections: ${rate}/s durable, ${cpu} CPU s/M,`,
  )
  console.log(
    `${of("rssMb").toFixed(0)} MB RSS, ${of("serverCores").toFixed(2)} cores; medians of ${runs} runs of ${measureMs} ms`,
  )
}

const [argument = "8"] = process.argv.slice(2)
if (argument.startsWith("{")) {
  process.on("disconnect", () => process.exit(0))
  await generate(JSON.parse(argument) as Load)
} else await main(Number(argument))
