import type { Line } from "./line.ts"

/** Writes to the socket: one record of TLS costs the port as much as fifty small events. */
const writeBytes = 65_536
/** Room for a write, and for one more frame of events behind one that is all but enough. */
const bufferBytes = 2 * writeBytes
/** Buffers to write to the next time; one that is still on its way is not among them. */
const sparesMax = 4

/** What goes into one line: frames of the spool in large writes, and what is said beside them, but never within a disclosure. */
export class Outlet {
  readonly #line: Line
  readonly #spares: Buffer[] = []
  #gathered: Buffer = Buffer.alloc(0)
  #gatheredBytes = 0
  readonly #deferred: Uint8Array[] = []
  #isMidDisclosure = false

  constructor(line: Line) {
    this.#line = line
  }

  /** There is enough for a write. */
  get isFull(): boolean {
    return this.#gatheredBytes >= writeBytes
  }

  /**
   * @param frame in pieces, which are copied
   * @param isMidDisclosure nothing but the rest of a disclosure may follow
   */
  gather(frame: readonly Uint8Array[], isMidDisclosure: boolean): void {
    this.#isMidDisclosure = isMidDisclosure
    const pieces = isMidDisclosure ? frame : [...frame, ...this.#deferred.splice(0)]
    this.#reserve(pieces.reduce((sum, { length }) => sum + length, 0))
    for (const piece of pieces) {
      this.#gathered.set(piece, this.#gatheredBytes)
      this.#gatheredBytes += piece.length
    }
  }

  #reserve(bytes: number): void {
    const needed = this.#gatheredBytes + bytes
    if (needed <= this.#gathered.length) return
    const before = this.#gathered.subarray(0, this.#gatheredBytes)
    const isLarge = needed > bufferBytes
    this.#gathered = (isLarge ? undefined : this.#spares.pop()) ?? newBuffer(needed)
    this.#gathered.set(before)
  }

  /** Writes what was gathered; false if the line is not to be written to for a while. */
  flush(): boolean {
    if (this.#gatheredBytes === 0) return true
    const buffer = this.#gathered
    const bytes = buffer.subarray(0, this.#gatheredBytes)
    this.#gathered = Buffer.alloc(0)
    this.#gatheredBytes = 0
    return this.#line.send(bytes, () => {
      if (buffer.length === bufferBytes && this.#spares.length < sparesMax)
        this.#spares.push(buffer)
    })
  }

  /** Says something at once, or as soon as it may be said. */
  send(frame: Uint8Array): void {
    if (this.#isMidDisclosure) this.#deferred.push(frame)
    else this.#line.send(frame)
  }
}

function newBuffer(bytes: number): Buffer {
  return Buffer.allocUnsafeSlow(Math.max(bytes, bufferBytes))
}
