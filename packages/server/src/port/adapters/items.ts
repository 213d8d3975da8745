import { limits, PosternError } from "@postern/log/base"
import type { AdapterBody } from "./api.ts"
import { endOfString, Outline, trimEnd, trimStart } from "./outline.ts"

const lineFeed = 0x0a
const quote = 0x22
const braceOpen = 0x7b
const braceClose = 0x7d
const bracketOpen = 0x5b

/**
 * The items of a body, one at a time: `[at, end)` is the present one, without white space around
 * it, until `done`.
 */
export interface Items {
  readonly at: number
  readonly end: number
  readonly done: boolean
  advance(): void
}

export function noItems(): Items {
  return new ListedItems(new Uint32Array(0))
}

/** One item: the whole of `[at, end)`. */
export function oneItem(at: number, end: number): Items {
  return new ListedItems(Uint32Array.from([0, 0, at, end - at]))
}

/**
 * The elements of the array at `[at, end)`, which begins with its bracket. If the core reads it as
 * strict JSON, its spans are used. It does not if an element is faulty or too deep or if there are
 * very many; then the outline is followed, so that one element never fails its neighbours.
 * Errors: HTTP_BODY_SYNTAX if the outline is broken, HTTP_BODY_TOO_LARGE.
 */
export function arrayItems(body: AdapterBody, at: number, end: number): Items {
  const listed = strictItems(body, at, end)
  if (listed !== undefined) return listed
  const { memory } = body.core
  demandFew(new Outline(memory, at, end))
  return new Outline(memory, at, end)
}

/** Goes over all of these items. Errors: HTTP_BODY_TOO_LARGE if a body may not have so many; those of advance(). */
export function demandFew(items: Items): void {
  for (let count = 0; !items.done; count++) {
    if (count === limits.httpBodyEventsMax)
      throw new PosternError("HTTP_BODY_TOO_LARGE", "too many events")
    items.advance()
  }
}

/** The elements of an array that is strict JSON as a whole and has not too many; else undefined. */
export function strictItems(body: AdapterBody, at: number, end: number): Items | undefined {
  const { core, spans, spansMax } = body
  const count = core.memory[at] === bracketOpen ? core.members(at, end, spans, spansMax) : -1
  if (count < 0) return undefined
  // A copy: the scratch region is anybody's between two calls.
  return new ListedItems(new Uint32Array(core.memory.buffer, spans, 4 * count).slice())
}

/** One item a line; empty lines do not count. */
export function lineItems(memory: Uint8Array, at: number, end: number): Items {
  return new Lines(memory, at, end)
}

/**
 * JSON objects one behind the other, with or without white space between. Where something else stands, the rest of the body is one
 * item. Told apart by quotes and braces alone, as an Outline does it.
 */
export function joinedItems(memory: Uint8Array, at: number, end: number): Items {
  return new Joined(memory, at, end)
}

/** Items from spans as core.members writes them. */
class ListedItems implements Items {
  at = 0
  end = 0
  done = false
  readonly #spans: Uint32Array
  #next = 0

  constructor(spans: Uint32Array) {
    this.#spans = spans
    this.advance()
  }

  advance(): void {
    if (this.#next === this.#spans.length) {
      this.done = true
      return
    }
    this.at = this.#spans[this.#next + 2] as number
    this.end = this.at + (this.#spans[this.#next + 3] as number)
    this.#next += 4
  }
}

class Lines implements Items {
  at: number
  end: number
  done = false
  readonly #memory: Uint8Array
  /** Of the body: to look for a line feed no further than its end. */
  readonly #body: Uint8Array
  readonly #start: number
  #next: number

  constructor(memory: Uint8Array, at: number, end: number) {
    this.#memory = memory
    this.#body = memory.subarray(at, end)
    this.#start = at
    this.#next = at
    this.at = at
    this.end = at
    this.advance()
  }

  advance(): void {
    const bodyEnd = this.#start + this.#body.length
    while (this.#next < bodyEnd) {
      const found = this.#body.indexOf(lineFeed, this.#next - this.#start)
      const lineEnd = found < 0 ? bodyEnd : this.#start + found
      const at = trimStart(this.#memory, this.#next, lineEnd)
      this.#next = lineEnd + 1
      if (at === lineEnd) continue
      this.at = at
      this.end = trimEnd(this.#memory, at, lineEnd)
      return
    }
    this.done = true
  }
}

class Joined implements Items {
  at: number
  end: number
  done = false
  readonly #memory: Uint8Array
  readonly #bodyEnd: number

  constructor(memory: Uint8Array, at: number, end: number) {
    this.#memory = memory
    this.#bodyEnd = end
    this.at = at
    this.end = at
    this.advance()
  }

  advance(): void {
    const bodyEnd = this.#bodyEnd
    this.at = trimStart(this.#memory, this.end, bodyEnd)
    this.done = this.at === bodyEnd
    this.end = this.done ? bodyEnd : trimEnd(this.#memory, this.at, this.#endOfObject())
  }

  #endOfObject(): number {
    const memory = this.#memory
    let depth = 0
    for (let at = this.at; at < this.#bodyEnd; at++) {
      const byte = memory[at]
      if (byte === quote) at = endOfString(memory, at, this.#bodyEnd)
      else if (byte === braceOpen) depth += 1
      else if (byte === braceClose) depth -= 1
      if (depth === 0) return byte === braceClose ? at + 1 : this.#bodyEnd
    }
    return this.#bodyEnd
  }
}
