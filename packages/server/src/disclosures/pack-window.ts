import { type OpenFile, readAll } from "../disk/index.ts"
import { isPackHead, packHeadBytes, recordLengthAt } from "./pack-format.ts"

/** A part of a pack in memory, moved along its records. */
export class PackWindow {
  readonly bytes: Buffer
  /** Where the record that was moved to begins in the bytes. */
  at = 0
  /** Whether the last move has read from the disk. */
  wasRead = false
  readonly #file: OpenFile
  #from = 0
  #filled = 0

  /** @param bytes what the part is read into, for this window alone as long as it is used */
  constructor(file: OpenFile, bytes: Buffer) {
    this.#file = file
    this.bytes = bytes
  }

  /** False at the end, and where no whole head stands. @param place in the file, at a record's beginning */
  async moveTo(place: number): Promise<boolean> {
    const end = this.#from + this.#filled
    this.wasRead = place < this.#from || place + packHeadBytes > end
    if (this.wasRead) {
      this.#filled = 0
      this.#filled = await readAll(this.#file, this.bytes, place)
      this.#from = place
    }
    this.at = place - this.#from
    return this.at + packHeadBytes <= this.#filled && isPackHead(this.bytes, this.at)
  }

  /** A copy of what follows the record's head; undefined if the file ends before. */
  async body(length: number): Promise<Buffer | undefined> {
    const from = this.at + packHeadBytes
    if (from + length <= this.#filled) return Buffer.from(this.bytes.subarray(from, from + length))
    const body = Buffer.alloc(length)
    const read = await readAll(this.#file, body, this.#from + from)
    return read < length ? undefined : body
  }

  get recordLength(): number {
    return recordLengthAt(this.bytes, this.at)
  }
}
