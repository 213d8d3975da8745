import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { loadProfile } from "@postern/client"
import { type ErrorCode, PosternError } from "@postern/log/base"
import { parsePolicy } from "@postern/log/tlog"
import { readTextFile } from "../config/index.ts"
import { replaceFile } from "../disk/index.ts"
import {
  type AlarmName,
  gravest,
  type Loaded,
  Memory,
  Monitor,
  type MonitorWorld,
  watchedLog,
  withKeys,
} from "../guard/monitor/index.ts"
import type { CommandIo } from "./io.ts"
import { MonitorVoice } from "./monitor-voice.ts"
import { monitoredPort } from "./monitored-port.ts"
import { askKeys, openReadExchange, tilesOf } from "./read-port-tiles.ts"
import { postJson, Webhook } from "./webhook.ts"

export interface MonitorOptions {
  readonly profile: string
  readonly state?: string
  readonly begin?: true
  readonly once?: true
  readonly policy?: string
  readonly webhook?: string
  /** Seconds, all of them. */
  readonly every: number
  readonly silent: number
  readonly stale: number
  readonly expectGrowth?: number
  readonly heartbeat?: number
  readonly json?: true
}

/** A question is given up after this, so that silence is noticed in time. */
const askMsMax = 10_000
/** How long one look waits for checkpoints and cosignatures that are on their way. */
const onceMs = 10_000
const onceEveryMs = 1_000
/** What the webhook is given at the end. */
const lastWordMs = 5_000
const onceLastWordMs = 20_000

/**
 * Watches the log behind a reader's profile: until the signal, or once. Errors of one look: NOTE_INVALID, PROOF_INVALID,
 * LOG_ROLLED_BACK for what is wrong, CHECK_INCOMPLETE for what cannot be known, and whatever keeps the port from answering.
 * Of both: USAGE, PROFILE_INVALID, POLICY_INVALID, LOG_LOCKED, ALREADY_EXISTS, DISK_FULL, DISK_FAILED.
 */
export async function runMonitor(
  options: MonitorOptions,
  io: CommandIo,
  signal: AbortSignal,
): Promise<void> {
  if (options.once && options.heartbeat !== undefined) {
    throw new PosternError("USAGE", "--heartbeat is for a monitor that goes on, not for --once")
  }
  const profile = loadProfile(options.profile)
  const policy =
    options.policy === undefined ? undefined : parsePolicy(readTextFile(options.policy))
  const questions = openReadExchange(profile, Math.min(askMsMax, options.silent * 1000))
  const tiles = openReadExchange(profile)
  const directory = options.state ?? stateDirectory(options.profile)
  const log = await withKeys(
    watchedLog(profile.log, policy),
    {
      ask: () => askKeys(questions),
      learned: (proofs) => replaceFile(keysFile(directory), proofs),
    },
    readIfThere(keysFile(directory)),
  )
  const memory = await Memory.open(directory, log)
  try {
    const loaded = await memory.load(io.now())
    if (options.begin && loaded.forgotten === undefined) {
      throw new PosternError("ALREADY_EXISTS", `${memory.directory} remembers this log`)
    }
    const world = { port: monitoredPort(questions), tiles: tilesOf(tiles), memory }
    const watch = new Watch({ ...world, ...limitsOf(options) }, loaded, options, io, signal)
    await watch.run(() => {
      questions.close()
      tiles.close()
    })
  } finally {
    questions.close()
    tiles.close()
    memory.close()
  }
}

/** Where a monitor keeps its state unless it is told: beside the profile. */
export function stateDirectory(profile: string): string {
  return `${profile.replace(/\.ya?ml$/, "")}.monitor`
}

/** Changes of the log's key that were learned. */
function keysFile(directory: string): string {
  return join(directory, "keys")
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined
}

function limitsOf({ once, silent, stale, expectGrowth, heartbeat }: MonitorOptions) {
  // What is read has to be in the log as soon as an answer would have to come.
  const beaten = heartbeat === undefined ? undefined : heartbeat + silent
  const grows = Math.min(
    expectGrowth ?? Number.POSITIVE_INFINITY,
    beaten ?? Number.POSITIVE_INFINITY,
  )
  const idleMs = Number.isFinite(grows) ? grows * 1000 : undefined
  // One look has no time to wait for more: whoever asks is told what it found.
  const limits = once
    ? { silentMs: 0, staleMs: Math.min(stale * 1000, onceMs), idleMs }
    : { silentMs: silent * 1000, staleMs: stale * 1000, idleMs }
  return { limits, heartbeatMs: heartbeat === undefined ? undefined : heartbeat * 1000 }
}

type Sources = Pick<MonitorWorld, "port" | "tiles" | "memory" | "limits" | "heartbeatMs">

/** The loop around a monitor, and its voice. */
class Watch {
  readonly #loaded: Loaded
  readonly #options: MonitorOptions
  readonly #signal: AbortSignal
  readonly #webhook: Webhook | undefined
  readonly #world: MonitorWorld
  #monitor: Monitor | undefined
  #broken: unknown

  constructor(
    sources: Sources,
    loaded: Loaded,
    options: MonitorOptions,
    io: CommandIo,
    signal: AbortSignal,
  ) {
    this.#loaded = loaded
    this.#options = options
    this.#signal = signal
    const voice = new MonitorVoice(sources.memory.log.origin, options.json === true, io)
    this.#webhook = this.#openWebhook(voice)
    this.#world = {
      ...sources,
      now: () => io.now(),
      tell: (event) => voice.tell(event),
      alarm: (change) => {
        voice.alarm(change)
        this.#webhook?.send(voice.message(change))
      },
      undelivered: () => this.#webhook?.undelivered ?? [],
    }
  }

  #openWebhook(voice: MonitorVoice): Webhook | undefined {
    const { webhook: url } = this.#options
    if (url === undefined) return undefined
    const world = {
      post: postJson,
      pause,
      failed: (reason: string) => voice.undelivered(reason),
      delivered: () => {
        this.#monitor?.remember().catch((error: unknown) => {
          this.#broken ??= error
        })
      },
    }
    return new Webhook(url, world, this.#loaded.remembered.undelivered)
  }

  /** @param hangUp ends questions that are under way */
  async run(hangUp: () => void): Promise<void> {
    const { once, begin } = this.#options
    const monitor = await Monitor.open(this.#world, this.#loaded, begin === true)
    this.#monitor = monitor
    try {
      if (once) await this.#once(monitor)
      else await this.#rounds(monitor)
    } finally {
      if (!once) hangUp()
      await monitor.settled().catch(() => undefined) // It is said by the rounds.
      await this.#webhook?.stop(once ? onceLastWordMs : lastWordMs)
      await monitor.remember()
    }
    if (once) conclude(monitor)
  }

  async #rounds(monitor: Monitor): Promise<void> {
    while (!this.#signal.aborted) {
      await monitor.round()
      if (this.#broken !== undefined) throw this.#broken
      await pause(this.#options.every * 1000, this.#signal)
    }
  }

  /** Again until what is on its way has come, or could have. */
  async #once(monitor: Monitor): Promise<void> {
    const began = performance.now()
    const known = monitor.sizes.seen
    while (!this.#signal.aborted) {
      await monitor.round()
      const { lagSince, unwitnessedSince } = monitor.state
      const moving = lagSince === undefined || monitor.sizes.seen > known
      const waiting = !moving || unwitnessedSince !== undefined
      if (!waiting || monitor.failure !== undefined) break
      if (performance.now() - began > onceMs + onceEveryMs) break
      await pause(onceEveryMs, this.#signal)
    }
    await monitor.settled()
  }
}

const errorOf: Readonly<Record<AlarmName, ErrorCode>> = {
  contradiction: "PROOF_INVALID",
  "bad-signature": "NOTE_INVALID",
  "bad-proof": "PROOF_INVALID",
  "rolled-back": "LOG_ROLLED_BACK",
  "bad-tree": "PROOF_INVALID",
  unreachable: "UNREACHABLE",
  stale: "CHECK_INCOMPLETE",
  idle: "CHECK_INCOMPLETE",
  unwitnessed: "CHECK_INCOMPLETE",
  hidden: "CHECK_INCOMPLETE",
  forgotten: "CHECK_INCOMPLETE",
}

/** What one look comes to: an alarm that is on outranks a question that was not answered. */
function conclude(monitor: Monitor): void {
  const alarm = gravest(monitor.state)
  const { failure } = monitor
  const silent = alarm === undefined || errorOf[alarm.alarm] === "CHECK_INCOMPLETE"
  if (failure !== undefined && (silent || alarm.alarm === "unreachable")) throw failure
  if (alarm === undefined) return
  const kept = alarm.evidence === undefined ? "" : `; kept in ${alarm.evidence}`
  throw new PosternError(errorOf[alarm.alarm], `${alarm.alarm}: ${alarm.detail}${kept}`)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => undefined) // The signal ends the wait.
}
