import { type ExecFileSyncOptions, execFileSync, spawnSync } from "node:child_process"
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { freePorts as freePortsOf } from "../../packages/server/src/cli/free-ports.test.support.ts"
import { until } from "../support/waiting.ts"

export interface Ran {
  readonly code: number | null
  readonly text: string
}

/** Where everything of this programme lies: not below /tmp, which units do not see. */
export class Stage {
  readonly directory: string
  /** The installed command. */
  readonly postern: string
  readonly #env: NodeJS.ProcessEnv

  constructor() {
    this.directory = mkdtempSync("/var/lib/postern-deploy-")
    chmodSync(this.directory, 0o755)
    this.postern = join(this.directory, "prefix/bin/postern")
    // Nothing of this checkout, which may be anywhere: neither its command nor its packages, nor its Node.
    const runtime = join(this.directory, "node/bin")
    mkdirSync(runtime, { recursive: true })
    copyFileSync(process.execPath, join(runtime, "node"))
    const path = [runtime, "/usr/sbin", "/usr/bin", "/sbin", "/bin"].join(":")
    this.#env = { PATH: path, HOME: this.directory, NO_COLOR: "1" }
  }

  run(command: string, args: readonly string[], options: ExecFileSyncOptions = {}): Ran {
    const all = { env: this.#env, cwd: this.directory, ...options, encoding: "utf8" as const }
    const ran = spawnSync(command, [...args], all)
    const text = `${ran.error?.message ?? ""}${ran.stdout ?? ""}${ran.stderr ?? ""}`
    return { code: ran.status, text }
  }

  /** Throws, with what was said, if it fails. */
  must(command: string, args: readonly string[], options: ExecFileSyncOptions = {}): string {
    const all = { env: this.#env, cwd: this.directory, ...options, encoding: "utf8" as const }
    return execFileSync(command, [...args], all)
  }

  get env(): NodeJS.ProcessEnv {
    return this.#env
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** An address of the machine besides loopback, which main.ts makes: firewall rules are for what comes there. */
export const machine = "10.0.0.7"

export interface Ports {
  readonly write: number
  readonly read: number
  readonly ops: number
}

/** Three that nobody listens on. */
export async function freePorts(): Promise<Ports> {
  const [write = 0, read = 0, ops = 0] = await freePortsOf(3)
  return { write, read, ops }
}

/** Resolves when the ops plane says that events are taken. */
export function ready(port: number): Promise<true> {
  const ask = async () => {
    // A held socket takes the connection though nobody answers yet.
    const signal = AbortSignal.timeout(2_000)
    const url = `http://127.0.0.1:${port}/readyz`
    const answer = await fetch(url, { signal }).catch(() => undefined)
    return answer?.status === 200 ? true : undefined
  }
  return until(ask, 40_000, "readiness")
}

export function portFlags({ write, read, ops }: Ports): string[] {
  return ["--write-port", `${write}`, "--read-port", `${read}`, "--ops-port", `${ops}`]
}
