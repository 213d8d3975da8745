import { type FileHandle, open } from "node:fs/promises"
import { decodeSlotHeader, slotHeaderBytes } from "./slot.ts"
import { damaged } from "./slot-walker.ts"

const windowBytes = 256 * 1024

/** Reads entries of one segment by index. Slots behind the head are never asked for. */
export interface SegmentReader {
  /** Leaves `[from, to)` of this segment, at least one, no more once `bytesMax` is used up. The caller owns them. */
  leaves(from: number, to: number, bytesMax: number): Promise<Uint8Array[]>
  /** Closes the file when no read is going on. */
  release(): Promise<void>
}

export async function openSegmentReader(
  first: number,
  path: string,
  offsetsPath: string,
): Promise<SegmentReader> {
  const file = await open(path, "r")
  const offsets = await open(offsetsPath, "r")
  let reading = 0
  let released = false

  async function closeIfIdle(): Promise<void> {
    if (released && reading === 0) await Promise.all([file.close(), offsets.close()])
  }

  async function leaves(from: number, to: number, bytesMax: number): Promise<Uint8Array[]> {
    reading += 1
    try {
      const row = Buffer.alloc(8)
      await offsets.read(row, 0, 8, Math.floor((from - first) / 256) * 8)
      const cursor = new Cursor(file, path)
      await cursor.seek(row.readUInt32BE(0), row.readUInt32BE(4))
      const found: Uint8Array[] = []
      let bytes = 0
      for (let index = from - ((from - first) % 256); index < to && bytes < bytesMax; index++) {
        const leaf = await cursor.next()
        if (index < from) continue
        found.push(leaf)
        bytes += leaf.length
      }
      return found
    } finally {
      reading -= 1
      await closeIfIdle()
    }
  }

  return {
    leaves,
    async release() {
      released = true
      await closeIfIdle()
    },
  }
}

/** Walks records over slot boundaries through a window of the file. */
class Cursor {
  readonly #file: FileHandle
  readonly #path: string
  #window: Buffer = Buffer.alloc(0)
  #windowAt = 0
  /** Absolute offsets: next record, end of the slot's records, next slot. */
  #at = 0
  #recordsEnd = 0
  #slotEnd = 0

  constructor(file: FileHandle, path: string) {
    this.#file = file
    this.#path = path
  }

  async seek(slotAt: number, recordOffset: number): Promise<void> {
    await this.#enter(slotAt)
    this.#at += recordOffset
  }

  async next(): Promise<Uint8Array> {
    while (this.#at >= this.#recordsEnd) await this.#enter(this.#slotEnd)
    const length = (await this.#bytes(this.#at, 2)).readUInt16BE(0)
    const leaf = await this.#bytes(this.#at + 2, length)
    this.#at += 2 + length
    return leaf
  }

  async #enter(slotAt: number): Promise<void> {
    const decoded = decodeSlotHeader(await this.#bytes(slotAt, slotHeaderBytes))
    if (decoded === undefined) throw damaged(this.#path, slotAt, "there is no slot")
    this.#at = slotAt + slotHeaderBytes
    this.#recordsEnd = this.#at + decoded.header.recordsBytes
    this.#slotEnd = slotAt + decoded.header.bytes
  }

  /** A view of `[at, at + length)`; windows are not reused, so views stay valid. */
  async #bytes(at: number, length: number): Promise<Buffer> {
    if (at < this.#windowAt || at + length > this.#windowAt + this.#window.length) {
      const window = Buffer.allocUnsafeSlow(Math.max(windowBytes, length))
      const { bytesRead } = await this.#file.read(window, 0, window.length, at)
      if (bytesRead < length) throw damaged(this.#path, at, "the file is too short")
      this.#window = window.subarray(0, bytesRead)
      this.#windowAt = at
    }
    return this.#window.subarray(at - this.#windowAt, at - this.#windowAt + length)
  }
}
