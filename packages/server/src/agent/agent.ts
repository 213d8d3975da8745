import { X509Certificate } from "node:crypto"
import { mkdirSync, readFileSync } from "node:fs"
import type { Server } from "node:net"
import { loadProfile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import type { Tell } from "../lifetime/index.ts"
import { openSource } from "./open-source.ts"
import { Outbound } from "./outbound.ts"
import { readSettings } from "./read-settings.ts"
import type { AgentSettings, SourceSettings } from "./settings/index.ts"
import type { Source } from "./source.ts"
import { type AgentWord, sayWord } from "./word.ts"

/** For what is not acknowledged when the agent ends; the rest waits in the spools. */
const flushMs = 5_000

/** A source at work, with its way out. */
interface Running {
  readonly settings: SourceSettings
  /** What it was made from: if that changes, it is made anew. */
  readonly from: string
  readonly source: Source
  readonly outbound: Outbound
}

/** The sources of one agent.yaml: begins them, changes them when the file does, ends them. */
export class Agent {
  readonly #file: string
  readonly #tell: Tell
  readonly #since = new Date().toISOString()
  #settings: AgentSettings
  #readAt = new Date().toISOString()
  #configProblem: string | undefined
  #running: Running[] = []
  #server: Server | undefined
  #changing: Promise<void> = Promise.resolve()
  #isClosed = false
  /** Called when no source can ever give anything again. */
  onOver: () => void = () => undefined

  /** Errors: CONFIG_INVALID, PROFILE_INVALID, SPOOL_LOCKED, SPOOL_DAMAGED, ADDRESS_IN_USE, BIND_REFUSED. */
  static async open(file: string, tell: Tell): Promise<Agent> {
    const agent = new Agent(file, await readSettings(file), tell)
    try {
      await agent.#start()
    } catch (error) {
      await agent.close()
      throw error
    }
    return agent
  }

  private constructor(file: string, settings: AgentSettings, tell: Tell) {
    this.#file = file
    this.#settings = settings
    this.#tell = tell
  }

  async #start(): Promise<void> {
    const { state, sources } = this.#settings
    mkdirSync(state, { recursive: true, mode: 0o700 })
    for (const settings of sources) this.#running.push(await this.#open(settings))
    this.#server = await sayWord(state, () => this.word())
  }

  async #open(settings: SourceSettings): Promise<Running> {
    const { profile } = this.#settings
    const outbound = await Outbound.open(settings, profile, this.#tell)
    try {
      const source = await openSource(settings, outbound, this.#tell)
      await source.start()
      const running = { settings, from: formOf(settings, profile), source, outbound }
      source.over.then(
        () => this.#ended(running),
        (error) => this.#tell("error", `source ${settings.name}: ${error}`),
      )
      return running
    } catch (error) {
      await outbound.close(0)
      throw error
    }
  }

  #ended({ settings }: Running): void {
    this.#tell("info", `source ${settings.name} is over`)
    const isOver = this.#running.every(({ source }) => source.word().state === "over")
    if (isOver && !this.#isClosed) this.onOver()
  }

  /** Reads agent.yaml again; one that is bad changes nothing. What did not change goes on undisturbed. */
  reload(): Promise<void> {
    this.#changing = this.#changing
      .then(() => this.#reload())
      .catch((error) => this.#tell("error", `agent.yaml could not be put to work: ${error}`))
    return this.#changing
  }

  async #reload(): Promise<void> {
    if (this.#isClosed) return
    let settings: AgentSettings
    try {
      settings = await readSettings(this.#file)
      if (settings.state !== this.#settings.state) {
        throw new PosternError("CONFIG_INVALID", "state: another directory takes a new start")
      }
    } catch (error) {
      this.#configProblem = String(error instanceof Error ? error.message : error)
      this.#tell("error", "agent.yaml is not used, everything stays as it was", {
        problem: this.#configProblem,
      })
      return
    }
    this.#settings = settings
    this.#configProblem = undefined
    this.#readAt = new Date().toISOString()
    const wanted = new Map(
      settings.sources.map((one) => [formOf(one, settings.profile), one] as const),
    )
    const kept = this.#running.filter(({ from }) => wanted.has(from))
    const gone = this.#running.filter(({ from }) => !wanted.has(from))
    this.#running = kept
    await Promise.all(gone.map((running) => end(running)))
    const names = new Set(kept.map(({ from }) => from))
    const added = [...wanted].filter(([from]) => !names.has(from))
    for (const [, one] of added) await this.#add(one)
    const counts = { kept: kept.length, ended: gone.length, begun: added.length }
    this.#tell("info", "agent.yaml is in force", counts)
  }

  /** One that cannot begin is told of, and does not keep the others from it. */
  async #add(settings: SourceSettings): Promise<void> {
    try {
      this.#running.push(await this.#open(settings))
    } catch (error) {
      this.#configProblem = `${settings.name}: ${error instanceof Error ? error.message : error}`
      this.#tell("error", `source ${settings.name} could not begin`, { error: String(error) })
    }
  }

  word(): AgentWord {
    const { profile } = this.#settings
    return {
      pid: process.pid,
      since: this.#since,
      config: this.#file,
      readAt: this.#readAt,
      configProblem: this.#configProblem,
      profile: profileWord(profile),
      sources: this.#running.map(({ settings, source, outbound }) => {
        const { connected, pendingEvents, acked, refused, lost, taken, ...spool } = outbound.status
        const fill = 1 - spool.spoolBytesFree / spool.spoolBytesMax
        return {
          name: settings.name,
          ...source.word(),
          ...{ connected, pendingEvents, acked, refused, lost, taken },
          spoolFill: Math.round(fill * 1000) / 1000,
          lastProblem: outbound.lastProblem,
        }
      }),
    }
  }

  /** Takes nothing more, waits a little for the port, and leaves the rest in the spools. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#changing
    this.#server?.close()
    await Promise.all(this.#running.map((running) => end(running)))
  }
}

async function end({ source, outbound }: Running): Promise<void> {
  await source.stop()
  await outbound.close(flushMs)
}

/** What a source is made from, mapping file included. */
function formOf(settings: SourceSettings, profile: string): string {
  const { mapping } = settings
  return JSON.stringify([profile, settings, mapping && readFileSync(mapping, "utf8")])
}

function profileWord(path: string): AgentWord["profile"] {
  try {
    const { id, certificate } = loadProfile(path)
    const { validTo } = new X509Certificate(certificate)
    return { id, certificateEnds: new Date(validTo).toISOString() }
  } catch {
    return { id: "unknown", certificateEnds: undefined } // Being replaced, or spoilt: the writers tell.
  }
}
