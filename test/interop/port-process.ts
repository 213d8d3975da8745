import { type ChildProcess, fork, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { nodeFlags } from "../../packages/server/dist/supervisor/supervisor.js"

export { freePorts } from "../../packages/server/src/cli/free-ports.test.support.ts"

const house = fileURLToPath(new URL("../../", import.meta.url))
const bin = join(house, "packages/server/bin/postern.cjs")
const portMain = join(house, "packages/server/dist/port/main.js")

/** The real write process of an installation, as `postern serve` starts it. */
export interface PortProcess {
  readonly address: { readonly host: string; readonly port: number }
  /** Resolves when it has ended, with its exit code. */
  stop(signal: "SIGTERM" | "SIGKILL"): Promise<number | null>
}

export async function startPort(config: string): Promise<PortProcess> {
  const child = fork(portMain, [config], {
    execArgv: [...nodeFlags.port],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  })
  let said = ""
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000)
  })
  const exit = once(child, "exit").then(([code]) => code as number | null)
  const address = await Promise.race([
    readyAddress(child),
    // Only the close says that all of its words have come.
    once(child, "close").then(([code]) => {
      throw new Error(`the port process ended with ${code}:\n${said}`)
    }),
  ])
  return {
    address,
    async stop(signal) {
      child.kill(signal)
      return exit
    },
  }
}

async function readyAddress(child: ChildProcess): Promise<PortProcess["address"]> {
  const [message] = (await once(child, "message")) as [{ ready: { write: string[] } }]
  const [host = "", port = ""] = message.ready.write[0]?.split(":") ?? []
  return { host, port: Number(port) }
}

/** Runs a command of the CLI; its output, and its exit code. */
export async function postern(
  args: readonly string[],
  input?: string,
): Promise<{ code: number; text: string }> {
  return run(process.execPath, [bin, ...args], input === undefined ? {} : { input })
}

/** @param input for its standard input */
export async function run(
  command: string,
  args: readonly string[],
  options: {
    readonly env?: NodeJS.ProcessEnv
    readonly input?: string
    readonly cwd?: string
  } = {},
): Promise<{ code: number; text: string }> {
  const { env = process.env, input, cwd } = options
  const stdin = input === undefined ? "ignore" : "pipe"
  const child = spawn(command, args, { env, cwd, stdio: [stdin, "pipe", "pipe"] })
  // A command that ends before it has read everything says why in its own words.
  child.stdin?.on("error", () => undefined).end(input)
  const text: string[] = []
  const errors: string[] = []
  child.stdout?.on("data", (chunk: Buffer) => text.push(chunk.toString()))
  child.stderr?.on("data", (chunk: Buffer) => errors.push(chunk.toString()))
  const [code] = (await once(child, "close")) as [number | null]
  return { code: code ?? 128, text: code === 0 ? text.join("") : errors.join("") + text.join("") }
}
