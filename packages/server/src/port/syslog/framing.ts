import { limits, PosternError } from "@postern/log/base"

/** A message that is not whole yet, as far as it has come. */
export interface Unfinished {
  readonly bytes: Uint8Array
  /** What it will have, if its length was said; else undefined. */
  readonly length: number | undefined
}

const space = 0x20
const lineFeed = 0x0a
const carriageReturn = 0x0d
const digitZero = 0x30
const digitNine = 0x39
/** What begins with more digits than this is no length: its line is waited for. */
const headBytesMax = 32
const capacityMin = 1024

/**
 * Bytes of a connection made into syslog messages (RFC 6587 §3.4), each framed as its first byte says: a digit 1 to 9 begins
 * its length and a space (octet counting, RFC 5425), anything else a line that ends with LF (a CR before it goes, too). LF,
 * CR and NUL between messages are passed over. What is longer than a message may be is taken off the wire and counted.
 */
export class SyslogFraming {
  /** How many messages were too large. */
  tooLarge = 0
  readonly #messageBytesMax: number
  /** The bytes [#at, #end) are not looked at, or belong to a message that is not whole. */
  #bytes: Uint8Array = new Uint8Array(0)
  #at = 0
  #end = 0
  /** Whether #bytes is ours to append to. */
  #isOwn = false
  /** Up to here there is no LF: it is not looked for again. */
  #searched = 0
  /** Bytes of a message too large that are still to come, by its length. */
  #skip = 0
  /** Bytes of a line too large that have gone by; undefined outside of one. */
  #skipped: number | undefined
  /** Of the message that was looked at last: the bytes before it, and its own. */
  #head = 0
  #length = 0

  /** @param messageBytesMax at most limits.syslogMessageBytesMax */
  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax
  }

  /** Bytes that are held. */
  get heldBytes(): number {
    return this.#end - this.#at
  }

  /** Whether a message has begun, one too large included. */
  get isMidMessage(): boolean {
    return this.heldBytes > 0 || this.#skip > 0 || this.#skipped !== undefined
  }

  /** The bytes are looked at by next(); until they are used up they must stay as they are. */
  push(chunk: Uint8Array): void {
    if (this.#at === this.#end) {
      this.#bytes = chunk
      this.#isOwn = false
      this.#at = 0
      this.#end = chunk.length
      this.#searched = 0
      return
    }
    const held = this.heldBytes
    if (!this.#isOwn || this.#end + chunk.length > this.#bytes.length) {
      const room = new Uint8Array(Math.max(2 * (held + chunk.length), capacityMin))
      room.set(this.#bytes.subarray(this.#at, this.#end))
      this.#searched -= this.#at
      this.#bytes = room
      this.#isOwn = true
      this.#at = 0
      this.#end = held
    }
    this.#bytes.set(chunk, this.#end)
    this.#end += chunk.length
  }

  /**
   * The next whole message, as it stood on the wire; undefined if there is none. It holds until the next push().
   * Errors: SYSLOG_FRAMING for what is longer than is passed over; nothing can follow then.
   */
  next(): Uint8Array | undefined {
    while (this.#pass()) {
      const kind = this.#readHead()
      if (kind === "later") return undefined
      const found = kind === "counted" ? this.#counted() : this.#line()
      if (found === "later") return undefined
      if (found !== "again") return found
    }
    return undefined
  }

  /** The message that has begun; undefined if none has, or if it is too large. It is forgotten. */
  takeUnfinished(): Unfinished | undefined {
    if (!this.#pass()) return undefined
    const isCounted = this.#readHead() === "counted"
    const bytes = this.#bytes.subarray(this.#at + (isCounted ? this.#head : 0), this.#end)
    this.#at = this.#end
    return { bytes, length: isCounted ? this.#length : undefined }
  }

  /** Lets go of the bytes that are held. */
  forget(): void {
    this.#bytes = new Uint8Array(0)
    this.#at = 0
    this.#end = 0
  }

  /** Passes over what is no message. False if nothing else is there. */
  #pass(): boolean {
    if (this.#skip > 0) {
      const passed = Math.min(this.#skip, this.heldBytes)
      this.#at += passed
      this.#skip -= passed
    }
    if (this.#skipped !== undefined) this.#passLine(this.#skipped)
    while (this.#at < this.#end && isFiller(this.#bytes[this.#at] as number)) this.#at += 1
    return this.#at < this.#end
  }

  #passLine(before: number): void {
    const found = this.#findLineFeed()
    const passed = before + (found < 0 ? this.#end : found) - this.#at
    if (passed > limits.syslogSkipBytesMax) throw tooLong(`a line of more than ${passed} bytes`)
    this.#skipped = found < 0 ? passed : undefined
    this.#at = found < 0 ? this.#end : found + 1
  }

  /** Whether a length stands here, a line, or too little to tell: a line may begin with a number, but no length without a space. */
  #readHead(): "counted" | "line" | "later" {
    const bytes = this.#bytes
    const first = bytes[this.#at] as number
    if (first <= digitZero || first > digitNine) return "line"
    let length = 0
    let at = this.#at
    const most = this.#at + headBytesMax
    for (; at < this.#end && at < most; at++) {
      const byte = bytes[at] as number
      if (byte < digitZero || byte > digitNine) break
      length = 10 * length + byte - digitZero
    }
    if (at === most) return "line"
    if (at === this.#end) return "later"
    if (bytes[at] !== space) return "line"
    this.#head = at + 1 - this.#at
    this.#length = length
    return "counted"
  }

  #counted(): Uint8Array | "again" | "later" {
    const from = this.#at + this.#head
    const length = this.#length
    if (length > limits.syslogSkipBytesMax) throw tooLong(`a message of ${length} bytes`)
    if (length > this.#messageBytesMax) {
      this.tooLarge += 1
      this.#skip = length
      this.#at = from
      return "again"
    }
    if (this.#end - from < length) return "later"
    this.#at = from + length
    return this.#bytes.subarray(from, from + length)
  }

  #line(): Uint8Array | "again" | "later" {
    const lineEnd = this.#findLineFeed()
    const length = (lineEnd < 0 ? this.#end : lineEnd) - this.#at
    if (length > this.#messageBytesMax) {
      this.tooLarge += 1
      this.#skipped = 0
      return "again"
    }
    if (lineEnd < 0) return "later"
    const from = this.#at
    this.#at = lineEnd + 1
    const hasReturn = this.#bytes[lineEnd - 1] === carriageReturn
    return this.#bytes.subarray(from, hasReturn ? lineEnd - 1 : lineEnd)
  }

  #findLineFeed(): number {
    const from = Math.max(this.#at, this.#searched)
    const view = this.#bytes.subarray(from, this.#end)
    const found = view.indexOf(lineFeed)
    if (found < 0) this.#searched = this.#end
    return found < 0 ? -1 : from + found
  }
}

function isFiller(byte: number): boolean {
  return byte === lineFeed || byte === carriageReturn || byte === 0
}

function tooLong(what: string): PosternError {
  return new PosternError("SYSLOG_FRAMING", what)
}
