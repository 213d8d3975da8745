import { limits } from "../../base/index.ts"
import { verdicts } from "../api.ts"
import { JsonReader, type JsonType, Refusal, type StringSpan } from "./json.ts"

/** The string fields whose place the port wants to know, in the order of a row. */
export const spanFields = ["id", "time", "source", "action", "outcome"] as const
export type SpanField = (typeof spanFields)[number]

export interface Scanned {
  readonly verdict: number
  readonly position: number
  readonly spans: ReadonlyMap<string, StringSpan>
}

interface Rule {
  readonly type: JsonType
  readonly required?: true
  readonly bytesMax?: number
  readonly pattern?: RegExp
}

const day = "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
const clock = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
const second = "(?:[0-5][0-9]|60)(?:\\.[0-9]{1,9})?"

/** docs/spec/event.md, the table. Patterns see the value's bytes, one character each. */
const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["id", { type: "string", required: true, bytesMax: 128, pattern: /^[^\\]+$/s }],
  [
    "time",
    {
      type: "string",
      required: true,
      bytesMax: 35,
      pattern: new RegExp(`^${day}T${clock}:${second}(?:Z|[+-]${clock})$`),
    },
  ],
  ["source", { type: "string", required: true, bytesMax: 256, pattern: /^[^\\]+$/s }],
  ["action", { type: "string", required: true, bytesMax: 128, pattern: /^[a-z0-9._:/-]+$/ }],
  [
    "outcome",
    { type: "string", required: true, pattern: /^(?:success|failure|denied|error|unknown)$/ },
  ],
  ["actor", { type: "object", required: true }],
  ["targets", { type: "array", required: true }],
  ["v", { type: "number" }],
  ...many("string", "sentAt", "category", "op", "severity", "tenant"),
  ...many("object", "reason", "origin", "request", "response", "trace", "labels", "data"),
  ...many("array", "onBehalfOf", "changes", "subjects", "_sd"),
])

function many(type: JsonType, ...keys: readonly string[]): [string, Rule][] {
  return keys.map((key) => [key, { type }])
}

/**
 * Judges one event. The first problem in byte order wins; what is missing is judged when all was
 * read.
 */
export function scanEvent(event: Uint8Array): Scanned {
  const spans = new Map<string, StringSpan>()
  try {
    const names = readEvent(event, spans)
    const verdict = names.has("_sd") ? verdicts.disclosure : verdicts.accepted
    return { verdict, position: event.length, spans }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { verdict: error.verdict, position: error.position, spans: new Map() }
  }
}

/** The names of its members. */
function readEvent(event: Uint8Array, spans: Map<string, StringSpan>): ReadonlySet<string> {
  const reader = new JsonReader(event, limits.eventDepthMax)
  const seen = new Set<string>()
  const judge = (key: StringSpan): void => judgeKey(event, key, seen)
  reader.readSpace()
  reader.readObject((key) => {
    const name = text(event, key)
    const rule = rules.get(name)
    const at = reader.position
    if (reader.peekType() !== rule?.type) throw new Refusal(verdicts.fieldType, at)
    if (rule.type === "string") {
      const value = reader.readString()
      if (!fits(text(event, value), rule)) throw new Refusal(verdicts.fieldValue, at)
      if (rule.required) spans.set(name, value)
    } else {
      reader.readValue()
      const isOne = reader.position === at + 1 && event[at] === "1".charCodeAt(0)
      if (name === "v" && !isOne) throw new Refusal(verdicts.version, at)
    }
  }, judge)
  reader.readEnd()
  for (const [name, rule] of rules) {
    if (rule.required && !seen.has(name)) throw new Refusal(verdicts.missingField, event.length)
  }
  return seen
}

function judgeKey(event: Uint8Array, key: StringSpan, seen: Set<string>): void {
  const at = key.start - 1
  const name = text(event, key)
  if (key.escaped) throw new Refusal(verdicts.escapedKey, at)
  if (!rules.has(name)) throw new Refusal(verdicts.unknownKey, at)
  if (seen.has(name)) throw new Refusal(verdicts.duplicateKey, at)
  seen.add(name)
}

function fits(value: string, rule: Rule): boolean {
  if (rule.bytesMax !== undefined && value.length > rule.bytesMax) return false
  return rule.pattern === undefined || rule.pattern.test(value)
}

/** The bytes of a span, one character each, so that lengths are lengths in bytes. */
function text(event: Uint8Array, span: StringSpan): string {
  let value = ""
  for (const byte of event.subarray(span.start, span.end)) value += String.fromCharCode(byte)
  return value
}
