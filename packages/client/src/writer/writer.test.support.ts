import type { Audit } from "./audit.ts"
import { connect } from "./audit.ts"
import { FakePort } from "./fake-port.test.support.ts"
import type { ConnectOptions } from "./options.ts"
import type { Problem } from "./problem.ts"
import { makeDirectory, remove } from "./spool.test.support.ts"
import { systemWorld, type Timer, type World } from "./world.ts"

/** A timer that is so late was not the only one who had to wait for his turn. */
const stallMs = 50
const windingsMax = 3

/** The real world, in which time passes so many times as fast. */
export function hastyWorld(haste: number): World {
  const begin = Date.now()
  return {
    ...systemWorld,
    nowMs: () => begin + (Date.now() - begin) * haste,
    startTimer: (run, delayMs) => startPatiently(run, delayMs / haste),
  }
}

/** Writer and port are in one process: when that stood still, what one waits for from the other has stood still too, and gets its time again. */
function startPatiently(run: () => void, delayMs: number): Timer {
  let windings = 0
  let dueMs = performance.now() + delayMs
  const windUp = (): void => {
    dueMs = performance.now() + delayMs
    timer.again()
  }
  const timer = systemWorld.startTimer(() => {
    const isStalled = performance.now() > dueMs + stallMs
    if (!isStalled || windings >= windingsMax) return run()
    windings += 1
    windUp()
  }, delayMs)
  const again = (): void => {
    windings = 0
    windUp()
  }
  return { ...timer, again }
}

/** Fast enough for the pauses between two attempts to connect. */
export const hasty = hastyWorld(5)

/** For what comes for certain: longer than any test. */
export const waitMs = 3_600_000

/** A port, a spool directory and the writers on them, for one test. */
export class Scene {
  readonly directory = makeDirectory()
  readonly problems: Problem[] = []
  readonly port: FakePort
  readonly #audits: Audit[] = []
  #told: (() => void)[] = []

  static async begin(serverUris?: readonly string[]): Promise<Scene> {
    return new Scene(await FakePort.start(serverUris))
  }

  private constructor(port: FakePort) {
    this.port = port
  }

  get codes(): string[] {
    return this.problems.map(({ code }) => code)
  }

  /** The ids of the log's entries, in order. */
  get logged(): string[] {
    return this.port.entries.map(({ event }) => (JSON.parse(event) as { id: string }).id)
  }

  async connect(options: ConnectOptions = {}, profile = this.port.profile()): Promise<Audit> {
    const audit = await connect(profile, {
      onProblem: (problem) => {
        this.problems.push(problem)
        for (const resolve of this.#told.splice(0)) resolve()
      },
      world: hasty,
      ...options,
      spool: { directory: this.directory, ...options.spool },
    })
    this.#audits.push(audit)
    return audit
  }

  /** Resolves once such a problem was told. */
  async told(code: string): Promise<void> {
    while (!this.codes.includes(code)) {
      await new Promise<void>((resolve) => this.#told.push(resolve))
    }
  }

  async end(): Promise<void> {
    for (const audit of this.#audits) await audit.close(0)
    await this.port.stop()
    remove(this.directory)
  }
}

let made = 0

/** Writes events and gives their ids. `bytes`: about how long each is. */
export function writeSome(audit: Audit, count: number, bytes = 200): string[] {
  return Array.from({ length: count }, () => {
    made += 1
    const id = `e${made}`
    audit("thing.done", { id, actor: "alice", data: { filler: "x".repeat(bytes) } })
    return id
  })
}
