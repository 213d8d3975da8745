import { isPosternError, PosternError } from "@postern/log/base"
import { alignedZeros } from "./aligned.ts"
import { type FileSystem, type OpenFile, writeAll } from "./file-system.ts"
import { nodeFiles } from "./node-files.ts"
import { slotAlign } from "./slot.ts"

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
export async function openSegmentFile(
  path: string,
  bytesMax: number,
  files: FileSystem = nodeFiles,
): Promise<SegmentFile> {
  let file = await openDirect(path, files)
  let firstWrite = true
  let written = alignDown(await file.size())
  let ahead: Promise<void> | undefined
  /** What went wrong ahead of the slots; the next slot's writer hears of it. */
  let failure: unknown

  async function reopenBuffered(): Promise<void> {
    const buffered = await files.open(path, { access: "write" })
    await file.close()
    file = buffered
  }

  /** Runs beside the commits, behind the bytes that they write. No room for it is no error: slots find out themselves. */
  async function writeAhead(): Promise<void> {
    zeros ??= alignedZeros(aheadBytes)
    // Opened for itself: a kernel that could not write a page says so once to each open file, and a sync of the zeros
    // must not be the one that hears of a slot's.
    const beside = await files
      .open(path, { access: "write", direct: file.direct })
      .catch((error) => {
        throw diskError(error)
      })
    try {
      await writeAll(beside, zeros, written)
      await syncFile(beside)
      written += aheadBytes
    } catch (error) {
      const reason = isPosternError(error) ? error : diskError(error)
      if (reason.code !== "DISK_FULL") throw reason
    } finally {
      await beside.close()
    }
  }

  async function writeDurably(bytes: Uint8Array, at: number): Promise<void> {
    if (at + bytes.length > written) await ahead // Never into a region that is being written.
    if (failure !== undefined) throw failure
    try {
      await writeAll(file, bytes, at)
    } catch (error) {
      // Some file systems take the flag and refuse the write. Only the very first write may find that out.
      if (!firstWrite || !file.direct || (error as NodeJS.ErrnoException).code !== "EINVAL")
        throw diskError(error)
      try {
        await reopenBuffered()
        await writeAll(file, bytes, at)
      } catch (again) {
        throw diskError(again)
      }
    }
    firstWrite = false
    await syncFile(file)
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
      return file.direct
    },
    write: writeDurably,
    async close() {
      await ahead
      await file.close()
    },
  }
}

async function openDirect(path: string, files: FileSystem): Promise<OpenFile> {
  try {
    return await files.open(path, { access: "write", direct: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EINVAL") throw diskError(error)
    return files.open(path, { access: "write" }).catch((again) => {
      throw diskError(again)
    })
  }
}

/** A torn last block is written again with what follows. */
function alignDown(bytes: number): number {
  return bytes - (bytes % slotAlign)
}

/** One fdatasync. Errors: DISK_FAILED, whatever the reason. */
export function syncFile(file: OpenFile): Promise<void> {
  return new Promise((resolve, reject) => {
    file.syncData((error) => {
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
