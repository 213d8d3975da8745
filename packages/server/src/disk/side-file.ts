import { type FileSystem, type OpenFile, writeAll } from "./file-system.ts"
import { nodeFiles } from "./node-files.ts"
import { diskError, syncFile } from "./segment-file.ts"

/**
 * A file that can be made again from the segments (hashes, offsets): written at a position through the page cache and
 * synced only now and then. After a crash its content behind the last sync is not trusted but rewritten.
 */
export class SideFile {
  readonly #file: OpenFile

  private constructor(file: OpenFile) {
    this.#file = file
  }

  /** Opens the file, made if it does not exist. Errors: DISK_FULL, DISK_FAILED. */
  static async open(path: string, files: FileSystem = nodeFiles): Promise<SideFile> {
    try {
      return new SideFile(await files.open(path, { access: "write" }))
    } catch (error) {
      throw diskError(error)
    }
  }

  /** Errors: DISK_FULL (the same call may be repeated), DISK_FAILED. */
  async write(bytes: Uint8Array, at: number): Promise<void> {
    await writeAll(this.#file, bytes, at).catch((error) => {
      throw diskError(error)
    })
  }

  /** Errors: DISK_FAILED. */
  async truncate(bytes: number): Promise<void> {
    await this.#file.truncate(bytes).catch((error) => {
      throw diskError(error)
    })
  }

  /** Errors: DISK_FAILED, whatever the reason: what was not synced may be gone, and a second call would not tell. */
  async sync(): Promise<void> {
    await syncFile(this.#file)
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

/** Rows of the offsets file for records of one slot. */
export function encodeOffsets(slotAt: number, offsets: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(offsets.length * 8)
  const view = new DataView(bytes.buffer)
  for (const [i, offset] of offsets.entries()) {
    view.setUint32(i * 8, slotAt)
    view.setUint32(i * 8 + 4, offset)
  }
  return bytes
}
