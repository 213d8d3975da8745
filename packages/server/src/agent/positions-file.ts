import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs"
import { open, rename } from "node:fs/promises"
import { dirname, join } from "node:path"
import { formatSnapshot, formatStep, type Positions, type Step } from "./positions/index.ts"

const fileBytesMax = 64 * 1024 * 1024

/** The journal of one source's positions: a snapshot, and a line for each step behind it. */
export class PositionsFile {
  readonly #path: string
  #fd: number | undefined
  #bytes = 0

  constructor(directory: string) {
    this.#path = join(directory, "positions")
  }

  /** What was written before; undefined if nothing was. Errors: those of node:fs. */
  read(): string | undefined {
    try {
      return readFileSync(this.#path, "utf8")
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
      throw error
    }
  }

  /** A snapshot in place of everything before; durable when it resolves. Errors: those of node:fs; then all is as before. */
  async write(positions: Positions): Promise<void> {
    const text = formatSnapshot(positions)
    const beside = `${this.#path}.new`
    const made = await open(beside, "w", 0o600)
    try {
      await made.writeFile(text)
      await made.sync()
    } finally {
      await made.close()
    }
    await rename(beside, this.#path)
    await syncDirectory(dirname(this.#path))
    this.close()
    this.#fd = openSync(this.#path, "a")
    this.#bytes = Buffer.byteLength(text)
  }

  /** Written when it returns: it outlives the process. Errors: those of node:fs; then the step was not begun. */
  append(step: Step): void {
    if (this.#fd === undefined) throw new Error("a snapshot comes first")
    const line = Buffer.from(formatStep(step))
    try {
      for (let at = 0; at < line.length; ) at += writeSync(this.#fd, line, at)
    } catch (error) {
      // Half a line would hide those behind it.
      ftruncateSync(this.#fd, this.#bytes)
      throw error
    }
    this.#bytes += line.length
  }

  /** So many steps that a snapshot is due. */
  get isLong(): boolean {
    return this.#bytes > fileBytesMax
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r")
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
