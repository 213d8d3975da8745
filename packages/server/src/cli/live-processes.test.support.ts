import { type ChildProcess, fork, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { initDirectory } from "../guard/setup/index.ts"
import { freePorts } from "./free-ports.test.support.ts"

const mains = {
  port: fileURLToPath(new URL("../../dist/port/main.js", import.meta.url)),
  reader: fileURLToPath(new URL("../../dist/reader/main.js", import.meta.url)),
  courier: fileURLToPath(new URL("../../dist/courier/main.js", import.meta.url)),
}
const postern = fileURLToPath(new URL("../../bin/postern.cjs", import.meta.url))

/** An installation with both of its processes running, as `postern serve` runs them. */
export async function startProcesses(directory: string) {
  const [write, read, ops] = await freePorts(3)
  const made = await initDirectory({
    directory,
    ports: { write: write as number, read: read as number, ops: ops as number },
  })
  const running = new Map<keyof typeof mains, ChildProcess>()
  async function start(name: keyof typeof mains): Promise<void> {
    running.set(name, await startProcess(name, made.config.file))
  }
  async function end(name: keyof typeof mains, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = running.get(name)
    running.delete(name)
    if (child === undefined) return
    const exit = once(child, "exit")
    child.kill(signal)
    await exit
  }
  await start("port")
  await start("reader")
  return {
    ...made,
    /** One of the two again, after `end`. */
    start,
    end,
    /** Takes the time from one of the two, as a machine without power does, and gives it back. */
    hold: (name: keyof typeof mains) => running.get(name)?.kill("SIGSTOP"),
    release: (name: keyof typeof mains) => running.get(name)?.kill("SIGCONT"),
    async stop() {
      for (const name of ["courier", "reader", "port"] as const) await end(name, "SIGTERM")
    },
  }
}

async function startProcess(name: keyof typeof mains, config: string): Promise<ChildProcess> {
  const child = fork(mains[name], [config], { stdio: ["ignore", "ignore", "pipe", "ipc"] })
  let said = ""
  child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString()
  })
  const ended = once(child, "exit").then((): never => {
    throw new Error(`the ${name} ended: ${said}`)
  })
  await Promise.race([once(child, "message"), ended])
  ended.catch(() => "from here on it may")
  return child
}

/** A command in a process of its own, which a signal ends. */
export function startCommand(args: readonly string[]) {
  const child = spawn(process.execPath, [postern, ...args], { stdio: ["ignore", "pipe", "pipe"] })
  const said = { stdout: "", stderr: "" }
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (chunk: Buffer) => {
      said[name] += chunk.toString()
    })
  }
  const closed = once(child, "close")
  return {
    said,
    async stop(): Promise<number | null> {
      child.kill("SIGINT")
      return (await closed)[0] as number | null
    },
  }
}
