import { type ChildProcess, fork } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { nodeFlags, type ProcessName } from "../../packages/server/dist/supervisor/supervisor.js"
import { house } from "../tree.ts"

/** A process of an installation, started as `postern serve` does. */
export interface Running {
  readonly pid: number
  /** Port number on 127.0.0.1 of the plane that it serves. */
  readonly port: number
  /** From the start of the process until it listened. */
  readonly startMs: number
  stop(): Promise<void>
}

const running = new Map<ChildProcess, NodeJS.Signals>()
const startMsMax = 600_000

export function killProcesses(): void {
  for (const [child, signal] of running) child.kill(signal)
}

/** A child that `killProcesses` ends too, with this signal. */
export function keepTrack(child: ChildProcess, signal: NodeJS.Signals): void {
  running.set(child, signal)
  child.once("exit", () => running.delete(child))
}

/** Starts the port or the reader over an installation. Rejects if it does not listen. */
export async function startProcess(
  name: Extract<ProcessName, "port" | "reader">,
  directory: string,
): Promise<Running> {
  const began = performance.now()
  const main = join(house, "packages/server/dist", name, "main.js")
  const child = fork(main, [join(directory, "postern.yaml")], {
    execArgv: [...nodeFlags[name]],
    stdio: ["ignore", "inherit", "pipe", "ipc"],
  })
  keepTrack(child, "SIGKILL")
  let said = ""
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000)
  })
  let stopping = false
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => {
      if (!stopping) process.stderr.write(`bench: the ${name} process has ended:\n${said}\n`)
      resolve()
    })
  })
  const address = await readyAddress(child, name === "port" ? "write" : "read")
  return {
    pid: child.pid ?? 0,
    port: Number(address.split(":").at(-1)),
    startMs: performance.now() - began,
    async stop() {
      stopping = true
      child.kill("SIGTERM")
      await ended
    },
  }
}

function readyAddress(child: ChildProcess, plane: "write" | "read"): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("a process does not start")), startMsMax)
    child.once("exit", () => reject(new Error("a process did not start")))
    child.on("message", (message: { ready?: Record<string, string[]> }) => {
      const address = message.ready?.[plane]?.[0]
      if (address === undefined) return
      clearTimeout(timer)
      resolve(address)
    })
  })
}

/** Gives an installation ports that nobody has: the reader writes its records to the one that stands in the configuration. */
export async function settlePorts(directory: string): Promise<void> {
  const file = join(directory, "postern.yaml")
  let text = readFileSync(file, "utf8")
  for (const plane of ["write", "read", "ops"]) {
    const pattern = new RegExp(`^( {2}${plane}: \\["127\\.0\\.0\\.1:)\\d+`, "m")
    if (!pattern.test(text)) throw new Error(`${file} does not say where ${plane} listens`)
    text = text.replace(pattern, `$1${await freePort()}`)
  }
  writeFileSync(file, text)
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0))
    })
  })
}
