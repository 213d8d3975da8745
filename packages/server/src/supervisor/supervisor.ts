import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { PosternError } from "@postern/log/base"

/** The processes of a service, by what they may touch. They meet on disk and on the wire, never in memory. */
export type ProcessName = "port" | "reader" | "courier"

const mains: Readonly<Record<ProcessName, URL>> = {
  port: new URL("../port/main.js", import.meta.url),
  reader: new URL("../reader/main.js", import.meta.url),
  courier: new URL("../courier/main.js", import.meta.url),
}
/** No session tickets (bin/openssl.cnf says why). */
const opensslConfig = fileURLToPath(new URL("../../bin/openssl.cnf", import.meta.url))

/**
 * Node flags of each process. All refuse code from strings and tampering with prototypes. The port allocates a buffer
 * per TLS record and nothing else that lives: a small young generation frees them soon, and its heap of some 20 MB is
 * cheaper to mark in one go than beside the work (measured: a tenth of its CPU, a third of its memory).
 */
export const nodeFlags: Readonly<Record<ProcessName, readonly string[]>> = {
  port: [
    "--disallow-code-generation-from-strings",
    "--disable-proto=throw",
    "--max-semi-space-size=2",
    "--no-concurrent-marking",
    "--no-incremental-marking",
    `--openssl-config=${opensslConfig}`,
  ],
  reader: ["--disallow-code-generation-from-strings", "--disable-proto=throw"],
  courier: ["--disallow-code-generation-from-strings", "--disable-proto=throw"],
}
/** What an operator must mend first; starting again would not help (sysexits EX_CONFIG). */
const exitConfig = 78
const restartMsMin = 500
const restartMsMax = 15_000
const steadyMs = 60_000
const drainMsMax = 20_000

/** The command by which somebody else, such as a service manager, runs one of the processes. */
export function processCommand(name: ProcessName, configFile: string): readonly string[] {
  return [process.execPath, ...nodeFlags[name], fileURLToPath(mains[name]), configFile]
}

export interface SupervisorWorld {
  note(text: string): void
  /** A process listens; its message as it sent it. */
  ready(name: ProcessName, message: unknown): void
}

/**
 * Keeps the processes of `postern serve` running: starts them, passes signals on, starts one again that died (recovery
 * decides what is durable), and ends with them.
 */
export class Supervisor {
  readonly #configFile: string
  readonly #world: SupervisorWorld
  readonly #children = new Map<ProcessName, ChildProcess>()
  readonly #restartMs = new Map<ProcessName, number>()
  readonly #timers = new Set<NodeJS.Timeout>()
  /** Started once the port has come up or given up: it records through the port, and would begin with a complaint. */
  #afterPort: ProcessName[] = []
  #stopping = false
  #status = 0
  #done: (status: number) => void = () => undefined

  constructor(configFile: string, world: SupervisorWorld) {
    this.#configFile = configFile
    this.#world = world
  }

  /** Runs until told to stop, or until a process cannot be started. Resolves with the exit status of the service. */
  run(names: readonly ProcessName[]): Promise<number> {
    return new Promise((resolve) => {
      this.#done = resolve
      this.#afterPort = names.filter((name) => name === "courier" && names.includes("port"))
      for (const name of names) if (!this.#afterPort.includes(name)) this.#start(name)
    })
  }

  /** Drains: every process ends by itself, or is ended after a while. */
  stop(): void {
    if (this.#stopping) return
    this.#stopping = true
    this.#afterPort = []
    for (const timer of this.#timers) clearTimeout(timer)
    this.#stopNext()
    const late = setTimeout(() => {
      for (const child of this.#children.values()) child.kill("SIGKILL")
    }, drainMsMax)
    late.unref()
    if (this.#children.size === 0) this.#done(0)
  }

  /** The port goes last: the others still have something to record. */
  #stopNext(): void {
    const first = this.#children.get("reader") ?? this.#children.get("courier")
    const next = first ?? this.#children.get("port")
    next?.kill("SIGTERM")
  }

  reload(): void {
    for (const child of this.#children.values()) child.kill("SIGHUP")
  }

  #start(name: ProcessName): void {
    const began = performance.now()
    const child = fork(fileURLToPath(mains[name]), [this.#configFile], {
      execArgv: [...nodeFlags[name]],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    })
    this.#children.set(name, child)
    child.on("message", (message) => {
      this.#world.ready(name, message)
      if (name === "port") this.#startAfterPort()
    })
    child.on("error", (error) => this.#world.note(`${name}: ${error.message}`))
    child.on("exit", (status, signal) => {
      this.#children.delete(name)
      this.#ended(name, status, signal, performance.now() - began)
    })
  }

  #startAfterPort(): void {
    for (const name of this.#afterPort.splice(0)) this.#start(name)
  }

  #ended(name: ProcessName, status: number | null, signal: string | null, livedMs: number): void {
    if (status === exitConfig) this.#status = exitConfig
    if (this.#status !== 0) this.stop()
    if (this.#stopping) {
      this.#stopNext()
      if (this.#children.size === 0) this.#done(this.#status)
      return
    }
    if (name === "port") this.#startAfterPort()
    const before = livedMs > steadyMs ? restartMsMin : (this.#restartMs.get(name) ?? restartMsMin)
    this.#restartMs.set(name, Math.min(before * 2, restartMsMax))
    this.#world.note(
      `${name}: ended (${signal ?? `status ${status}`}), starts again in ${before} ms`,
    )
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#start(name)
    }, before)
    this.#timers.add(timer)
  }
}

/** Errors: USAGE for a name that is not a process. */
export function parseProcessName(text: string): ProcessName {
  if (text === "port" || text === "reader" || text === "courier") return text
  throw new PosternError("USAGE", `${text} is not a process, only port, reader and courier are`)
}
