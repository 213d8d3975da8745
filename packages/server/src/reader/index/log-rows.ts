import { closeSync, openSync, readSync } from "node:fs"
import { PosternError } from "@postern/log/base"
import { decodeSlotHeader, segmentPath, slotHeaderBytes } from "../../disk/index.ts"
import type { Part } from "./part.ts"
import { blockRows } from "./token-blocks.ts"

const openFilesMax = 32
const windowBytes = 65_536

/**
 * Reads the leaves of a block where the index says that they stand. A wrong place is found out by whoever compares a leaf with the
 * log's hashes: nothing that comes from here may be shown before.
 */
export class LogRows {
  readonly #directory: string
  readonly #files = new Map<number, number>()
  #window = Buffer.alloc(windowBytes)
  #windowFile = -1
  #windowAt = 0
  #windowEnd = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  /**
   * The leaves of a block, in order. They hold until the next is read.
   * @param segment index of the first entry of the log segment that the part belongs to
   * @throws PosternError LOG_DAMAGED if there are none
   */
  block(part: Part, block: number, segment: number): Uint8Array[] {
    const positions = part.positions()
    const rows = Math.min(blockRows, part.count - block * blockRows)
    const slotAt = positions[block * 2] as number
    const recordAt = positions[block * 2 + 1] as number
    const file = this.#open(segment)
    const isWithinSlot = rows === blockRows && positions[block * 2 + 2] === slotAt
    const at = slotAt + slotHeaderBytes + recordAt
    if (isWithinSlot) {
      const bytes = (positions[block * 2 + 3] as number) - recordAt
      return this.#records(this.#read(file, at, Math.max(0, bytes)), rows)
    }
    return this.#acrossSlots(file, slotAt, recordAt, rows)
  }

  /** What is read from now on is what stands there now: the newest segment grows behind what was read before. */
  refresh(): void {
    this.#windowFile = -1
  }

  #records(bytes: Uint8Array, rows: number): Uint8Array[] {
    const leaves: Uint8Array[] = []
    for (let at = 0; leaves.length < rows; ) {
      const end = at + 2 + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0))
      if (at + 2 > bytes.length || end > bytes.length) throw damaged()
      leaves.push(bytes.subarray(at + 2, end))
      at = end
    }
    return leaves
  }

  #acrossSlots(file: number, slotAt: number, recordAt: number, rows: number): Uint8Array[] {
    const leaves: Uint8Array[] = []
    let [slot, from] = [slotAt, recordAt]
    while (leaves.length < rows) {
      const header = decodeSlotHeader(this.#read(file, slot, slotHeaderBytes))?.header
      if (header === undefined || from > header.recordsBytes) throw damaged()
      let at = slot + slotHeaderBytes + from
      const end = slot + slotHeaderBytes + header.recordsBytes
      while (at < end && leaves.length < rows) {
        const length = this.#read(file, at, 2).readUInt16BE(0)
        leaves.push(new Uint8Array(this.#read(file, at + 2, length)))
        at += 2 + length
      }
      slot += header.bytes
      from = 0
    }
    return leaves
  }

  /** A view of the window, which holds until the next read. */
  #read(file: number, at: number, length: number): Buffer {
    const isThere =
      file === this.#windowFile && at >= this.#windowAt && at + length <= this.#windowEnd
    if (!isThere) {
      if (length > this.#window.length) this.#window = Buffer.alloc(length * 2)
      // What a block within one slot takes is known; more is only read ahead where records are looked for.
      const wanted = length > slotHeaderBytes ? length : Math.min(this.#window.length, windowBytes)
      const read = readSync(file, this.#window, 0, wanted, at)
      this.#windowFile = file
      this.#windowAt = at
      this.#windowEnd = at + read
      if (read < length) throw damaged()
    }
    return this.#window.subarray(at - this.#windowAt, at - this.#windowAt + length)
  }

  #open(segment: number): number {
    let file = this.#files.get(segment)
    if (file === undefined) file = openSync(segmentPath(this.#directory, segment, "seg"), "r")
    this.#files.delete(segment)
    this.#files.set(segment, file)
    for (const [oldest, old] of this.#files) {
      if (this.#files.size <= openFilesMax) break
      this.#files.delete(oldest)
      if (old === this.#windowFile) this.#windowFile = -1
      closeSync(old)
    }
    return file
  }

  close(): void {
    for (const file of this.#files.values()) closeSync(file)
    this.#files.clear()
    this.#windowFile = -1
  }
}

function damaged(): PosternError {
  return new PosternError("LOG_DAMAGED", "there is no entry where the index says")
}
