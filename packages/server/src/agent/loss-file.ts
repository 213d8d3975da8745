import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Tell } from "../lifetime/index.ts"

const everyMs = 100

/** The number of events that are lost if the agent is killed now, those that are lost already included, for the next agent to tell. */
export class LossFile {
  readonly #path: string
  readonly #tell: Tell
  #written = 0
  #writtenMs = 0

  constructor(directory: string, tell: Tell) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    this.#path = join(directory, "losses")
    this.#tell = tell
  }

  /** 0 if there is none. */
  read(): number {
    try {
      const lost = Number(readFileSync(this.#path, "utf8"))
      this.#written = Number.isSafeInteger(lost) && lost > 0 ? lost : 0
    } catch {
      this.#written = 0 // Not there: nothing was lost.
    }
    return this.#written
  }

  /** Ten times a second at most, but at once when there is none any more, and when it is the last word. */
  write(lost: number, isLast = false): void {
    const now = Date.now()
    if (lost === this.#written) return
    if (lost > 0 && !isLast && now - this.#writtenMs < everyMs) return
    this.#writtenMs = now
    try {
      if (lost === 0) rmSync(this.#path, { force: true })
      else {
        writeFileSync(`${this.#path}.new`, String(lost), { mode: 0o600 })
        renameSync(`${this.#path}.new`, this.#path)
      }
      this.#written = lost
    } catch (error) {
      this.#tell("warn", "the number of lost events cannot be kept", { lost, error: String(error) })
    }
  }
}
