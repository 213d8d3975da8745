import { type ChildProcess, fork } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type PolicyName, policyText } from "./policies.ts"
import type { Tree } from "./tree.ts"
import { house } from "./tree.ts"

/** A port process of its own, in a directory as `postern init` makes it. */
export interface Server {
  readonly pid: number
  readonly port: number
  readonly profile: string
  readonly directory: string
  /** From the start of the process until it listened. */
  readonly startMs: number
  /** Ends the process and waits for its end. */
  stop(signal: "SIGTERM" | "SIGKILL"): Promise<void>
  /** The same directory once more, after stop(). */
  restart(): Promise<Server>
}

/** Same disk as the sources; below it one directory per bench process. */
const works = join(house, "bench", ".work")
const work = join(works, String(process.pid))
const startMsMax = 120_000
const running = new Set<ChildProcess>()
let directories = 0

/** Kills what still runs and removes everything that was written. */
export function cleanUp(): void {
  for (const child of running) child.kill("SIGKILL")
  rmSync(work, { recursive: true, force: true, maxRetries: 5 })
}

/** Removes what bench processes left behind that were killed. */
export function removeLeftovers(): void {
  if (!existsSync(works)) return
  for (const name of readdirSync(works)) {
    if (!existsSync(`/proc/${name}`)) rmSync(join(works, name), { recursive: true, force: true })
  }
}

/**
 * Makes a directory, starts the port process of `tree` in it, hands it to `use` and takes it away again.
 * @param way in that its writer has besides those that `postern init` gives it
 */
export async function withServer<T>(
  tree: Tree,
  policy: PolicyName,
  use: (server: Server) => Promise<T>,
  way?: string,
): Promise<T> {
  const directory = join(work, String(++directories))
  mkdirSync(work, { recursive: true })
  try {
    await tree.initDirectory({ directory, ports: { write: 0, read: 0, ops: 0 } })
    givePolicy(directory, policy)
    if (way !== undefined) grant(directory, way)
    const server = await startServer(tree, directory)
    try {
      return await use(server)
    } finally {
      await server.stop("SIGKILL")
    }
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

function givePolicy(directory: string, policy: PolicyName): void {
  const file = join(directory, "policy.yaml")
  const text = policyText(policy)
  if (text === undefined) return
  if (text !== "") return writeFileSync(file, text)
  rmSync(file, { force: true })
  const config = join(directory, "postern.yaml")
  writeFileSync(config, readFileSync(config, "utf8").replace(/^policy: .*\n/m, ""))
}

function grant(directory: string, way: string): void {
  const file = join(directory, "access.yaml")
  const text = readFileSync(file, "utf8")
  writeFileSync(file, text.replace("[postern, http, kubernetes]", `[postern, http, ${way}]`))
}

async function startServer(tree: Tree, directory: string): Promise<Server> {
  const began = performance.now()
  const child = fork(tree.portMain, [join(directory, "postern.yaml")], {
    execArgv: [...tree.execArgv],
    stdio: ["ignore", "inherit", "pipe", "ipc"],
  })
  running.add(child)
  let said = ""
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000)
  })
  let stopping = false
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => {
      running.delete(child)
      if (!stopping) process.stderr.write(`bench: the port process has ended:\n${said}\n`)
      resolve()
    })
  })
  const address = await readyAddress(child)
  return {
    pid: child.pid ?? 0,
    port: Number(address.split(":").at(-1)),
    profile: join(directory, "profiles/writer.yaml"),
    directory,
    startMs: performance.now() - began,
    async stop(signal) {
      stopping = true
      child.kill(signal)
      await ended
    },
    restart: () => startServer(tree, directory),
  }
}

function readyAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the server does not start")), startMsMax)
    child.once("exit", () => reject(new Error("the server did not start")))
    child.once("message", (message: { ready?: { write?: string[] } }) => {
      clearTimeout(timer)
      const address = message.ready?.write?.[0]
      if (address === undefined) reject(new Error("the server did not say where it listens"))
      else resolve(address)
    })
  })
}
