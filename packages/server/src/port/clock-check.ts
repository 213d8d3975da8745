import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { OwnStream } from "./own-stream.ts"
import type { WitnessStanding } from "./witnesses/index.ts"

/** Further than this from a witness's clock, the delay of its answer allowed for, somebody's clock is wrong. */
const offsetMsMax = 1000
/** Changes are looked for so often, and the offset is entered again without one. */
const lookEveryMs = 60_000
const offsetEveryMs = 24 * 3600 * 1000

const sourceFile = "sys/devices/system/clocksource/clocksource0/current_clocksource"
/** Touched by systemd-timesyncd whenever a time server has set the clock right; gone when that stops. */
const synchronizedFile = "run/systemd/timesync/synchronized"
/** There while it runs; what it knows is not in a file. */
const chronyFile = "run/chrony/chronyd.pid"

/** What is known of this machine's clock. */
export interface ClockState {
  /** The kernel's clock source, or `unknown`. */
  readonly source: string
  readonly keeper: "systemd-timesyncd" | "chrony" | "unknown"
  readonly synchronized: "yes" | "unknown"
  /** Against what witnesses said in this life of the port. */
  readonly offset: "within" | "beyond" | "unknown"
  /** The least that explains the worst of their answers, ahead of it positive; undefined if none was heard. */
  readonly offsetMs: number | undefined
  readonly witnesses: readonly {
    readonly name: string
    readonly fromMs: number
    readonly toMs: number
  }[]
}

/**
 * Times in the log are the port's. What its clock runs on, who keeps it, and how far it is from other people's clocks
 * become an entry at the start of each life and when it changes; of the offset, once a day.
 */
export class ClockCheck {
  readonly #own: Pick<OwnStream, "record">
  readonly #standings: () => readonly Pick<WitnessStanding, "name" | "ahead">[]
  readonly #root: string
  #lookedMs = Number.NEGATIVE_INFINITY
  #recordedMs = 0
  #recorded: string | undefined

  /** @param root where `sys` and `run` are */
  constructor(
    own: Pick<OwnStream, "record">,
    standings: () => readonly Pick<WitnessStanding, "name" | "ahead">[],
    root = "/",
  ) {
    this.#own = own
    this.#standings = standings
    this.#root = root
  }

  /** To be called every second. @param elapsedMs by a clock that nobody sets */
  look(elapsedMs: number): void {
    if (elapsedMs - this.#lookedMs < lookEveryMs) return
    this.#lookedMs = elapsedMs
    const { offsetMs, witnesses, ...answer } = this.state()
    const beyond = witnesses.filter((range) => isBeyond(leastMs(range))).map(({ name }) => name)
    const words = JSON.stringify([answer, beyond])
    const isDue = offsetMs !== undefined && elapsedMs - this.#recordedMs >= offsetEveryMs
    if (words === this.#recorded && !isDue) return
    this.#recorded = words
    this.#recordedMs = elapsedMs
    this.#own.record({
      action: "postern.clock.checked",
      outcome: outcomes[answer.offset],
      data: { ...answer, offsetMs, witnesses },
    })
  }

  state(): ClockState {
    const witnesses = this.#standings().flatMap(({ name, ahead }) =>
      ahead === undefined ? [] : [{ name, ...ahead }],
    )
    const offsets = witnesses.map(leastMs).sort((a, b) => Math.abs(b) - Math.abs(a))
    const [worst] = offsets
    const offset = worst === undefined ? "unknown" : isBeyond(worst) ? "beyond" : "within"
    return { ...readFacts(this.#root), offset, offsetMs: worst, witnesses }
  }
}

const outcomes = { within: "success", beyond: "failure", unknown: "unknown" } as const

function leastMs({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): number {
  return fromMs > 0 ? fromMs : Math.min(0, toMs)
}

function isBeyond(leastMs: number): boolean {
  return Math.abs(leastMs) > offsetMsMax
}

/** Read, never asked: the port starts no programme. Other services leave no file to look at. */
function readFacts(root: string): Pick<ClockState, "source" | "keeper" | "synchronized"> {
  const source = readIfThere(join(root, sourceFile))?.trim() ?? "unknown"
  if (existsSync(join(root, synchronizedFile)))
    return { source, keeper: "systemd-timesyncd", synchronized: "yes" }
  const keeper = existsSync(join(root, chronyFile)) ? "chrony" : "unknown"
  return { source, keeper, synchronized: "unknown" }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return undefined // Not Linux, or not to be seen from here: unknown is the answer.
  }
}
