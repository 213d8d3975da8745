import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { nodeFlags } from "../../packages/server/dist/supervisor/supervisor.js"
import { within } from "../support/waiting.ts"
import { childOf, killProcess, watchChild } from "./cleanup.ts"

const house = fileURLToPath(new URL("../../", import.meta.url))
const mains = {
  port: `${house}packages/server/dist/port/main.js`,
  reader: `${house}packages/server/dist/reader/main.js`,
} as const
const bin = `${house}packages/server/bin/postern.cjs`
const exitMsMax = 20_000

export interface StartOptions {
  /** Another main file than that of the product. */
  readonly main?: string
  /** A command that runs the process under itself, such as strace with its options. */
  readonly under?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface ServerProcess {
  /** Resolves once it listens; rejects if it ends before. */
  readonly ready: Promise<void>
  /** Resolves with the exit code, null after a signal. */
  readonly exit: Promise<number | null>
  /** What it said on standard error, the last part of it. */
  said(): string
  /** Of the process itself, also if it runs under another command. */
  signal(signal: "SIGTERM" | "SIGKILL"): Promise<number | null>
}

/**
 * Starts one of the processes of an installation, with the flags that `postern serve` gives it. It ends by itself when
 * the programme does: its message channel closes then.
 */
export function startProcess(
  name: keyof typeof mains,
  config: string,
  options: StartOptions = {},
): ServerProcess {
  const node = [process.execPath, ...nodeFlags[name], options.main ?? mains[name], config]
  const [command = "", ...args] = [...(options.under ?? []), ...node]
  const child = watchChild(
    spawn(command, args, {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: { ...process.env, ...options.env },
    }),
  )
  let text = ""
  child.stderr?.on("data", (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-8000)
  })
  const exit = once(child, "close").then(([code]) => code as number | null)
  const ready = Promise.race([
    once(child, "message").then(() => undefined),
    exit.then((code) => {
      throw new Error(`the ${name} ended with ${code} before it listened: ${text.slice(-600)}`)
    }),
  ])
  ready.catch(() => undefined) // Whoever expects it not to start looks at `exit` only.
  exit.catch(() => undefined) // A command that cannot be started is told by `ready`.
  return {
    ready,
    exit,
    said: () => text,
    async signal(signal) {
      killProcess(options.under === undefined ? child.pid : childOf(child.pid), signal)
      return within(exit, exitMsMax, `the end of the ${name} after ${signal}`)
    },
  }
}

/** Starts the port and waits until it listens. */
export async function startPort(config: string): Promise<ServerProcess> {
  const port = startProcess("port", config)
  await port.ready
  return port
}

/** Starts a port that ought not to start. If it listens all the same it is killed, and the code is undefined. */
export async function startRefused(
  config: string,
): Promise<{ code: number | null | undefined; said: string }> {
  const port = startProcess("port", config)
  await port.ready.catch(() => undefined) // Refused, as it should be: its exit code counts.
  const listens = port.said().includes('"listening"')
  const code = listens ? undefined : await port.exit
  await port.signal("SIGKILL")
  return { code, said: port.said() }
}

/** Runs a command of the CLI to its end. */
export async function postern(
  args: readonly string[],
): Promise<{ code: number | null; text: string }> {
  const child = watchChild(
    spawn(process.execPath, [bin, ...args], { stdio: ["ignore", "pipe", "pipe"] }),
  )
  let text = ""
  const add = (chunk: Buffer): void => {
    text = (text + chunk.toString()).slice(-8000)
  }
  child.stdout.on("data", add)
  child.stderr.on("data", add)
  const [code] = (await once(child, "close")) as [number | null]
  return { code, text }
}
