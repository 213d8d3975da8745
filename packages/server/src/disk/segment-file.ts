import { close, constants, fdatasync, open, write } from "node:fs"
import { promisify } from "node:util"
import { PosternError } from "@postern/log/base"

const openFile = promisify(open)
const closeFile = promisify(close)

/**
 * A segment file open for writing. O_DIRECT where the file system takes it (slots come page-aligned from WebAssembly
 * memory), buffered otherwise; the page cache makes buffered writes of this size erratic.
 */
export interface SegmentFile {
  readonly direct: boolean
  /**
   * Writes `bytes` at `at` and makes them durable: short writes are continued, then one fdatasync. Rejects with
   * DISK_FULL if there was no room (nothing is promised, the same call may be repeated), with DISK_FAILED for anything else: then
   * the state of these bytes is unknown and the process must end (a second fdatasync may report success for lost pages).
   */
  write(bytes: Uint8Array, at: number): Promise<void>
  close(): Promise<void>
}

export async function openSegmentFile(path: string): Promise<SegmentFile> {
  const flags = constants.O_RDWR | constants.O_CREAT
  let fd: number
  let direct = constants.O_DIRECT !== undefined
  try {
    fd = await openFile(path, direct ? flags | constants.O_DIRECT : flags, 0o600)
  } catch (error) {
    if (!direct || (error as NodeJS.ErrnoException).code !== "EINVAL") throw diskError(error)
    direct = false
    fd = await openFile(path, flags, 0o600)
  }
  let firstWrite = true

  async function reopenBuffered(): Promise<void> {
    await closeFile(fd)
    fd = await openFile(path, flags, 0o600)
    direct = false
  }

  async function writeDurably(bytes: Uint8Array, at: number): Promise<void> {
    try {
      await writeAll(fd, bytes, at)
    } catch (error) {
      // Some file systems take the flag and refuse the write. Only the very first write may find that out.
      if (!firstWrite || !direct || (error as NodeJS.ErrnoException).code !== "EINVAL") throw diskError(error)
      await reopenBuffered()
      await writeAll(fd, bytes, at).catch((again) => {
        throw diskError(again)
      })
    }
    firstWrite = false
    await sync(fd)
  }

  return {
    get direct() {
      return direct
    },
    write: writeDurably,
    close: () => closeFile(fd),
  }
}

function writeAll(fd: number, bytes: Uint8Array, at: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (done: number): void => {
      write(fd, bytes, done, bytes.length - done, at + done, (error, written) => {
        if (error !== null) reject(error)
        else if (done + written < bytes.length) next(done + written)
        else resolve()
      })
    }
    next(0)
  })
}

function sync(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(fd, (error) => {
      // Never repeated: the kernel may have dropped the dirty pages together with the error.
      if (error === null) resolve()
      else reject(new PosternError("DISK_FAILED", `fdatasync: ${error.code}`, { cause: error }))
    })
  })
}

/** No room is a state that passes; everything else means that the disk does not do what it promised. */
export function diskError(error: unknown): PosternError {
  const code = (error as NodeJS.ErrnoException).code ?? String(error)
  const full = code === "ENOSPC" || code === "EDQUOT"
  return new PosternError(full ? "DISK_FULL" : "DISK_FAILED", code, { cause: error })
}
