import { fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { nodeFlags } from "../../packages/server/dist/supervisor/supervisor.js"
import { within } from "./waiting.ts"

const main = fileURLToPath(new URL("../../packages/server/dist/port/main.js", import.meta.url))
/** The same with segments of 64 KiB. */
const shortSegmentsMain = fileURLToPath(new URL("../crash/matrix/port-main.ts", import.meta.url))
const startMsMax = 30_000
const endMsMax = 20_000

export interface Place {
  readonly host: string
  readonly port: number
}

/** The write process of an installation, as `postern serve` starts it. It ends with the process that started it. */
export interface PortProcess {
  readonly pid: number
  readonly write: Place
  readonly ops: Place
  /** Port 0 if the configuration names none. */
  readonly syslog: Place
  readonly isAlive: boolean
  /** What it said on standard error, the last part of it. */
  said(): string
  /** Resolves with the exit code once it has ended, by itself or not. */
  readonly exit: Promise<number | null>
  /** Sends a signal that ends it; resolves with the exit code, null if the signal itself ended it. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null>
  reload(): void
}

export interface PortOptions {
  /** A command that runs the process under itself, such as strace with its options. */
  readonly under?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Whether a few events begin a new segment. */
  readonly shortSegments?: boolean
}

export async function startPort(
  configFile: string,
  { under = [], env, shortSegments = false }: PortOptions = {},
): Promise<PortProcess> {
  const [execPath = "", ...execArgv] = [...under, process.execPath, ...nodeFlags.port]
  const child = fork(shortSegments ? shortSegmentsMain : main, [configFile], {
    ...{ execPath, execArgv, stdio: ["ignore", "ignore", "pipe", "ipc"] },
    env: { ...process.env, ...env },
  })
  let said = ""
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-16_000)
  })
  const exit = once(child, "exit").then(([code]) => code as number | null)
  // Only the close says that all of its words have come.
  const died = once(child, "close").then(([code]) => {
    throw new Error(`the port ended with ${code}: ${said}`)
  })
  died.catch(() => undefined) // Of interest until it listens.
  const listening = once(child, "message") as Promise<
    [{ ready: Record<"write" | "ops" | "syslog", string[]> }]
  >
  const [{ ready }] = await within(Promise.race([listening, died]), startMsMax, "the port's start")
  return {
    pid: child.pid ?? 0,
    write: placeOf(ready.write),
    ops: placeOf(ready.ops),
    syslog: placeOf(ready.syslog),
    get isAlive() {
      return child.exitCode === null && child.signalCode === null
    },
    said: () => said,
    exit,
    end(signal) {
      child.kill(signal)
      return within(exit, endMsMax, `the port's end after ${signal}`)
    },
    reload: () => {
      child.kill("SIGHUP")
    },
  }
}

function placeOf([address = ""]: readonly string[]): Place {
  const at = address.lastIndexOf(":")
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) }
}
