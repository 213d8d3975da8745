import { existsSync } from "node:fs"
import { join } from "node:path"
import { isPosternError } from "@postern/log/base"
import type { Config } from "../config/index.ts"
import { profilesDirectory } from "../guard/setup/index.ts"
import type { CommandIo } from "./io.ts"
import { runRetention } from "./retention-facts.ts"

/** The first one when everything has had the time to start. */
const firstMs = 600_000
const everyMs = 86_400_000

/** Has the port beside it let go what is due, once a day (docs/spec/retention.md). What fails is told. */
export class RetentionWatch {
  readonly #config: Config
  readonly #io: CommandIo
  #timer: NodeJS.Timeout | undefined

  constructor(config: Config, io: CommandIo) {
    this.#config = config
    this.#io = io
  }

  /** @param afterMs until the first run */
  start(afterMs = firstMs): void {
    this.#timer = setTimeout(() => {
      void this.look().finally(() => this.start(everyMs))
    }, afterMs)
    this.#timer.unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** Where no operator's profile lies, a timer of the machine runs `postern retention run` with one. */
  async look(): Promise<void> {
    const operator = join(profilesDirectory(this.#config), "operator.yaml")
    if (!existsSync(operator)) return
    try {
      const done = await runRetention(this.#config, operator, this.#io.now().getTime())
      if (done !== undefined && done.to > done.from)
        this.#io.note(`postern: retention: entries ${done.from} to ${done.to} are gone by rule`)
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#io.note(`postern: retention: nothing could be let go: ${error.message}`)
    }
  }
}
