import { PosternError } from "@postern/log/base"
import {
  decodeSlotHeader,
  type FileNow,
  hashesPath,
  openNow,
  openSegmentNow,
  type SegmentBytesNow,
  segmentPath,
  slotHeaderBytes,
} from "../../disk/index.ts"
import type { Part } from "./part.ts"
import { SectionCache } from "./section-cache.ts"
import { blockRows } from "./token-blocks.ts"

const openFilesMax = 32
/** Where records are looked for, so much is read ahead: of a compressed segment it has to be unpacked. */
const windowBytes = 8192
/** Rows are not all of one length. */
const spareBytes = 1024
const hashBytes = 32
/** Of compressed segments, unpacked: who asks twice asks for the same places, or for some beside them. */
const unpackedBytesMax = 32 * 1024 * 1024

/**
 * Reads the leaves of a block where the index says that they stand, on this thread: an answer is put together from a hundred places,
 * and a trip to another thread for each costs more than what is read there. A wrong place is found out by whoever compares a leaf with
 * the log's hashes: no leaf that comes from here may be shown before.
 */
export class LogRows {
  readonly #directory: string
  #hashes: FileNow | undefined
  #newest = -1
  readonly #files = new Map<number, SegmentBytesNow>()
  readonly #unpacked = new SectionCache(unpackedBytesMax)
  #window = Buffer.alloc(windowBytes)
  #windowFile: SegmentBytesNow | undefined
  #windowAt = 0
  #windowEnd = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  /**
   * The first leaves of a block, in order. They hold until the next is read.
   * @param segment index of the first entry of the log segment that the part belongs to
   * @param wanted how many, 32 at most; fewer where the part ends
   * @throws PosternError LOG_DAMAGED if there are none
   */
  block(part: Part, block: number, segment: number, wanted: number): Uint8Array[] {
    const positions = part.positions()
    const all = Math.min(blockRows, part.count - block * blockRows)
    const rows = Math.min(wanted, all)
    const slotAt = positions[block * 2] as number
    const recordAt = positions[block * 2 + 1] as number
    const file = this.#open(segment)
    const isWithinSlot = all === blockRows && positions[block * 2 + 2] === slotAt
    if (!isWithinSlot) return this.#acrossSlots(file, slotAt, recordAt, rows)
    const at = slotAt + slotHeaderBytes + recordAt
    const bytes = Math.max(0, (positions[block * 2 + 3] as number) - recordAt)
    const likely = Math.min(bytes, Math.ceil((bytes * rows) / blockRows) + spareBytes)
    const leaves =
      recordsOf(this.#read(file, at, likely), rows) ?? recordsOf(this.#read(file, at, bytes), rows)
    if (leaves === undefined) throw damaged()
    return leaves
  }

  /** Hashes of the leaves `[from, to)`, 32 bytes each. @throws PosternError LOG_DAMAGED if the log has not so many */
  hashes(from: number, to: number): Uint8Array {
    this.#hashes ??= openNow(hashesPath(this.#directory, 0))
    const bytes = new Uint8Array((to - from) * hashBytes)
    const read = this.#hashes.read(bytes, bytes.length, from * hashBytes)
    if (read !== bytes.length) throw new PosternError("LOG_DAMAGED", "hashes/0 is short")
    return bytes
  }

  /** What is read from now on is what stands there now: the newest segment grows behind what was read before. */
  refresh(): void {
    this.#windowFile = undefined
  }

  #acrossSlots(
    file: SegmentBytesNow,
    slotAt: number,
    recordAt: number,
    rows: number,
  ): Uint8Array[] {
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
  #read(file: SegmentBytesNow, at: number, length: number): Buffer {
    const isThere =
      file === this.#windowFile && at >= this.#windowAt && at + length <= this.#windowEnd
    if (!isThere) {
      if (length > this.#window.length) this.#window = Buffer.alloc(length * 2)
      // What a block within one slot takes is known; more is only read ahead where records are looked for.
      const wanted = length > slotHeaderBytes ? length : Math.min(this.#window.length, windowBytes)
      const read = file.read(this.#window, wanted, at)
      this.#windowFile = file
      this.#windowAt = at
      this.#windowEnd = at + read
      if (read < length) throw damaged()
    }
    return this.#window.subarray(at - this.#windowAt, at - this.#windowAt + length)
  }

  #open(segment: number): SegmentBytesNow {
    let file = this.#files.get(segment)
    if (file === undefined) {
      file = openSegmentNow(segmentPath(this.#directory, segment, "seg"), this.#unpacked)
      if (segment > this.#newest) this.#letPlainGo()
      this.#newest = Math.max(this.#newest, segment)
    }
    this.#files.delete(segment)
    this.#files.set(segment, file)
    for (const [oldest, old] of this.#files) {
      if (this.#files.size <= openFilesMax) break
      this.#files.delete(oldest)
      if (old === this.#windowFile) this.#windowFile = undefined
      old.close()
    }
    return file
  }

  /** A segment that was sealed is replaced by a smaller file: the old one takes its room as long as it is open. */
  #letPlainGo(): void {
    for (const [segment, file] of this.#files) {
      if (file.isPacked) continue
      this.#files.delete(segment)
      if (file === this.#windowFile) this.#windowFile = undefined
      file.close()
    }
  }

  /** Lets go of the segments that begin before this entry: what was removed is gone only when nobody has it open. */
  forget(minimum: number): void {
    this.#unpacked.clear()
    for (const [segment, file] of this.#files) {
      if (segment >= minimum) continue
      this.#files.delete(segment)
      if (file === this.#windowFile) this.#windowFile = undefined
      file.close()
    }
  }

  close(): void {
    for (const file of this.#files.values()) file.close()
    this.#files.clear()
    this.#windowFile = undefined
    this.#hashes?.close()
    this.#hashes = undefined
  }
}

/** So many records, without their lengths; undefined if there are fewer. */
function recordsOf(bytes: Uint8Array, rows: number): Uint8Array[] | undefined {
  const leaves: Uint8Array[] = []
  for (let at = 0; leaves.length < rows; ) {
    const end = at + 2 + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0))
    if (at + 2 > bytes.length || end > bytes.length) return undefined
    leaves.push(bytes.subarray(at + 2, end))
    at = end
  }
  return leaves
}

function damaged(): PosternError {
  return new PosternError("LOG_DAMAGED", "there is no entry where the index says")
}
