import { isAscii } from "node:buffer"
import { assert, encodeUtf8 } from "@postern/log/base"

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const bracketOpen = 0x5b
const backslash = 0x5c
const bracketClose = 0x5d
const braceOpen = 0x7b
const braceClose = 0x7d

/** Half-open, in bytes of the event. */
export interface Span {
  readonly from: number
  readonly to: number
}

/**
 * The bytes of an event that the scanner took: strict JSON in UTF-8. Read as a text of one character for each byte, which an engine
 * searches and cuts faster than an array of bytes; so a position is that of the byte. Every method takes the position of a
 * token and is linear in what it passes over.
 */
export class EventText {
  readonly bytes: Buffer
  /** Each byte as the character U+0000 to U+00FF. */
  readonly raw: string
  readonly #isAscii: boolean
  /** There is no backslash in [#clearFrom, #clearTo), and there is one at #clearTo if that is not the end. */
  #clearFrom = 0
  #clearTo = 0

  constructor(event: Uint8Array) {
    const { buffer, byteOffset, byteLength } = event
    this.bytes = Buffer.isBuffer(event) ? event : Buffer.from(buffer, byteOffset, byteLength)
    this.raw = this.bytes.toString("latin1")
    this.#isAscii = isAscii(this.bytes)
  }

  /** The next position that is no white space. */
  skipSpace(at: number): number {
    let i = at
    while (this.raw.charCodeAt(i) <= 0x20) i += 1
    return i
  }

  /** Where the value of a member begins whose name ends at `nameTo`. */
  valueAfter(nameTo: number): number {
    const at = this.skipSpace(nameTo)
    assert(this.raw.charCodeAt(at) === colon, "an event is strict JSON")
    return this.skipSpace(at + 1)
  }

  /** Behind the closing quote of the string that begins at `at`. */
  endOfString(at: number): number {
    const { raw } = this
    const end = raw.indexOf('"', at + 1)
    assert(end > at, "an event is strict JSON")
    if (end < this.#escapeFrom(at)) return end + 1
    let i = this.#escapeFrom(at)
    while (i < raw.length && raw.charCodeAt(i) !== quote) {
      i += raw.charCodeAt(i) === backslash ? 2 : 1
    }
    assert(i < raw.length, "an event is strict JSON")
    return i + 1
  }

  /** Behind the value that begins at `at`. */
  endOfValue(at: number): number {
    const { raw } = this
    const first = raw.charCodeAt(at)
    if (first === quote) return this.endOfString(at)
    if (first !== braceOpen && first !== bracketOpen) return this.endOfScalar(at)
    let depth = 0
    let i = at
    while (i < raw.length) {
      const code = raw.charCodeAt(i)
      if (code === quote) {
        i = this.endOfString(i)
        continue
      }
      i += 1
      if (code === braceOpen || code === bracketOpen) depth += 1
      else if (code === braceClose || code === bracketClose) depth -= 1
      if (depth === 0) return i
    }
    assert(false, "an event is strict JSON")
    return i
  }

  /** Behind the number, true, false or null that begins at `at`. */
  endOfScalar(at: number): number {
    const { raw } = this
    let i = at
    while (i < raw.length) {
      const code = raw.charCodeAt(i)
      if (code <= 0x20 || code === comma || code === braceClose || code === bracketClose) break
      i += 1
    }
    return i
  }

  isText(at: number): boolean {
    return this.raw.charCodeAt(at) === quote
  }

  /** Whether it is an object or an array that begins at `at`. */
  isContainer(at: number): boolean {
    const code = this.raw.charCodeAt(at)
    return code === braceOpen || code === bracketOpen
  }

  isObject(at: number): boolean {
    return this.raw.charCodeAt(at) === braceOpen
  }

  /** The characters that the string [from, to), with its quotes, means. */
  textOf(from: number, to: number): string {
    if (!this.hasEscape(from, to)) return this.sourceOf(from + 1, to - 1)
    return JSON.parse(this.sourceOf(from, to)) as string
  }

  /** Whether the characters that the string [from, to) means are its bytes. */
  isPlain(from: number, to: number): boolean {
    return this.#isAscii && !this.hasEscape(from, to)
  }

  /** What stands in [from, to), which must not begin or end inside a character. */
  sourceOf(from: number, to: number): string {
    return this.#isAscii ? this.raw.slice(from, to) : this.bytes.toString("utf8", from, to)
  }

  /** The name [from, to), with its quotes, as rawName() writes it. */
  rawNameOf(from: number, to: number): string {
    if (!this.hasEscape(from, to)) return this.raw.slice(from + 1, to - 1)
    return rawName(this.textOf(from, to))
  }

  /** The characters of the string [from, to) in UTF-8; half a surrogate pair is U+FFFD. */
  utf8Of(from: number, to: number): Uint8Array {
    if (!this.hasEscape(from, to)) return this.bytes.subarray(from + 1, to - 1)
    return encodeUtf8(this.textOf(from, to))
  }

  hasEscape(from: number, to: number): boolean {
    return this.#escapeFrom(from) < to
  }

  /** The first backslash at or behind `at`; the end if there is none. Cheap as long as one goes forward. */
  #escapeFrom(at: number): number {
    if (at < this.#clearFrom || at > this.#clearTo) {
      const found = this.raw.indexOf("\\", at)
      this.#clearFrom = at
      this.#clearTo = found === -1 ? this.raw.length : found
    }
    return this.#clearTo
  }
}

/** One half of a surrogate pair without the other. */
const halfPair = /\p{Surrogate}/u

/** A name in the form in which names are compared: its UTF-8, each byte a character. One with half a surrogate pair has no UTF-8 and stays as it is. */
export function rawName(name: string): string {
  return halfPair.test(name) ? name : rawText(name)
}

/** A text's UTF-8, each byte a character: as it goes into an event's raw text. */
export function rawText(text: string): string {
  // All of ASCII is its own UTF-8, and nothing else takes one byte a unit.
  const isAscii = Buffer.byteLength(text) === text.length
  return isAscii ? text : Buffer.from(text).toString("latin1")
}
