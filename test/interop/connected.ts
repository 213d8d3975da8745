import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { until } from "../support/waiting.ts"
import { freePorts, postern } from "./port-process.ts"
import type { Results } from "./results.ts"

export interface FirstEntry {
  readonly verified: boolean
  readonly event: Readonly<Record<string, unknown>> & { readonly action: string }
}

/** An installation that serves, and sources that are connected to it as a person does it: by `postern connect`. */
export class ConnectingHouse {
  readonly #directory: string
  readonly #service: ChildProcess

  static async open(work: string): Promise<ConnectingHouse> {
    const directory = join(work, "connected")
    const [write, read, ops, syslog] = await freePorts(4)
    const ports = ["--write-port", `${write}`, "--read-port", `${read}`, "--ops-port", `${ops}`]
    const made = await postern(["init", directory, ...ports])
    if (made.code !== 0) throw new Error(made.text)
    const config = join(directory, "postern.yaml")
    const plane = `  syslog: ["127.0.0.1:${syslog}"]\n`
    const text = readFileSync(config, "utf8").replace(/^ {2}ops: /m, `${plane}  ops: `)
    writeFileSync(config, text)
    const house = new ConnectingHouse(directory, startPostern(["serve", "--config", config]))
    const reader = join(directory, "profiles", "reader.yaml")
    const isReady = async () =>
      (await postern(["search", "--limit", "1", "--profile", reader])).code === 0 || undefined
    await until(isReady, 60_000, "an installation that serves")
    return house
  }

  private constructor(directory: string, service: ChildProcess) {
    this.#directory = directory
    this.#service = service
  }

  /** Certificate, grant and configuration of a source. One at a time: the access list is changed under a lock. */
  async connect(source: string): Promise<void> {
    const ran = await this.#run(source, ["--apply", "--wait", "0"])
    if (ran.code !== 0) throw new Error(ran.text)
  }

  /** A file that connect() wrote. */
  file(source: string, name: string): string {
    return join(this.#directory, "connect", source, name)
  }

  /** Compares the first entry of a source with what it must be. */
  async checkFirst(results: Results, source: string, action: RegExp): Promise<void> {
    const first = await this.firstEntry(source)
    const holds = first?.verified === true && action.test(first.event.action)
    const came = JSON.stringify(first?.event ?? "none came")
    results.check(holds, `${source}: its first entry, verified`, came)
  }

  /** Its first event, as the same command shows it. */
  async firstEntry(source: string): Promise<FirstEntry | undefined> {
    const { code, text } = await this.#run(source, ["--wait", "40", "--json"])
    if (code !== 0) return undefined
    const { entry } = JSON.parse(text)
    const reader = join(this.#directory, "profiles", "reader.yaml")
    const shown = await postern(["show", `${entry.index}`, "--profile", reader, "--json"])
    return shown.code === 0 ? { ...JSON.parse(shown.text), verified: entry.verified } : undefined
  }

  #run(source: string, args: readonly string[]) {
    const config = join(this.#directory, "postern.yaml")
    return postern(["connect", source, "--config", config, ...args])
  }

  /** How many entries fulfil a query, looked for until there are as many as wanted, or a while is over. */
  async countOf(query: string, wanted: number): Promise<number> {
    const reader = join(this.#directory, "profiles", "reader.yaml")
    let count = 0
    const ask = async () => {
      const { text } = await postern(["search", query, "--scan", "--json", "--profile", reader])
      count = JSON.parse(text).entries.length
      return count >= wanted || undefined
    }
    await until(ask, 30_000, "the entries").catch(() => undefined)
    return count
  }

  /** An empty directory for what a source writes. */
  room(source: string): string {
    const room = join(this.#directory, "rooms", source)
    mkdirSync(room, { recursive: true })
    return room
  }

  async stop(): Promise<void> {
    const ended = once(this.#service, "exit")
    this.#service.kill("SIGTERM")
    await ended
  }
}

/** The command line in a process that goes on, with its standard input open. */
export function startPostern(args: readonly string[]): ChildProcess {
  const bin = new URL("../../packages/server/bin/postern.cjs", import.meta.url).pathname
  return spawn(process.execPath, [bin, ...args], { stdio: ["pipe", "ignore", "ignore"] })
}

/** Changes a text that `postern connect` has written; each change must find its place. */
export function rewrite(file: string, changes: readonly (readonly [string, string])[]): string {
  let text = readFileSync(file, "utf8")
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`${file} does not say ${from}`)
    text = text.replaceAll(from, to)
  }
  writeFileSync(file, text)
  return text
}

export async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, "exit")
  child.kill(signal)
  await exit
}
