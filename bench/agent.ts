/**
 * `node bench/agent.ts`: how fast `postern agent` follows a file, from its first byte to the port's acknowledgement of its last line, and what
 * it takes: a file of lines of 200 bytes, format `line`, one agent and one port as processes of their own on this machine. The agent syncs its
 * spool before it sends, as always. Linux only.
 */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { formatProfile, loadProfile } from "@postern/client"
import {
  type AgentWord,
  agentEnvironment,
  agentFlags,
  askWord,
} from "../packages/server/dist/agent/index.js"
import { cpuSeconds, peakRssMb } from "./process-figures.ts"
import { cleanUp, removeLeftovers, type Server, withServer } from "./server.ts"
import { house, loadTree } from "./tree.ts"

const usage = "node bench/agent.ts [--lines N] [--bytes B] [--runs N] [--format NAME]\n"
const askMs = 50
const main = join(house, "packages/server/dist/agent/main.js")

interface Load {
  readonly lines: number
  readonly bytes: number
  readonly format: string
}

interface Row {
  readonly seconds: number
  readonly linesPerSecond: number
  readonly agentCpu: number
  readonly portCpu: number
  readonly agentRssMb: number
}

const filler = "The quick brown fox jumps over the lazy dog and on, GET /v1/invoices/4711 200 OK; "

function writeLines(path: string, { lines, bytes }: Load): void {
  const file = openSync(path, "w")
  let text = ""
  for (let i = 0; i < lines; i++) {
    text += `${i} ${filler.repeat(1 + Math.ceil(bytes / filler.length))}`.slice(0, bytes - 1)
    text += "\n"
    if (text.length < 1_000_000 && i < lines - 1) continue
    writeSync(file, text)
    text = ""
  }
  closeSync(file)
}

/** Starts an agent on the file; its figures once the port has acknowledged every line. */
async function follow(server: Server, load: Load): Promise<Row> {
  const directory = join(server.directory, "agent")
  mkdirSync(directory, { recursive: true })
  const profile = { ...loadProfile(server.profile), address: `127.0.0.1:${server.port}` }
  writeFileSync(join(directory, "writer.yaml"), formatProfile(profile), { mode: 0o600 })
  const log = join(directory, "app.log")
  writeLines(log, load)
  const settings = {
    ...{ profile: "writer.yaml", state: "state" },
    sources: [{ name: "app", file: "app.log", format: load.format }],
  }
  const config = join(directory, "agent.yaml")
  writeFileSync(config, JSON.stringify(settings))
  const portBefore = cpuSeconds(server.pid)
  const began = performance.now()
  const agent = fork(main, [config], {
    execArgv: [...agentFlags],
    env: { ...process.env, ...agentEnvironment },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  })
  agents.add(agent)
  await once(agent, "message")
  await acknowledged(join(directory, "state"), load.lines)
  const seconds = (performance.now() - began) / 1000
  const millions = load.lines / 1e6
  const row = {
    seconds,
    linesPerSecond: load.lines / seconds,
    agentCpu: cpuSeconds(agent.pid ?? 0) / millions,
    portCpu: (cpuSeconds(server.pid) - portBefore) / millions,
    agentRssMb: peakRssMb(agent.pid ?? 0),
  }
  agent.kill("SIGTERM")
  await once(agent, "exit")
  agents.delete(agent)
  return row
}

async function acknowledged(state: string, lines: number): Promise<void> {
  for (;;) {
    const [source]: AgentWord["sources"] = (await askWord(state)).sources
    if (source === undefined || source.lost + source.refused > 0) {
      throw new Error(`not every line was taken: ${JSON.stringify(source)}`)
    }
    if (source.acked >= lines) return
    await new Promise((resolve) => setTimeout(resolve, askMs))
  }
}

function format(rows: readonly Row[]): string {
  return [
    "| lines/s | agent CPU s/M | port CPU s/M | agent RSS MB | seconds |",
    "| ------: | ------------: | -----------: | -----------: | ------: |",
    ...rows.map((row) => {
      const { linesPerSecond, agentCpu, portCpu, agentRssMb, seconds } = row
      const figures = [
        agentCpu.toFixed(2),
        portCpu.toFixed(2),
        agentRssMb.toFixed(0),
        seconds.toFixed(1),
      ]
      return `| ${[Math.round(linesPerSecond).toLocaleString("en"), ...figures].join(" | ")} |`
    }),
  ].join("\n")
}

function readOptions(): Load & { readonly runs: number } {
  const text = { type: "string" } as const
  const { values } = parseArgs({ options: { lines: text, bytes: text, runs: text, format: text } })
  const { lines = "2000000", bytes = "200", runs = "3", format: name = "line" } = values
  const numbers = { lines: Number(lines), bytes: Number(bytes), runs: Number(runs) }
  if (Object.values(numbers).some((value) => !(value > 0 && value <= 1e8))) throw new Error(usage)
  return { ...numbers, format: name }
}

const agents = new Set<ChildProcess>()
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => process.exit(130))
}
process.on("exit", () => {
  for (const agent of agents) agent.kill("SIGKILL")
  cleanUp()
})
if (process.platform !== "linux") throw new Error("CPU and memory are read from Linux's /proc")
removeLeftovers()
const { runs, ...load } = readOptions()
const tree = await loadTree(house)
const rows: Row[] = []
for (let run = 0; run < runs; run++) {
  rows.push(await withServer(tree, "none", (server) => follow(server, load)))
}
process.stdout.write(`${format(rows)}\n`)
