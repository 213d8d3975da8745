import { close, constants, fdatasync, ftruncate, open, write } from "node:fs"
import { promisify } from "node:util"
import { PosternError } from "@postern/log/base"
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

  /** Opens the file, made if it does not exist. Errors: DISK_FULL, DISK_FAILED. */
  static async open(path: string): Promise<SideFile> {
    try {
      return new SideFile(await openFile(path, constants.O_RDWR | constants.O_CREAT, 0o600))
    } catch (error) {
      throw diskError(error)
    }
  }

  /** Errors: DISK_FULL (the same call may be repeated), DISK_FAILED. */
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

  /** Errors: DISK_FAILED, whatever the reason: what was not synced may be gone, and a second call would not tell. */
  async sync(): Promise<void> {
    await syncFile(this.#fd).catch((error: NodeJS.ErrnoException) => {
      throw new PosternError("DISK_FAILED", `fdatasync: ${error.code}`, { cause: error })
    })
  }

  async close(): Promise<void> {
    await closeFile(this.#fd)
  }
}
