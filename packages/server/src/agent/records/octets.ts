import { LineSplitter, type RecordSink, recordBytesMax } from "./lines.ts"

/** Makes records of what a connection sends. */
export interface Splitter {
  push(chunk: Buffer): void
  /** The connection is over. */
  end(): void
  /** Bytes of a record that is not complete. */
  readonly openBytes: number
}

const zero = 0x30
const nine = 0x39
const space = 0x20
const digitsMax = 10

/**
 * Cuts a syslog stream (RFC 6587): a message that begins with a digit is counted, `LENGTH SP MESSAGE`; any other ends with LF. So both
 * ways of framing are taken, also in turns.
 */
export class OctetSplitter implements Splitter {
  readonly #sink: RecordSink
  readonly #lines: LineSplitter
  #state: "start" | "count" | "counted" | "line" = "start"
  #digits = ""
  /** Bytes that are still to come of a counted message, and what is there of it. */
  #missing = 0
  #held: Buffer[] = []
  #bytes = 0

  constructor(sink: RecordSink) {
    this.#sink = sink
    const isOver = (): void => {
      this.#state = "start"
    }
    this.#lines = new LineSplitter({
      record: (bytes) => {
        isOver()
        sink.record(bytes)
      },
      tooLong: (bytes) => {
        isOver()
        sink.tooLong(bytes)
      },
    })
  }

  get openBytes(): number {
    return this.#digits.length + (this.#bytes - this.#missing) + this.#lines.openBytes
  }

  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#state === "counted") at = this.#count(chunk, at)
      else if (this.#state === "line") at = this.#line(chunk, at)
      else at = this.#begin(chunk, at)
    }
  }

  end(): void {
    if (this.#state === "line") this.#lines.end()
    else if (this.#state === "counted") this.#cut()
    else if (this.#digits !== "") this.#sink.record(Buffer.from(this.#digits, "latin1"))
    this.#reset()
  }

  /** A message that was not sent whole is a record as far as it came. */
  #cut(): void {
    const bytes = this.#bytes - this.#missing
    if (bytes === 0) return
    if (this.#bytes > recordBytesMax) this.#sink.tooLong(bytes)
    else this.#sink.record(Buffer.concat(this.#held))
  }

  #begin(chunk: Buffer, at: number): number {
    const byte = chunk[at] as number
    const isDigit = byte >= zero && byte <= nine
    if (isDigit && this.#digits.length < digitsMax && !(byte === zero && this.#digits === "")) {
      this.#digits += String.fromCharCode(byte)
      this.#state = "count"
      return at + 1
    }
    if (this.#state === "count" && byte === space) {
      this.#bytes = Number(this.#digits)
      this.#missing = this.#bytes
      this.#digits = ""
      this.#state = "counted"
      return at + 1
    }
    // No count after all: a line that begins with a digit.
    const begun = Buffer.from(this.#digits, "latin1")
    this.#digits = ""
    this.#state = "line"
    this.#lines.push(begun)
    return at
  }

  #line(chunk: Buffer, at: number): number {
    const end = chunk.indexOf(0x0a, at)
    const to = end < 0 ? chunk.length : end + 1
    this.#lines.push(chunk.subarray(at, to))
    return to
  }

  #count(chunk: Buffer, at: number): number {
    const to = Math.min(chunk.length, at + this.#missing)
    const isKept = this.#bytes <= recordBytesMax
    const part = chunk.subarray(at, to)
    this.#missing -= part.length
    if (this.#missing > 0) {
      if (isKept) this.#held.push(Buffer.from(part))
      return to
    }
    const bytes = this.#bytes
    const whole = this.#held.length === 0 ? part : Buffer.concat([...this.#held, part])
    this.#reset()
    if (isKept) this.#sink.record(withoutLineEnd(whole))
    else this.#sink.tooLong(bytes)
    return to
  }

  #reset(): void {
    this.#state = "start"
    this.#digits = ""
    this.#missing = 0
    this.#bytes = 0
    this.#held = []
  }
}

/** Some senders count a line end with the message. */
function withoutLineEnd(message: Buffer): Buffer {
  return message.at(-1) === 0x0a ? message.subarray(0, -1) : message
}
