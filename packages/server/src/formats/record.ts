import { decodeUtf8, limits } from "@postern/log/base"
import type { JsonObject } from "@postern/log/event"

/** A record as it is read: once, whatever number of formats look at it. */
export interface RecordText {
  readonly original: Uint8Array
  /** undefined: it is not UTF-8. */
  readonly text: string | undefined
}

/** The original stands two levels deep in the event: in `data`, in the event. */
export const depthMax = limits.eventDepthMax - 2

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const bracketOpen = 0x5b
const bracketClose = 0x5d
const braceOpen = 0x7b
const braceClose = 0x7d

export function readText(original: Uint8Array): RecordText {
  return { original, text: decodeUtf8(original) }
}

/** Stands in place of the value of a member that stands twice: nobody can say which of the two was meant. */
export const saidTwice: unique symbol = Symbol("said twice")

/**
 * The value of a text that is one strict JSON object and can stand in an event; undefined for any other. A member that
 * stands twice in its object has the value `saidTwice`.
 */
export function parseObject(text: string, deepest = depthMax): JsonObject | undefined {
  if (!startsAsObject(text)) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined // A syntax error, which is our answer.
  }
  if (!isObject(value)) return undefined
  const { depth, members } = outlineOf(text)
  if (depth > deepest) return undefined
  return membersOf(value) === members ? value : (new TwinReader(text).value() as JsonObject)
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** Cheap: most lines that are no JSON end here. */
function startsAsObject(text: string): boolean {
  let at = 0
  while (at < text.length && " \t\r\n".includes(text[at] as string)) at++
  return text[at] === "{"
}

/** Of a text that is JSON: how deep its brackets nest, and how many members its objects have, twins counted twice. */
function outlineOf(text: string): { depth: number; members: number } {
  let open = 0
  let depth = 0
  let members = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === quote) at = endOfString(text, at)
    else if (unit === colon) members++
    else if (unit === braceOpen || unit === bracketOpen) depth = Math.max(depth, ++open)
    else if (unit === braceClose || unit === bracketClose) open--
  }
  return { depth, members }
}

/** Position of the quote that ends the string which begins at `at`. */
export function endOfString(text: string, at: number): number {
  let end = text.indexOf('"', at + 1)
  for (;;) {
    let before = end - 1
    while (text.charCodeAt(before) === backslash) before--
    if ((end - before) % 2 === 1) return end
    end = text.indexOf('"', end + 1)
  }
}

function membersOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const element of value) count += membersOf(element)
    return count
  }
  for (const key of Object.keys(value)) count += 1 + membersOf((value as JsonObject)[key])
  return count
}

/** Reads a text that is JSON and no deeper than depthMax, slowly, with `saidTwice` where a member stands twice. */
class TwinReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(): unknown {
    const first = this.#next()
    if (first === "[") return this.#elements()
    if (first === "{") return this.#members()
    const from = this.#at
    if (first === '"') this.#at = endOfString(this.#text, from) + 1
    else while (!/[\s,\]}]/.test(this.#text[this.#at] ?? ",")) this.#at++
    return JSON.parse(this.#text.slice(from, this.#at))
  }

  #elements(): unknown[] {
    const elements: unknown[] = []
    this.#at++
    while (this.#next() !== "]") {
      if (this.#next() === ",") this.#at++
      elements.push(this.value())
    }
    this.#at++
    return elements
  }

  #members(): JsonObject {
    const members: Record<string, unknown> = {}
    this.#at++
    while (this.#next() !== "}") {
      if (this.#next() === ",") this.#at++
      this.#next()
      const name = this.value() as string
      this.#next()
      this.#at++
      const inner = this.value()
      const value = Object.hasOwn(members, name) ? saidTwice : inner
      // An assignment to __proto__ would be none.
      Object.defineProperty(members, name, { value, enumerable: true, configurable: true })
    }
    this.#at++
    return members
  }

  /** The next character that is no white space, which is left to be read. */
  #next(): string {
    while (" \t\r\n".includes(this.#text[this.#at] as string)) this.#at++
    return this.#text[this.#at] as string
  }
}
