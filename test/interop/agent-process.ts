import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type AgentWord, agentFlags, askWord } from "../../packages/server/dist/agent/index.js"
import { until, within } from "../support/waiting.ts"

const main = fileURLToPath(new URL("../../packages/server/dist/agent/main.js", import.meta.url))
const startMs = 20_000

/** An agent and its directory, started and killed as often as one likes. */
export class AgentProcess {
  readonly directory: string
  readonly configFile: string
  #child: ChildProcess | undefined
  #said = ""

  /** @param parent where its directory is made */
  constructor(parent: string, profile: string, sources: readonly object[], more: object = {}) {
    this.directory = join(parent, "agent")
    this.configFile = join(this.directory, "agent.yaml")
    mkdirSync(this.directory, { recursive: true })
    this.configure(profile, sources, more)
  }

  configure(profile: string, sources: readonly object[], more: object = {}): void {
    const settings = { profile, state: "state", sources, ...more }
    writeFileSync(this.configFile, JSON.stringify(settings, undefined, 1))
  }

  path(name: string): string {
    return join(this.directory, name)
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  get stdin(): NonNullable<ChildProcess["stdin"]> {
    const { stdin } = this.#child ?? {}
    if (stdin === null || stdin === undefined) throw new Error("the agent does not run")
    return stdin
  }

  /** What it said on standard error, the last part of it. */
  get said(): string {
    return this.#said
  }

  async start(): Promise<void> {
    const child = fork(main, [this.configFile], {
      execArgv: [...agentFlags],
      stdio: ["pipe", "ignore", "pipe", "ipc"],
    })
    this.#child = child
    child.stdin?.on("error", () => undefined)
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString()).slice(-16_000)
    })
    const died = once(child, "close").then(([code]) => {
      throw new Error(`the agent ended with ${code}: ${this.#said}`)
    })
    died.catch(() => undefined) // Of interest until it is ready.
    await within(Promise.race([once(child, "message"), died]), startMs, "the agent's start")
  }

  async end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null
    const exit = once(child, "exit")
    child.kill(signal)
    const [code] = await within(exit, startMs, `the agent's end after ${signal}`)
    return code as number | null
  }

  /** Ends by itself. */
  async exit(): Promise<number | null> {
    const child = this.#child as ChildProcess
    const [code] = await within(once(child, "exit"), startMs, "the agent's own end")
    return code as number | null
  }

  reload(): void {
    this.#child?.kill("SIGHUP")
  }

  word(): Promise<AgentWord> {
    return askWord(join(this.directory, "state"))
  }

  /** Resolves once the agent says so. */
  async says(what: string, wanted: (word: AgentWord) => boolean, ms = 20_000): Promise<AgentWord> {
    const ask = async () => {
      const word = await this.word().catch(() => undefined)
      return word !== undefined && wanted(word) ? word : undefined
    }
    try {
      return await until(ask, ms, what)
    } catch (error) {
      const word = await this.word().catch(String)
      throw new Error(`${error}; ${JSON.stringify(word)}; ${this.#said.slice(-2_000)}`)
    }
  }

  /** Where a source listens: the text of the place. */
  async placeOf(name: string): Promise<string[]> {
    const { sources } = await this.word()
    return [...(sources.find((source) => source.name === name)?.places ?? [])]
  }
}
