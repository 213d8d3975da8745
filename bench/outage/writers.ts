import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { formatProfile, loadProfile } from "@postern/client"
import {
  type AgentWord,
  agentEnvironment,
  agentFlags,
  askWord,
} from "../../packages/server/dist/agent/index.js"
import type { Server } from "../server.ts"
import { house } from "../tree.ts"
import type { ApplicationWord } from "./application.ts"
import type { ProducerWord } from "./producer.ts"

export interface WritersLoad {
  /** Events a second of the application, and lines of the file; a tenth over HTTP. */
  readonly rate: number
  readonly spoolBytes: number
}

/** How far one of them is. */
export interface SourceReach {
  readonly written: number
  /** Written and not acknowledged, not told as lost either; about. */
  readonly behind: number
}

export interface Reached {
  readonly application: SourceReach
  readonly file: SourceReach
  readonly http: SourceReach
}

export type Written = Record<keyof Reached, number>

const running = new Set<ChildProcess>()
const settleMs = 200
const settleMsMax = 120_000

export function killWriters(): void {
  for (const child of running) child.kill("SIGKILL")
}

/** The application, the agent and what brings the agent its records: each a process of its own. */
export class Writers {
  readonly #directory: string
  readonly #application: ChildProcess
  readonly #agent: ChildProcess
  readonly #producer: ChildProcess

  static async start(server: Server, { rate, spoolBytes }: WritersLoad): Promise<Writers> {
    const directory = join(server.directory, "writers")
    mkdirSync(directory)
    const profile = join(directory, "writer.yaml")
    writeProfile(directory, server.profile, server.port)
    const spool = join(directory, "spool")
    const application = start("application.ts", [profile, spool, `${spoolBytes}`, `${rate}`])
    const log = join(directory, "app.log")
    writeFileSync(log, "")
    const config = join(directory, "agent.yaml")
    writeFileSync(config, JSON.stringify(agentSettings(spoolBytes)))
    const main = join(house, "packages/server/dist/agent/main.js")
    const agent = forked(main, [config], agentFlags, agentEnvironment, "ignore")
    const [{ ready }] = await once(agent, "message")
    const places: { name: string; places: string[] }[] = ready.agent
    const url = `${places.find(({ name }) => name === "http")?.places[0]}/v1/events`
    return new Writers(directory, application, agent, start("producer.ts", [log, url, `${rate}`]))
  }

  private constructor(
    directory: string,
    application: ChildProcess,
    agent: ChildProcess,
    producer: ChildProcess,
  ) {
    this.#directory = directory
    this.#application = application
    this.#agent = agent
    this.#producer = producer
  }

  get applicationPid(): number {
    return this.#application.pid ?? 0
  }

  get agentPid(): number {
    return this.#agent.pid ?? 0
  }

  /** The port listens elsewhere now; the profile is read at each attempt to connect. */
  pointTo(port: number): void {
    writeProfile(this.#directory, join(this.#directory, "writer.yaml"), port)
  }

  async reached(): Promise<Reached> {
    const application = await ask<ApplicationWord>(this.#application, "word")
    const producer = await ask<ProducerWord>(this.#producer, "word")
    const { sources } = await this.#agentWord()
    const ackedOf = (name: string) => sources.find((one) => one.name === name)?.acked ?? NaN
    const { file, http, httpDue } = producer
    return {
      application: { written: application.written, behind: application.pending },
      file: { written: file, behind: file - ackedOf("file") },
      http: { written: http, behind: http + httpDue - ackedOf("http") },
    }
  }

  #agentWord(): Promise<AgentWord> {
    return askWord(join(this.#directory, "state"))
  }

  /** Ends them once everything is acknowledged or told as lost; what they have written. */
  async finish(): Promise<Written> {
    const producer = await ask<ProducerWord>(this.#producer, "finish")
    const application = await ask<ApplicationWord>(this.#application, "finish")
    const until = performance.now() + settleMsMax
    for (let pending = 1; pending > 0; ) {
      if (performance.now() > until) throw new Error("the agent does not come to an end")
      await new Promise((resolve) => setTimeout(resolve, settleMs))
      const { sources } = await this.#agentWord()
      pending = sources.reduce((sum, one) => sum + one.pendingEvents + (one.lagBytes ?? 0), 0)
    }
    this.#agent.kill("SIGTERM")
    await once(this.#agent, "exit")
    return { application: application.written, file: producer.file, http: producer.http }
  }
}

function agentSettings(bytesMax: number) {
  return {
    ...{ profile: "writer.yaml", state: "state", spool: { bytesMax } },
    sources: [
      { name: "file", file: "app.log", format: "line" },
      { name: "http", http: { address: "127.0.0.1:0" } },
    ],
  }
}

function writeProfile(directory: string, from: string, port: number): void {
  const profile = { ...loadProfile(from), address: `127.0.0.1:${port}` }
  writeFileSync(join(directory, "writer.yaml"), formatProfile(profile), { mode: 0o600 })
}

function start(programme: string, words: readonly string[]): ChildProcess {
  const path = fileURLToPath(new URL(programme, import.meta.url))
  return forked(path, words, [], {}, "inherit")
}

function forked(
  path: string,
  words: readonly string[],
  flags: readonly string[],
  environment: Readonly<Record<string, string>>,
  stderr: "ignore" | "inherit",
): ChildProcess {
  const stdio = ["ignore", "ignore", stderr, "ipc"] as const
  const env = { ...process.env, ...environment }
  const child = fork(path, [...words], { env, execArgv: [...flags], stdio: [...stdio] })
  running.add(child)
  child.once("exit", (code) => {
    running.delete(child)
    if (code === 0 || code === null) return
    process.stderr.write(`bench: ${path} has ended with ${code}\n`)
    process.exit(1)
  })
  return child
}

async function ask<Word>(child: ChildProcess, what: "word" | "finish"): Promise<Word> {
  const answered = once(child, "message")
  child.send(what)
  const [word] = await answered
  return word
}
