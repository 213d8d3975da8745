import { PosternError } from "@postern/log/base"

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const braceOpen = 0x7b
const braceClose = 0x7d
const bracketOpen = 0x5b
const bracketClose = 0x5d

export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** First byte of `[at, end)` that is not white space, or end. */
export function trimStart(memory: Uint8Array, at: number, end: number): number {
  while (at < end && isSpace(memory[at])) at += 1
  return at
}

export function trimEnd(memory: Uint8Array, at: number, end: number): number {
  while (end > at && isSpace(memory[end - 1])) end -= 1
  return end
}

/**
 * The outline of the JSON array or object at `[start, end)`: its elements or members one at a time,
 * told apart by quotes, brackets and commas alone. What stands between them is not judged: the
 * scanner does that for each event by itself. Knows no limit of depth or number and takes no
 * memory. `[at, end)` is the present element, or the value of the present member, whose key
 * (without quotes) is `[keyAt, keyEnd)`. Errors: HTTP_BODY_SYNTAX from the constructor and from
 * advance().
 */
export class Outline {
  at = 0
  end = 0
  keyAt = 0
  keyEnd = 0
  done = false
  readonly #memory: Uint8Array
  readonly #bodyEnd: number
  readonly #close: number
  /** Where the present element's separator stands. */
  #separator: number

  constructor(memory: Uint8Array, start: number, end: number) {
    this.#memory = memory
    this.#bodyEnd = end
    this.#separator = trimStart(memory, start, end)
    const open = this.#separator < end ? memory[this.#separator] : undefined
    if (open !== bracketOpen && open !== braceOpen) throw broken("it is no array and no object")
    this.#close = open + 2 // In ASCII each bracket closes two places after it opens.
    const first = trimStart(memory, this.#separator + 1, end)
    if (first < end && memory[first] === this.#close) this.#finish(first)
    else this.#step()
  }

  advance(): void {
    if (this.#memory[this.#separator] === comma) this.#step()
    else this.#finish(this.#separator)
  }

  /** From the separator before an element to the one behind it. */
  #step(): void {
    const memory = this.#memory
    let depth = 0
    let at = this.#separator + 1
    for (; at < this.#bodyEnd; at++) {
      const byte = memory[at]
      if (byte === quote) {
        at = this.#skipString(at)
      } else if (byte === braceOpen || byte === bracketOpen) {
        depth += 1
      } else if (byte === braceClose || byte === bracketClose) {
        if (depth === 0) break
        depth -= 1
      } else if (byte === comma && depth === 0) {
        break
      }
    }
    if (at >= this.#bodyEnd) throw broken("it ends too early")
    if (memory[at] !== comma && memory[at] !== this.#close) throw broken("a bracket does not match")
    this.at = trimStart(memory, this.#separator + 1, at)
    this.end = trimEnd(memory, this.at, at)
    if (this.at === this.end) throw broken("there is nothing between two commas")
    this.#separator = at
    if (this.#close === braceClose) this.#splitMember()
  }

  #skipString(at: number): number {
    return endOfString(this.#memory, at, this.#bodyEnd)
  }

  #splitMember(): void {
    const memory = this.#memory
    if (memory[this.at] !== quote) throw broken("a member has no name")
    this.keyAt = this.at + 1
    this.keyEnd = this.#skipString(this.at)
    const at = trimStart(memory, this.keyEnd + 1, this.end)
    if (at >= this.end || memory[at] !== colon) throw broken("a member has no value")
    this.at = trimStart(memory, at + 1, this.end)
    if (this.at === this.end) throw broken("a member has no value")
  }

  #finish(close: number): void {
    if (trimStart(this.#memory, close + 1, this.#bodyEnd) !== this.#bodyEnd) {
      throw broken("something follows its end")
    }
    this.done = true
  }
}

/** Position of the closing quote of the string that begins at `at`, or `end`. */
export function endOfString(memory: Uint8Array, at: number, end: number): number {
  for (at += 1; at < end; at++) {
    const byte = memory[at]
    if (byte === quote) return at
    if (byte === backslash) at += 1
  }
  return end
}

function broken(detail: string): PosternError {
  return new PosternError("HTTP_BODY_SYNTAX", detail)
}
