import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePorts } from "./port-process.ts"

const debian = "/usr/lib/postgresql"
const startMs = 20_000

/** Why there is no PostgreSQL to run; undefined if there is. */
export async function whyNoPostgres(): Promise<string | undefined> {
  if (binDirectory() === undefined) return `no PostgreSQL server below ${debian}`
  const [command = "true", ...args] = asNobody(["true"])
  const { status } = spawnSync(command, args)
  return status === 0 ? undefined : "root may not run it, and gets no user namespace"
}

function binDirectory(): string | undefined {
  const versions = existsSync(debian) ? readdirSync(debian) : []
  const directories = versions.map((version) => join(debian, version, "bin"))
  return directories.sort().findLast((directory) => existsSync(join(directory, "initdb")))
}

/** It refuses to run as root. In a user namespace of its own nobody is, and files belong to who made them all the same. */
function asNobody(command: readonly string[]): readonly string[] {
  return process.getuid?.() === 0 ? ["unshare", "--user", ...command] : command
}

/** A PostgreSQL of its own, on 127.0.0.1, in a directory that goes with it. */
export class Postgres {
  readonly port: number
  readonly #directory: string
  readonly #child: ChildProcess

  static async start(): Promise<Postgres> {
    const [port = 0] = await freePorts(1)
    const bin = binDirectory() ?? ""
    const directory = mkdtempSync(join(tmpdir(), "postern-postgres-"))
    const data = join(directory, "data")
    const initdb = ["--pgdata", data, "--auth", "trust", "--username", "postgres", "--no-sync"]
    const [init = "", ...initArgs] = asNobody([join(bin, "initdb"), ...initdb, "--no-locale"])
    execFileSync(init, [...initArgs, "--encoding", "UTF8"], { stdio: ["ignore", "ignore", "pipe"] })
    const sockets = `unix_socket_directories=${directory}`
    const settings = ["fsync=off", "listen_addresses=127.0.0.1", sockets]
    const args = ["-D", data, "-p", `${port}`, ...settings.flatMap((setting) => ["-c", setting])]
    const [command = "", ...rest] = asNobody([join(bin, "postgres"), ...args])
    const child = spawn(command, rest, { stdio: ["ignore", "ignore", "pipe"] })
    await ready(child)
    return new Postgres(port, directory, child)
  }

  private constructor(port: number, directory: string, child: ChildProcess) {
    this.port = port
    this.#directory = directory
    this.#child = child
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, "exit")
    // Immediate shutdown: nothing of it is needed any more.
    this.#child.kill("SIGQUIT")
    await ended
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function ready(child: ChildProcess): Promise<void> {
  let said = ""
  await new Promise<void>((resolve, reject) => {
    const failed = () => reject(new Error(`postgres did not start: ${said}`))
    const timer = setTimeout(failed, startMs)
    child.once("exit", failed)
    child.stderr?.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-8_000)
      if (!said.includes("ready to accept connections")) return
      clearTimeout(timer)
      child.off("exit", failed)
      resolve()
    })
  })
}
