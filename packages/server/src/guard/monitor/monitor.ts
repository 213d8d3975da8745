import { equalBytes, isPosternError, type PosternError } from "@postern/log/base"
import { type Checkpoint, checkConsistency } from "@postern/log/tlog"
import { type TileSource, verifyTiles } from "../verify/index.ts"
import type { AlarmChange, AlarmName } from "./alarm.ts"
import { deriveTree } from "./derivation.ts"
import { keepShown } from "./kept-evidence.ts"
import type { Loaded, Memory, Remembered, SeenCheckpoint } from "./memory.ts"
import {
  isRaised,
  type MonitorLimits,
  type MonitorState,
  type Observation,
  step,
} from "./monitor-state.ts"
import { openOwn, type WatchedLog } from "./watched-log.ts"

/** The log as its read port gives it. Everything that comes from here is a claim. Errors: whatever keeps it from answering. */
export interface MonitoredPort extends TileSource {
  /** A consistency proof; "none" if the port says that it has none, or what it sends is not one. */
  consistency(from: number, to: number): Promise<readonly Uint8Array[] | "none">
  /** The newest checkpoint that its own witnesses stand behind; undefined if there is none. */
  witnessed(): Promise<string | undefined>
  /** How many entries the port says there are, and whether it shows them to us. */
  status(): Promise<{ readonly size: number; readonly entries: boolean }>
  /** Reads one entry, which the log has to record. */
  beat(): Promise<void>
}

/** What a monitor tells whoever runs it. */
export type MonitorEvent =
  | { readonly what: "opened"; readonly size: number; readonly forgotten?: string }
  | { readonly what: "deriving"; readonly entries: number; readonly of: number }
  | { readonly what: "derived"; readonly size: number; readonly saw: "entries" | "hashes" }
  /** Derivation goes on with the next question. */
  | { readonly what: "delayed"; readonly code: string; readonly reason: string }

export interface MonitorWorld {
  /** For short questions: it gives up after seconds, so that silence is noticed. */
  readonly port: MonitoredPort
  /** The same, for tiles: it may take its time. */
  readonly tiles: TileSource
  readonly memory: Memory
  readonly limits: MonitorLimits
  /** How often an entry is read so that the log has to grow; undefined: never. Needs a grant for entries. */
  readonly heartbeatMs?: number | undefined
  now(): Date
  tell(event: MonitorEvent): void
  /** An alarm went on or off: to be delivered, and told by `undelivered` until it is. */
  alarm(change: AlarmChange): void
  undelivered(): readonly string[]
}

const detailMax = 500
const progressMs = 10_000

/**
 * One log, watched: asks for the newest checkpoint round by round, connects it with the one before, and derives its tree
 * beside that. Believes nothing that it did not connect; forgets nothing that it said. Errors: DISK_FULL, DISK_FAILED of
 * its own memory.
 */
export class Monitor {
  readonly #world: MonitorWorld
  readonly #log: WatchedLog
  #remembered: Remembered
  #saving: Promise<void> = Promise.resolve()
  /** What takes long: a derivation, or the judgement of a checkpoint that could not be connected. One at a time. */
  #work: Promise<void> | undefined
  #broken: unknown
  #judged: string | undefined
  #toldAt = Number.NEGATIVE_INFINITY
  #beatAt = Number.NEGATIVE_INFINITY
  #failure: PosternError | undefined
  /** Size of the newest checkpoint with the quorum that was seen in the port's second place for it. */
  #witnessedSize = -1

  private constructor(world: MonitorWorld, remembered: Remembered) {
    this.#world = world
    this.#log = world.memory.log
    this.#remembered = remembered
  }

  /**
   * @param loaded what the memory gave
   * @param begin true if this is meant to be the first time: then nothing is missed
   */
  static async open(world: MonitorWorld, loaded: Loaded, begin: boolean): Promise<Monitor> {
    const { remembered, forgotten } = loaded
    const monitor = new Monitor(world, remembered)
    const missed = begin || forgotten === undefined ? {} : { forgotten }
    world.tell({ what: "opened", size: remembered.seen?.checkpoint.size ?? 0, ...missed })
    await monitor.#observe({ what: "opened", ...missed })
    return monitor
  }

  get state(): MonitorState {
    return this.#remembered.state
  }

  /** Why the last round, or the last derivation, got no answer; undefined if they did. */
  get failure(): PosternError | undefined {
    return this.#failure
  }

  /** The newest checkpoint that was believed, and how far the tree was derived. */
  get sizes(): { readonly seen: number; readonly derived: number } {
    const { seen, derived } = this.#remembered
    return { seen: seen?.checkpoint.size ?? 0, derived: derived?.tree.checkpoint.size ?? 0 }
  }

  /** One look at the log. What takes long goes on beside it. */
  async round(): Promise<void> {
    this.#demandSound()
    this.#failure = undefined
    const note = await this.#ask(() => this.#world.port.checkpoint())
    if (note === undefined) return
    const opened = await this.#open(note)
    if (opened === undefined) return
    const { checkpoint, quorumMet } = opened
    if (!(await this.#connect({ note, checkpoint }))) return
    const status = await this.#ask(() => this.#world.port.status())
    if (status === undefined) return
    const asks = this.#log.policy.quorum !== undefined
    const stands = quorumMet || !asks || (await this.#witnessedAnew(checkpoint))
    if (stands === "wrong") return
    const quorum = asks ? stands : undefined
    const { size } = checkpoint
    await this.#observe({ what: "seen", size, head: status.size, quorum })
    if (status.entries) await this.#beat()
    if (this.#isDerived()) return
    this.#beside(() => this.#derive(status.entries))
  }

  /** Resolves when nothing goes on beside the rounds. */
  async settled(): Promise<void> {
    await this.#work
    this.#demandSound()
  }

  /** Writes down what is remembered, with what is undelivered now. */
  remember(): Promise<void> {
    const saved = this.#saving.then(() => {
      const undelivered = this.#world.undelivered()
      return this.#world.memory.save({ ...this.#remembered, undelivered })
    })
    this.#saving = saved.catch(() => undefined) // Whoever waits for it is told.
    return saved
  }

  async #beat(): Promise<void> {
    const { heartbeatMs, port, now } = this.#world
    if (heartbeatMs === undefined || now().getTime() - this.#beatAt < heartbeatMs) return
    this.#beatAt = now().getTime()
    await port.beat().catch((error: unknown) => {
      // Whether it was refused or not: what counts is whether the log grows.
      if (!isPosternError(error)) throw error
    })
  }

  /** Undefined if the port did not answer: that was observed. */
  async #ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    try {
      return await question()
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#failure = error
      await this.#observe({ what: "silent", detail: shorten(`${error.message} (${error.code})`) })
      return undefined
    }
  }

  async #open(note: string) {
    try {
      return await openOwn(this.#log, note)
    } catch (error) {
      if (!isPosternError(error)) throw error
      await this.#wrong("bad-signature", shorten(error.message), note)
      return undefined
    }
  }

  /**
   * A busy log signs anew before cosignatures are back. Whether the quorum stands behind another, larger part of the newest tree than
   * at the last look: witnesses that have stopped show by that not growing any more.
   * "wrong" if it is of another history than the newest.
   */
  async #witnessedAnew(newest: Checkpoint): Promise<boolean | "wrong"> {
    const note = await this.#ask(() => this.#world.port.witnessed())
    const opened = note === undefined ? undefined : await this.#open(note)
    if (note === undefined || opened === undefined || !opened.quorumMet) return false
    const { checkpoint } = opened
    if (checkpoint.size <= this.#witnessedSize || checkpoint.size > newest.size) return false
    const { size } = checkpoint
    const { port } = this.#world
    const ask = () => port.consistency(size, newest.size)
    const proof = size === newest.size ? [] : await this.#ask(ask)
    if (proof === undefined) return false
    const fault = faultOf(checkpoint, newest, proof)
    if (fault !== undefined) {
      await this.#wrong(
        "bad-proof",
        shorten(`a witnessed checkpoint of ${size} entries: ${fault}`),
        note,
      )
      return "wrong"
    }
    this.#witnessedSize = size
    return true
  }

  /** Whether the checkpoint and the newest one that was believed are of one history. Then it is the newest. */
  async #connect(found: SeenCheckpoint): Promise<boolean> {
    const { seen } = this.#remembered
    const { size, root } = found.checkpoint
    if (seen !== undefined && size < seen.checkpoint.size) {
      const detail = `a checkpoint of ${size} entries after one of ${seen.checkpoint.size}`
      await this.#wrong("rolled-back", detail, found.note)
      return false
    }
    if (seen !== undefined && size === seen.checkpoint.size) {
      if (!equalBytes(root, seen.checkpoint.root)) {
        const detail = `two signed roots for ${size} entries`
        await this.#wrong("contradiction", detail, found.note)
        return false
      }
    } else if (seen !== undefined && !(await this.#prove(seen.checkpoint, found))) return false
    if (seen?.note === found.note) return true
    this.#remembered = { ...this.#remembered, seen: found }
    await this.remember()
    return true
  }

  async #prove(known: Checkpoint, found: SeenCheckpoint): Promise<boolean> {
    const { size } = found.checkpoint
    const proof = await this.#ask(() => this.#world.port.consistency(known.size, size))
    if (proof === undefined) return false
    const fault = faultOf(known, found.checkpoint, proof)
    if (fault === undefined) return true
    const between = `from ${known.size} to ${size} entries: ${fault}`
    await this.#wrong("bad-proof", shorten(between), found.note)
    this.#beside(() => this.#judge(found.note))
    return false
  }

  /**
   * A checkpoint without a proof: its own tiles say whether its tree begins with the tree that was believed. If they lead to
   * its root, and do not, then the log key signed two histories.
   */
  async #judge(note: string): Promise<void> {
    const { seen, state } = this.#remembered
    if (seen === undefined || isRaised(state, "contradiction") || this.#judged === note) return
    const { tiles } = this.#world
    const source = { checkpoint: async () => note, tile: (path: string) => tiles.tile(path) }
    const { vkey } = this.#log
    const open = async (shown: string) => (await openOwn(this.#log, shown)).checkpoint
    const options = { vkey, open, remembered: seen.note, entries: false }
    const report = await verifyTiles(source, options)
    this.#judged = note
    const sound = report.checks.some(({ name, status }) => name === "root" && status === "ok")
    const fork = report.findings.find(({ code }) => code === "fork")
    if (!sound || fork === undefined) return
    const detail = `of ${report.size} signed entries, ${fork.what}`
    await this.#wrong("contradiction", shorten(detail), note)
  }

  #isDerived(): boolean {
    const { seen, derived } = this.#remembered
    return seen === undefined || derived?.tree.checkpoint.size === seen.checkpoint.size
  }

  async #derive(entries: boolean): Promise<void> {
    const { seen, derived: from } = this.#remembered
    if (seen === undefined) return
    const { note, checkpoint } = seen
    const progress = (done: number, of: number) => this.#progress(done, of)
    const options = { entries, progress }
    const { tiles, tell } = this.#world
    const { derived, faults, saw } = await deriveTree(tiles, from?.tree, checkpoint, options)
    if (derived === undefined) {
      await this.#wrong(
        "bad-tree",
        shorten(`${checkpoint.size} entries: ${faults.join("; ")}`),
        note,
      )
      return
    }
    this.#remembered = { ...this.#remembered, derived: { note, tree: derived } }
    await this.#observe({ what: "derived", saw })
    await this.remember()
    tell({ what: "derived", size: checkpoint.size, saw })
  }

  #progress(entries: number, of: number): void {
    const now = this.#world.now().getTime()
    if (this.#toldAt === Number.NEGATIVE_INFINITY) this.#toldAt = now
    if (now - this.#toldAt < progressMs) return
    this.#toldAt = now
    this.#world.tell({ what: "deriving", entries, of })
  }

  /** Begins work beside the rounds, unless some is under way: the next round asks for it again. */
  #beside(work: () => Promise<void>): void {
    if (this.#work !== undefined) return
    this.#work = work()
      .catch((error: unknown) => {
        // Its own memory is what a monitor cannot do without; a port that gives nothing is met in the rounds.
        if (!isPosternError(error) || error.kind === "fatal" || error.code === "DISK_FULL") {
          this.#broken = error
          return
        }
        this.#failure = error
        this.#world.tell({ what: "delayed", code: error.code, reason: shorten(error.message) })
      })
      .finally(() => {
        this.#work = undefined
      })
  }

  #demandSound(): void {
    if (this.#broken !== undefined) throw this.#broken
  }

  /** What was shown is kept before anybody is told of it. */
  async #wrong(alarm: WrongAlarm, detail: string, shown: string): Promise<void> {
    const { memory, now } = this.#world
    if (isRaised(this.state, alarm)) return this.#observe({ what: "wrong", alarm, detail })
    const believed = this.#remembered.seen?.note
    const what = { alarm, detail, at: now(), log: this.#log, believed, shown }
    const evidence = await keepShown(memory.directory, what)
    const kept = evidence === undefined ? {} : { evidence }
    return this.#observe({ what: "wrong", alarm, detail, ...kept })
  }

  async #observe(observation: Observation): Promise<void> {
    const before = this.#remembered.state
    const { state, changes } = step(before, observation, this.#world.now().getTime(), {
      ...this.#world.limits,
    })
    this.#remembered = { ...this.#remembered, state }
    for (const change of changes) this.#world.alarm(change)
    const timers = ["grownAt", "lagSince", "unwitnessedSince"] as const
    const moved = timers.some((name) => state[name] !== before[name])
    if (changes.length > 0 || moved) await this.remember()
  }
}

type WrongAlarm = Extract<Observation, { what: "wrong" }>["alarm"] & AlarmName

/** What is wrong with a proof; undefined if nothing is. */
function faultOf(
  known: Checkpoint,
  found: Checkpoint,
  proof: readonly Uint8Array[] | "none",
): string | undefined {
  if (proof === "none") return "there is no proof"
  try {
    checkConsistency(known.size, found.size, proof, known.root, found.root)
    return undefined
  } catch (error) {
    if (!isPosternError(error)) throw error
    return error.detail ?? error.message
  }
}

function shorten(text: string): string {
  return text.slice(0, detailMax)
}
