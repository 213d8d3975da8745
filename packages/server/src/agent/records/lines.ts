import { limits } from "@postern/log/base"

/** Where records go. */
export interface RecordSink {
  /** A record without its line end; a view that is good for the call only. */
  record(bytes: Uint8Array): void
  /** One that is longer than recordBytesMax, of which nothing was kept. */
  tooLong(bytes: number): void
}

/** Longest record. A longer one would fit no event. */
export const recordBytesMax = limits.disclosureBytesMax

const lineFeed = 0x0a

/** Cuts a stream of bytes at each LF. Holds at most one record that is not complete. */
export class LineSplitter {
  readonly #sink: RecordSink
  /** Of a record that is not complete. */
  #held: Buffer[] = []
  #heldBytes = 0
  /** Bytes of a record that is too long and goes on. */
  #passedBytes = 0

  constructor(sink: RecordSink) {
    this.#sink = sink
  }

  /** Bytes of the record that is not complete; they may be gone already. */
  get openBytes(): number {
    return this.#heldBytes + this.#passedBytes
  }

  /** The chunk may be used again afterwards. */
  push(chunk: Buffer): void {
    let from = 0
    for (;;) {
      const end = chunk.indexOf(lineFeed, from)
      if (end < 0) break
      this.#complete(chunk.subarray(from, end))
      from = end + 1
    }
    if (from < chunk.length) this.#hold(chunk.subarray(from))
  }

  /** What is not complete is a record all the same: nothing follows. */
  end(): void {
    if (this.openBytes > 0) this.#complete(Buffer.alloc(0))
  }

  #complete(rest: Buffer): void {
    const bytes = this.openBytes + rest.length
    if (this.#passedBytes > 0 || bytes > recordBytesMax) {
      this.#held = []
      this.#heldBytes = 0
      this.#passedBytes = 0
      return this.#sink.tooLong(bytes)
    }
    if (this.#heldBytes === 0) return this.#sink.record(rest)
    const whole = Buffer.concat([...this.#held, rest])
    this.#held = []
    this.#heldBytes = 0
    this.#sink.record(whole)
  }

  #hold(part: Buffer): void {
    if (this.#passedBytes > 0 || this.#heldBytes + part.length > recordBytesMax) {
      this.#passedBytes += this.#heldBytes + part.length
      this.#held = []
      this.#heldBytes = 0
      return
    }
    this.#held.push(Buffer.from(part))
    this.#heldBytes += part.length
  }
}
