import { fork } from "node:child_process"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { PassThrough, Writable } from "node:stream"
import { fileURLToPath } from "node:url"
import { formatProfile, loadProfile } from "@postern/client"
import { initDirectory } from "../guard/setup/index.ts"
import type { CommandIo } from "./io.ts"
import { run } from "./main.ts"

const portMain = fileURLToPath(new URL("../../dist/port/main.js", import.meta.url))

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
  const child = fork(portMain, [made.config.file], { stdio: ["ignore", "ignore", "pipe", "ipc"] })
  let said = ""
  child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString()
  })
  const exit = once(child, "exit")
  const [message] = await Promise.race([
    once(child, "message"),
    exit.then((): never => {
      throw new Error(`the port ended: ${said}`)
    }),
  ])
  const address = (message as { ready: { write: string[] } }).ready.write[0] ?? ""
  const writer = join(directory, "profiles", "live.yaml")
  const profile = { ...loadProfile(made.profiles.writer), address }
  writeFileSync(writer, formatProfile(profile), { mode: 0o600 })
  return {
    directory,
    config: made.config.file,
    writer,
    reader: made.profiles.reader,
    vkey: made.vkey,
    async stop() {
      child.kill("SIGTERM")
      await exit
    },
  }
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
