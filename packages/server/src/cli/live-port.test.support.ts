import { fork } from "node:child_process"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { PassThrough, Writable } from "node:stream"
import { fileURLToPath } from "node:url"
import { formatProfile, loadProfile, type Profile } from "@postern/client"
import { vi } from "vitest"
import { initDirectory } from "../guard/setup/index.ts"
import type { CommandIo } from "./io.ts"
import { run } from "./main.ts"

const dayMs = 86_400_000
const mainOf = (name: "port" | "reader") =>
  fileURLToPath(new URL(`../../dist/${name}/main.js`, import.meta.url))

/** An installation in a directory with its port process running on a free port. */
export interface LivePort {
  readonly directory: string
  readonly config: string
  /** Of a writer, with the address that the port listens on. */
  readonly writer: string
  readonly reader: string
  readonly vkey: string
  stop(): Promise<void>
}

export async function startLivePort(directory: string): Promise<LivePort> {
  const made = await initDirectory({ directory, ports: { write: 0, read: 0, ops: 0 } })
  const { ready, stop } = await startProcess("port", made.config.file)
  const writer = join(directory, "profiles", "live.yaml")
  writeProfile(writer, made.profiles.writer, { address: ready.write?.[0] ?? "" })
  const { vkey, profiles, config } = made
  return { directory, config: config.file, writer, reader: profiles.reader, vkey, stop }
}

/** The reader process of an installation; gives the address that it listens on. */
export async function startLiveReader(
  config: string,
): Promise<{ address: string; stop(): Promise<void> }> {
  const { ready, stop } = await startProcess("reader", config)
  return { address: ready.read?.[0] ?? "", stop }
}

/** Another profile with some of its members changed. */
export function writeProfile(path: string, from: string, change: Partial<Profile>): void {
  writeFileSync(path, formatProfile({ ...loadProfile(from), ...change }), { mode: 0o600 })
}

/** One process of an installation, with the environment of now. */
export async function startProcess(name: "port" | "reader", config: string) {
  const child = fork(mainOf(name), [config], { stdio: ["ignore", "ignore", "pipe", "ipc"] })
  let said = ""
  child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString()
  })
  const exit = once(child, "exit")
  const [message] = await Promise.race([
    once(child, "message"),
    exit.then((): never => {
      throw new Error(`the ${name} ended: ${said}`)
    }),
  ])
  const { ready } = message as { ready: { write?: string[]; read?: string[] } }
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM")
    await exit
  }
  return { ready, stop }
}

/** One whose clock is so many days ahead. */
export async function startProcessLater(name: "port" | "reader", config: string, days: number) {
  const text = `const now=Date.now;Date=class extends Date{constructor(...a){a.length?super(...a):super(Date.now())}static now(){return now()+${days * dayMs}}}`
  vi.stubEnv("NODE_OPTIONS", `--import "data:text/javascript,${encodeURIComponent(text)}"`)
  return startProcess(name, config).finally(() => vi.unstubAllEnvs())
}

export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** The command line in this process, with standard input given and what it prints kept. */
export async function runHere(args: readonly string[], input: string | Buffer = ""): Promise<Ran> {
  const said = { stdout: "", stderr: "" }
  const keep = (name: keyof typeof said) =>
    new Writable({
      write: (chunk, _encoding, done) => {
        said[name] += String(chunk)
        done()
      },
    })
  const [stdout, stderr] = [keep("stdout"), keep("stderr")]
  const io: CommandIo = {
    stdin: new PassThrough().end(input),
    stdout,
    stderr,
    env: {},
    color: false,
    line: (text) => void stdout.write(`${text}\n`),
    note: (text) => void stderr.write(`${text}\n`),
    now: () => new Date(),
  }
  return { status: await run(args, io), ...said }
}
