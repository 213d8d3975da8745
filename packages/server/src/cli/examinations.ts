import { isPosternError } from "@postern/log/base"
import { examineInstallation } from "./examination.ts"
import type { CommandIo } from "./io.ts"

/** The first one when everything has had the time to start. */
const firstMs = 60_000
const everyMs = 3_600_000

/** Has the doctor look at the service that runs here, once an hour. What fails is told; all of it is an entry. */
export class Examinations {
  readonly #config: string
  readonly #io: CommandIo
  #timer: NodeJS.Timeout | undefined

  constructor(config: string, io: CommandIo) {
    this.#config = config
    this.#io = io
  }

  /** @param afterMs until the first one */
  start(afterMs = firstMs): void {
    this.#wait(afterMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => {
      void this.examine().finally(() => this.#wait(everyMs))
    }, ms)
    this.#timer.unref()
  }

  async examine(): Promise<void> {
    try {
      const findings = await examineInstallation(
        { config: this.#config },
        this.#io,
        () => undefined,
      )
      for (const { id, subject, result, evidence } of findings) {
        if (result === "fail") this.#io.note(`postern: doctor: ${id}: ${subject}: ${evidence}`)
      }
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#io.note(`postern: doctor: it could not look: ${error.message}`)
    }
  }
}
