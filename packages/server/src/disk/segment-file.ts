import { close, constants, fdatasync, fstat, open, write } from "node:fs"
import { promisify } from "node:util"
import { PosternError } from "@postern/log/base"
import { alignedZeros } from "./aligned.ts"
import { slotAlign } from "./slot.ts"

const openFile = promisify(open)
const closeFile = promisify(close)
const statFile = promisify(fstat)

/**
 * A segment file open for writing. O_DIRECT where the file system takes it (slots come page-aligned from WebAssembly
 * memory), buffered otherwise; the page cache makes buffered writes of this size erratic. Keeps some megabytes of zeros
 * written ahead of the slots: overwriting written blocks needs no journal commit in fdatasync, appending does every time.
 */
export interface SegmentFile {
  readonly direct: boolean
  /**
   * Writes `bytes` at `at` and makes them durable: short writes are continued, then one fdatasync. Rejects with
   * DISK_FULL if there was no room (nothing is promised, the same call may be repeated), with DISK_FAILED for anything else: then
   * the state of these bytes is unknown and the process must end (a second fdatasync may report success for lost pages).
   */
  write(bytes: Uint8Array, at: number): Promise<void>
  /** Waits for what is being written ahead. */
  close(): Promise<void>
}

/** Zeros are written ahead in pieces of this size while fewer than twice that many bytes are left. */
const aheadBytes = 4 * 1024 * 1024
let zeros: Uint8Array | undefined

/** @param bytesMax the file is not written ahead beyond this */
export async function openSegmentFile(path: string, bytesMax: number): Promise<SegmentFile> {
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
  let written = await sizeOf(fd)
  let ahead: Promise<void> | undefined
  /** What went wrong ahead of the slots; the next slot's writer hears of it. */
  let failure: unknown

  async function reopenBuffered(): Promise<void> {
    await closeFile(fd)
    fd = await openFile(path, flags, 0o600)
    direct = false
  }

  /** Runs beside the commits, behind the bytes that they write. No room for it is no error: slots find out themselves. */
  async function writeAhead(): Promise<void> {
    zeros ??= alignedZeros(aheadBytes)
    try {
      await writeAll(fd, zeros, written)
    } catch (error) {
      if (diskError(error).code === "DISK_FULL") return
      throw diskError(error)
    }
    await sync(fd)
    written += aheadBytes
  }

  async function writeDurably(bytes: Uint8Array, at: number): Promise<void> {
    if (failure !== undefined) throw failure
    if (at + bytes.length > written) await ahead // Never into a region that is being written.
    try {
      await writeAll(fd, bytes, at)
    } catch (error) {
      // Some file systems take the flag and refuse the write. Only the very first write may find that out.
      if (!firstWrite || !direct || (error as NodeJS.ErrnoException).code !== "EINVAL")
        throw diskError(error)
      await reopenBuffered()
      await writeAll(fd, bytes, at).catch((again) => {
        throw diskError(again)
      })
    }
    firstWrite = false
    await sync(fd)
    written = Math.max(written, at + bytes.length)
    const wanted =
      written - (at + bytes.length) < 2 * aheadBytes && written + aheadBytes <= bytesMax
    if (!wanted || ahead !== undefined) return
    ahead = writeAhead()
      .catch((error) => {
        failure = error
      })
      .finally(() => {
        ahead = undefined
      })
  }

  return {
    get direct() {
      return direct
    },
    write: writeDurably,
    async close() {
      await ahead
      await closeFile(fd)
    },
  }
}

async function sizeOf(fd: number): Promise<number> {
  return alignDown((await statFile(fd)).size)
}

/** A torn last block is written again with what follows. */
function alignDown(bytes: number): number {
  return bytes - (bytes % slotAlign)
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
