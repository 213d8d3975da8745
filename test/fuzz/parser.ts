import { isDeepStrictEqual } from "node:util"
import { type ErrorCode, isPosternError, PosternError } from "@postern/log/base"

/** What a parser is given: text or bytes, whichever it takes. */
export type Input = string | Uint8Array

/** What a parser made of an input. */
export interface Answer {
  /** "accepted", or the code of the refusal. */
  readonly code: string
  /**
   * The refusal in words, values struck out; of what was accepted, its shape. Two inputs with the same words got no further
   * than each other.
   */
  readonly words: string
  /** What is wrong with the answer itself; undefined if nothing is. */
  readonly fault: string | undefined
  /** What was read, where it was accepted. */
  readonly value: unknown
}

/** A parser of bytes that an enemy may have sent, and how it is to be tried. */
export interface Parser {
  readonly name: string
  /** Good inputs, made by the code's own writers. */
  readonly seeds: readonly Input[]
  /** What is to be refused; picked by hand. */
  readonly bad: readonly Input[]
  judge(input: Input): Promise<Answer>
}

interface Trial<I extends Input, Value> {
  readonly name: string
  /** Codes by which it may refuse. */
  readonly codes: readonly ErrorCode[]
  readonly seeds: readonly I[]
  readonly bad?: readonly I[]
  readonly parse: (input: I) => Value | Promise<Value>
  /**
   * Writes again what was read. Of a strict format that is the input; of one that can be said in several ways (JSON) it is
   * another input that reads the same. Not given where nobody ever writes it.
   */
  readonly format?: (value: Value) => I
  readonly isStrict?: boolean
}

/** Refusals without the place that they name, of parsers of documents that somebody wrote: of those each place is another one. */
export function placeless<Value>(parse: (text: string) => Value): (text: string) => Value {
  return (text) => {
    try {
      return parse(text)
    } catch (error) {
      if (!isPosternError(error)) throw error
      const why = (error.detail ?? "").split(": ").at(-1)
      throw new PosternError(error.code, why?.replace(/ at line.*|\n.*/s, ""))
    }
  }
}

/** A parser of which nothing is believed but what is looked at here. */
export function parserOf<I extends Input, Value>(trial: Trial<I, Value>): Parser {
  const { name, seeds, bad = [] } = trial
  return { name, seeds, bad, judge: (input) => judge(trial, input as I) }
}

async function judge<I extends Input, Value>(
  { codes, parse, format, isStrict }: Trial<I, Value>,
  input: I,
): Promise<Answer> {
  let value: Value
  try {
    value = await parse(input)
  } catch (error) {
    const refusal = { value: undefined, words: wordsOf(error) }
    if (!isPosternError(error)) return { ...refusal, code: "thrown", fault: `throws ${error}` }
    const { code } = error
    const fault = codes.includes(code) ? undefined : `refuses with ${code}`
    return { ...refusal, code, fault }
  }
  const accepted = { code: "accepted", words: shapeOf(value), value }
  if (format === undefined) return { ...accepted, fault: undefined }
  try {
    const again = format(value)
    const same = isStrict
      ? isSame(again, input)
      : isDeepStrictEqual(await parse(again), await parse(input))
    return { ...accepted, fault: same ? undefined : "accepts what would be written otherwise" }
  } catch (error) {
    return { ...accepted, fault: `accepts what cannot be written again: ${error}` }
  }
}

function isSame(one: Input, other: Input): boolean {
  if (typeof one === "string" || typeof other === "string") return one === other
  return Buffer.compare(one, other) === 0
}

function wordsOf(error: unknown): string {
  const detail = isPosternError(error) ? (error.detail ?? error.message) : String(error)
  const struck = detail.replace(/"(?:[^"\\]|\\.)*"/g, '"…"').replace(/\d+/g, "0")
  return struck.replace(/did you mean .*/s, "did you mean …")
}

/** What a value is made of, however large its parts are. */
function shapeOf(value: unknown): string {
  if (typeof value === "number") return value === 0 ? "0" : value < 2 ** 32 ? "n" : "N"
  if (typeof value === "string") return value === "" ? '""' : '"…"'
  if (value instanceof Uint8Array) return "bytes"
  if (value instanceof Map || typeof value !== "object" || value === null) return typeof value
  if (Array.isArray(value)) return `[${[...new Set(value.map(shapeOf))].sort()}]`
  return `{${Object.entries(value).map(([name, held]) => `${name}:${shapeOf(held)}`)}}`
}
