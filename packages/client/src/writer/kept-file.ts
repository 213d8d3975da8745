import { readFileSync } from "node:fs"
import { rename, writeFile } from "node:fs/promises"
import { join } from "node:path"

/**
 * What this writer believes of the log, in a file of its spool directory. It is replaced as a whole; one that a loss of power took back is
 * an older one, or none.
 */
export class KeptFile {
  readonly #path: string
  #writing: Promise<void> = Promise.resolve()

  constructor(directory: string, name: "checkpoint" | "keys") {
    this.#path = join(directory, name)
  }

  /** Undefined if there is none. Errors: those of the file system. */
  read(): string | undefined {
    try {
      return readFileSync(this.#path, "utf8")
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
      throw error
    }
  }

  /** Errors: those of the file system; what was there stays then. */
  write(text: string): Promise<void> {
    const path = this.#path
    this.#writing = this.#writing
      .catch(() => undefined)
      .then(async () => {
        await writeFile(`${path}.new`, text, { mode: 0o600 })
        await rename(`${path}.new`, path)
      })
    return this.#writing
  }

  /** Resolves when nothing is being written. */
  async close(): Promise<void> {
    await this.#writing.catch(() => undefined)
  }
}
