import { type FileHandle, open } from "node:fs/promises"
import { join } from "node:path"
import { hashBytes, treeRoot } from "@postern/log/tlog"

const windowBytes = 256 * 1024
const peaks = 64

interface HashFile {
  readonly handle: FileHandle
  window: Buffer
  at: number
}

/** The files `hashes/<L>` of a log directory, read mostly from front to back. */
export class HashFiles {
  readonly #directory: string
  readonly #files = new Map<number, Promise<HashFile | undefined>>()

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Hashes `[from, to)` of tile level `level`; fewer bytes if the file is shorter or not there. */
  async read(level: number, from: number, to: number): Promise<Uint8Array> {
    const file = await this.#file(level)
    const at = from * hashBytes
    const end = to * hashBytes
    if (file === undefined) return new Uint8Array(0)
    if (at < file.at || end > file.at + file.window.length) {
      const window = Buffer.allocUnsafe(Math.max(windowBytes, end - at))
      let filled = 0
      while (filled < window.length) {
        const left = window.length - filled
        const { bytesRead } = await file.handle.read(window, filled, left, at + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      file.window = window.subarray(0, filled)
      file.at = at
    }
    return file.window.subarray(at - file.at, end - file.at)
  }

  /** Indexes in the level, from `from`, of the hashes that differ from these; those that are missing too. */
  async differing(level: number, from: number, hashes: Uint8Array): Promise<number[]> {
    const count = hashes.length / hashBytes
    const stored = await this.read(level, from, from + count)
    if (Buffer.compare(stored, hashes) === 0) return []
    const differing: number[] = []
    for (let i = 0; i < count; i++) {
      const range = [hashBytes * i, hashBytes * (i + 1)] as const
      const same = Buffer.compare(stored.subarray(...range), hashes.subarray(...range)) === 0
      if (!same) differing.push(from + i)
    }
    return differing
  }

  /**
   * The peaks of the tree of `size` entries, 64 x 32 bytes by level, as these files have it: not to be believed
   * before a root was found right with them. Undefined if the files do not reach so far.
   */
  async frontier(size: number): Promise<Uint8Array | undefined> {
    const frontier = new Uint8Array(peaks * hashBytes)
    for (let level = 0; 2 ** level <= size; level++) {
      const width = 2 ** level
      if (Math.floor(size / width) % 2 === 0) continue
      const first = (Math.floor(size / width) - 1) * width
      let short = false
      const root = await treeRoot(width, async (tileLevel, from, to) => {
        const shift = first / 256 ** tileLevel
        const hashes = await this.read(tileLevel, shift + from, shift + to)
        short ||= hashes.length < (to - from) * hashBytes
        return short ? new Uint8Array((to - from) * hashBytes) : hashes
      })
      if (short) return undefined
      frontier.set(root, level * hashBytes)
    }
    return frontier
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await (await file)?.handle.close()
    this.#files.clear()
  }

  #file(level: number): Promise<HashFile | undefined> {
    let file = this.#files.get(level)
    if (file === undefined) {
      file = openFile(join(this.#directory, "hashes", String(level)))
      this.#files.set(level, file)
    }
    return file
  }
}

async function openFile(path: string): Promise<HashFile | undefined> {
  try {
    return { handle: await open(path, "r"), window: Buffer.alloc(0), at: 0 }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw error
  }
}
