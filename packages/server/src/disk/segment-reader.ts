import type { FileSystem, OpenFile } from "./file-system.ts"
import { openSegment, type SegmentBytes } from "./segment-bytes.ts"
import { decodeSlotHeader, slotHeaderBytes } from "./slot.ts"
import { damaged } from "./slot-walker.ts"

/** Of the first look: one entry costs little. Each next window is twice as long, so that a walk soon reads in long stretches. */
const windowBytesMin = 8 * 1024
const windowBytesMax = 256 * 1024

/**
 * Reads entries of one segment by index. Slots behind the head are never asked for. Opens its files when it is read and
 * keeps them open until it is released; whoever reads after that gets them opened once more.
 */
export class SegmentReader {
  readonly #first: number
  readonly #path: string
  readonly #offsetsPath: string
  readonly #disk: FileSystem
  #files: Promise<{ slots: SegmentBytes; offsets: OpenFile }> | undefined
  #reading = 0
  #released = false

  constructor(first: number, path: string, offsetsPath: string, disk: FileSystem) {
    this.#first = first
    this.#path = path
    this.#offsetsPath = offsetsPath
    this.#disk = disk
  }

  /** Leaves `[from, to)` of this segment, at least one, no more once `bytesMax` is used up. The caller owns them. */
  async leaves(from: number, to: number, bytesMax: number): Promise<Uint8Array[]> {
    this.#reading += 1
    let cursor: Cursor | undefined
    try {
      const { slots, offsets } = await this.#opened()
      cursor = new Cursor(slots, this.#path)
      const found: Uint8Array[] = []
      let bytes = 0
      let index = await this.#seek(cursor, offsets, from)
      for (; index < to && (bytes < bytesMax || found.length === 0); index++) {
        const leaf = await cursor.next()
        if (index < from) continue
        found.push(ownCopy(leaf))
        bytes += leaf.length
      }
      return found
    } finally {
      cursor?.release()
      this.#reading -= 1
      await this.#closeIfIdle()
    }
  }

  async #opened(): Promise<{ slots: SegmentBytes; offsets: OpenFile }> {
    this.#files ??= openBoth(this.#disk, this.#path, this.#offsetsPath)
    try {
      return await this.#files
    } catch (error) {
      // The next reader tries again.
      this.#files = undefined
      throw error
    }
  }

  /** Moves to an entry at or before `index` and says which. An offset that is missing or wrong only costs time. */
  async #seek(cursor: Cursor, offsets: OpenFile, index: number): Promise<number> {
    const row = Math.floor((index - this.#first) / 256)
    const bytes = Buffer.alloc(8)
    const bytesRead = await offsets.read(bytes, 0, 8, row * 8)
    const indexed = this.#first + row * 256
    const [slotAt, recordOffset] = [bytes.readUInt32BE(0), bytes.readUInt32BE(4)]
    if (bytesRead === 8 && (await cursor.seek(slotAt, recordOffset, indexed))) return indexed
    if (await cursor.seek(0, 0, this.#first)) return this.#first
    throw damaged(this.#path, 0, "there is no slot")
  }

  /** Closes the files once no read is going on. */
  async release(): Promise<void> {
    this.#released = true
    await this.#closeIfIdle()
  }

  async #closeIfIdle(): Promise<void> {
    if (!this.#released || this.#reading > 0 || this.#files === undefined) return
    const files = this.#files
    this.#files = undefined
    const { slots, offsets } = await files
    await Promise.all([slots.close(), offsets.close()])
  }
}

/** Not of the pool that small buffers share: whoever hands a leaf to another thread would hand over the pool. */
function ownCopy(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}

async function openBoth(files: FileSystem, path: string, offsetsPath: string) {
  const slots = await openSegment(path, files)
  try {
    return { slots, offsets: await files.open(offsetsPath, { access: "read" }) }
  } catch (error) {
    await slots.close()
    throw error
  }
}

/** Memory of a cursor that is done, for the next one: a reader answers many questions, and each passes over many slots. */
let spare: Buffer | undefined

function takeSpare(): Buffer {
  const memory = spare ?? Buffer.allocUnsafeSlow(windowBytesMin)
  spare = undefined
  return memory
}

/** Walks records over slot boundaries through a window of the file. */
class Cursor {
  readonly #file: SegmentBytes
  readonly #path: string
  #memory = takeSpare()
  /** What of it was read. */
  #window = this.#memory.subarray(0, 0)
  #windowAt = 0
  #windowBytes = windowBytesMin
  /** Absolute offsets: next record, end of the slot's records, next slot. */
  #at = 0
  #recordsEnd = 0
  #slotEnd = 0

  constructor(file: SegmentBytes, path: string) {
    this.#file = file
    this.#path = path
  }

  /** The last call: its memory is somebody else's now. */
  release(): void {
    if (this.#memory.length > (spare?.length ?? 0)) spare = this.#memory
  }

  /** Moves to the entry `index`, of which an offsets row says where it stands. False if that cannot be. */
  async seek(slotAt: number, recordOffset: number, index: number): Promise<boolean> {
    const header = decodeSlotHeader(await this.#bytesAtMost(slotAt, slotHeaderBytes))?.header
    if (header === undefined || index < header.first) return false
    if (index >= header.first + header.entries) return false
    if ((recordOffset === 0) !== (index === header.first)) return false
    if (recordOffset >= header.recordsBytes) return false
    await this.#enter(slotAt)
    this.#at += recordOffset
    return true
  }

  /** The next leaf, which holds until the one after it. */
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

  async #bytes(at: number, length: number): Promise<Buffer> {
    const bytes = await this.#bytesAtMost(at, length)
    if (bytes.length < length) throw damaged(this.#path, at, "the file is too short")
    return bytes
  }

  /** A view of `[at, at + length)`, shorter at the end of the file, which holds until the next. */
  async #bytesAtMost(at: number, length: number): Promise<Buffer> {
    if (at < this.#windowAt || at + length > this.#windowAt + this.#window.length) {
      const wanted = Math.max(this.#windowBytes, length)
      this.#windowBytes = Math.min(2 * this.#windowBytes, windowBytesMax)
      if (this.#memory.length < wanted) this.#memory = Buffer.allocUnsafeSlow(wanted)
      const bytesRead = await this.#file.read(this.#memory, 0, wanted, at)
      this.#window = this.#memory.subarray(0, bytesRead)
      this.#windowAt = at
    }
    return this.#window.subarray(at - this.#windowAt, at - this.#windowAt + length)
  }
}
