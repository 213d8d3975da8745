import { type ChildProcess, fork } from "node:child_process"
import { statfs } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { isPosternError } from "@postern/log/base"
import { type LogStore, listPlain } from "../../disk/index.ts"
import type { KeeperWord } from "./word.ts"

export interface KeeperWorld {
  readonly store: Pick<LogStore, "directory" | "sealed" | "minimum" | "adopt">
  /** The directory of the keys, if segments are to be encrypted. */
  readonly sealing: string | undefined
  tell(level: "info" | "warn", message: string, more: object): void
  /** Told of a disk that failed. */
  fatal(error: unknown): void
}

/** A segment is left alone for so long after the last look: what follows its seal goes first. */
const lookMs = 5000
/** After something went wrong. */
const restMs = 600_000
/** Above this share of the disk nothing more is written that nobody waits for. */
const fullShare = 0.9
/** Small heaps: a block at a time is all that is held. */
const flags = [
  "--disallow-code-generation-from-strings",
  "--disable-proto=throw",
  "--max-semi-space-size=1",
]

/** The port's side of it: decides when, starts the child, adopts what it made. */
export class Keeper {
  readonly #world: KeeperWorld
  #dueTo: () => Promise<number> = async () => 0
  #timer: NodeJS.Timeout | undefined
  #child: ChildProcess | undefined
  #turn: Promise<void> = Promise.resolve()
  #isBusy = false
  #isEnding = false
  /** The seal behind which nothing is left to do. */
  #doneTo = -1
  #restUntil = 0

  constructor(world: KeeperWorld) {
    this.#world = world
  }

  /** @param dueTo entries below may be removed by rule: their segments are left as they are */
  begin(dueTo: () => Promise<number>): void {
    this.#dueTo = dueTo
    this.#timer = setInterval(() => this.#look(), lookMs)
    this.#timer.unref()
  }

  /** Ends the child, if there is one. What it made is removed at the next start. */
  async end(): Promise<void> {
    this.#isEnding = true
    clearInterval(this.#timer)
    this.#child?.kill("SIGKILL")
    await this.#turn
  }

  #look(): void {
    const { sealed } = this.#world.store
    if (this.#isBusy || sealed <= this.#doneTo || performance.now() < this.#restUntil) return
    this.#isBusy = true
    this.#turn = this.#compressNext(sealed)
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#isBusy = false
      })
  }

  async #compressNext(sealed: number): Promise<void> {
    const { store, tell } = this.#world
    const { path } = store.directory
    const plain = await listPlain(path, sealed)
    const from = Math.max(store.minimum, await this.#dueTo())
    const first = plain.find((one) => one >= from)
    if (first === undefined) {
      // What is due now is removed, or held for longer than it is worth waiting for.
      this.#doneTo = sealed
      return
    }
    if (await isNearlyFull(path)) return this.#rest()
    const word = await this.#askChild(path, first)
    if (word === undefined) {
      if (!this.#isEnding) tell("warn", "a child ended without a word", { segment: first })
      return this.#rest()
    }
    if ("refused" in word) {
      tell("warn", "a sealed segment could not be compressed", { segment: first, ...word.refused })
      return this.#rest()
    }
    if (!(await store.adopt(first))) return
    const { plain: bytes, packed } = word.packed
    tell("info", "a sealed segment was compressed", { segment: first, bytes, packed })
  }

  /** What the child says; undefined if it ended without a word. */
  #askChild(path: string, first: number): Promise<KeeperWord | undefined> {
    return new Promise((resolve) => {
      if (this.#isEnding) return resolve(undefined)
      const main = `./main.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`
      const child = fork(fileURLToPath(new URL(main, import.meta.url)), this.#asked(path, first), {
        execArgv: flags,
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      })
      let word: KeeperWord | undefined
      this.#child = child
      child.on("message", (message) => {
        word = message as KeeperWord
      })
      child.on("error", () => undefined) // It could not be started: "close" follows.
      child.on("close", () => {
        this.#child = undefined
        resolve(word)
      })
    })
  }

  #asked(path: string, first: number): string[] {
    const { sealing } = this.#world
    return [path, String(first), ...(sealing === undefined ? [] : [sealing])]
  }

  #rest(): void {
    this.#restUntil = performance.now() + restMs
  }

  #failed(error: unknown): void {
    if (isPosternError(error) && error.code === "DISK_FAILED") return this.#world.fatal(error)
    this.#world.tell("warn", "sealed segments are not compressed now", { error: String(error) })
    this.#rest()
  }
}

async function isNearlyFull(path: string): Promise<boolean> {
  const { blocks, bfree, bavail } = await statfs(path)
  // As df counts: what is set aside for root is neither.
  const used = blocks - bfree
  return used > (used + bavail) * fullShare
}
