import { close, fdatasync, ftruncate, open, write } from "node:fs"
import { promisify } from "node:util"
import { diskError } from "./segment-file.ts"

const openFile = promisify(open)
const writeFile = promisify(write)
const truncateFile = promisify(ftruncate)
const syncFile = promisify(fdatasync)
const closeFile = promisify(close)

/**
 * A file that can be made again from the segments (hashes, offsets): written at a position through the page cache and
 * synced only now and then. After a crash its content behind the last sync is not trusted but rewritten.
 */
export class SideFile {
  readonly #fd: number

  private constructor(fd: number) {
    this.#fd = fd
  }

  static async open(path: string): Promise<SideFile> {
    return new SideFile(
      await openFile(path, "a+", 0o600).then(async (fd) => {
        await closeFile(fd)
        return openFile(path, "r+")
      }),
    )
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    let done = 0
    try {
      while (done < bytes.length) {
        done += (await writeFile(this.#fd, bytes, done, bytes.length - done, at + done))
          .bytesWritten
      }
    } catch (error) {
      throw diskError(error)
    }
  }

  async truncate(bytes: number): Promise<void> {
    await truncateFile(this.#fd, bytes)
  }

  async sync(): Promise<void> {
    await syncFile(this.#fd).catch((error) => {
      throw diskError(error)
    })
  }

  async close(): Promise<void> {
    await closeFile(this.#fd)
  }
}
