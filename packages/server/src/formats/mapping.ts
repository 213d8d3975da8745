import { PosternError } from "@postern/log/base"
import { isOutcome, type JsonObject, type Outcome } from "@postern/log/event"
import { readDocument } from "../config/index.ts"
import type { ForeignMembers, Format, Party } from "./api.ts"
import { formats } from "./formats.ts"
import { bounds, type From, type MappingForm, mappingForm, type TimeFrom } from "./mapping-form.ts"
import { said, textOf, unknownActor, wordOf } from "./members.ts"
import { objectFormat } from "./pieces.ts"
import { actionOf } from "./texts.ts"
import { readTime, timeOfMs, zoneData } from "./times.ts"

/**
 * The format that a mapping file describes (docs/spec/sources.md, Mapping files). Errors: MAPPING_INVALID,
 * `line N: field: what is wrong`.
 * @param where stands before the line in errors, e.g. the file
 */
export function readMapping(text: string, where?: string): Format {
  const kind = { code: "MAPPING_INVALID", textMax: bounds.text } as const
  const { value, lineOf } = readDocument(
    text,
    mappingForm,
    where === undefined ? kind : { ...kind, where },
  )
  const { name, data = {} } = value
  const refuse = (path: readonly string[], message: string): PosternError => {
    const place = `${where === undefined ? "" : `${where} `}line ${lineOf(path)}`
    return new PosternError("MAPPING_INVALID", `${place}: ${path.join(".")}: ${message}`)
  }
  if (formats.has(name)) throw refuse(["name"], `there is a format ${name} already`)
  if (Object.hasOwn(data, name)) throw refuse(["data", name], "is where the original stands")
  const title = value.title ?? `mapping ${name}`
  const read = compile(value)
  return objectFormat({ name, title, recognisedBy: "naming it" }, read)
}

type Read<T> = (record: JsonObject) => T | undefined

function compile(form: MappingForm): (record: JsonObject) => ForeignMembers | undefined {
  const { prefix = form.name } = form
  const action = textFrom(form.action)
  const time = form.time === undefined ? undefined : timeFrom(form.time)
  const outcome = outcomeFrom(form.outcome)
  const actor = form.actor === undefined ? undefined : partyFrom(form.actor)
  const onBehalfOf = (form.onBehalfOf ?? []).map(partyFrom)
  const targets = (form.targets ?? []).map(partyFrom)
  const data = membersFrom(form.data)
  const trace = traceFrom(form.trace)
  const rest = {
    ...textsFrom({ id: form.id, category: form.category, op: form.op, severity: form.severity }),
    reason: membersFrom(form.reason),
    origin: membersFrom(form.origin),
  }
  return (record) => {
    const name = action(record)
    if (name === undefined) return undefined
    const when = time?.(record)
    const others = said(mapValues(rest, (read) => read(record)))
    const extras = { ...(when === undefined ? {} : zoneData(when)), ...data(record) }
    const delegated = all(onBehalfOf, record)
    return {
      ...others,
      ...(when === undefined ? {} : { time: when.time }),
      action: actionOf(prefix, name),
      outcome: outcome(record),
      actor: actor?.(record) ?? unknownActor,
      targets: all(targets, record),
      ...(delegated.length === 0 ? {} : { onBehalfOf: delegated }),
      ...said({ trace: trace(record) }),
      ...(Object.keys(extras).length === 0 ? {} : { data: extras }),
    }
  }
}

function mapValues<T, U>(
  from: Readonly<Record<string, T>>,
  change: (value: T) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, change(value)]))
}

function all(parties: readonly Read<Party>[], record: JsonObject): Party[] {
  return parties.flatMap((read) => read(record) ?? [])
}

function textsFrom(from: Readonly<Record<string, From | undefined>>): Record<string, Read<string>> {
  const there = Object.entries(from).filter(([, one]) => one !== undefined)
  return Object.fromEntries(there.map(([key, one]) => [key, textFrom(one as From)]))
}

/** Texts, numbers and truth values are read as text; nothing else is. */
function textFrom(from: From): Read<string> {
  if (typeof from === "string") return wordAt(from)
  if ("value" in from) return () => from.value
  return tableFrom(wordAt(from.at), from.table, from.otherwise)
}

function tableFrom<T extends string>(
  read: Read<string>,
  table: Readonly<Record<string, T>> | undefined,
  otherwise: T | undefined,
): Read<string> {
  return (record) => {
    const word = read(record)
    if (word !== undefined && table !== undefined && Object.hasOwn(table, word)) return table[word]
    return otherwise ?? word
  }
}

function wordAt(pointer: string): Read<string> {
  const read = valueAt(pointer)
  return (record) => {
    const value = read(record)
    const isPlain = typeof value === "number" || typeof value === "boolean"
    return textOf(isPlain ? String(value) : value)
  }
}

/** RFC 6901. */
function valueAt(pointer: string): Read<unknown> {
  const steps = pointer
    .slice(1)
    .split("/")
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
  return (record) => {
    let value: unknown = record
    for (const step of steps) {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, step))
        return undefined
      value = (value as JsonObject)[step]
    }
    return value
  }
}

function outcomeFrom(from: MappingForm["outcome"]): (record: JsonObject) => Outcome {
  if (from === undefined) return () => "unknown"
  const read = textFrom(from)
  return (record) => {
    const word = read(record)
    return isOutcome(word) ? word : "unknown"
  }
}

const unitsPerMs = { seconds: 1e-3, milliseconds: 1, microseconds: 1e3, nanoseconds: 1e6 } as const

function timeFrom(from: TimeFrom): Read<{ time: string; hasZone: boolean }> {
  if (typeof from === "string") {
    const read = valueAt(from)
    return (record) => {
      const text = read(record)
      return typeof text === "string" ? readTime(text) : undefined
    }
  }
  const read = valueAt(from.at)
  const perMs = unitsPerMs[from.unit]
  return (record) => {
    const time = timeOfMs(Number(wordOf(read(record))) / perMs)
    return time === undefined ? undefined : { time, hasZone: true }
  }
}

/** Nobody, without an id. */
function partyFrom(form: { type: From; id: From; name?: From | undefined }): Read<Party> {
  const type = textFrom(form.type)
  const id = textFrom(form.id)
  const name: Read<string> = form.name === undefined ? () => undefined : textFrom(form.name)
  return (record) => {
    const who = id(record)
    if (who === undefined) return undefined
    return { type: type(record) ?? "unknown", id: who, ...said({ name: name(record) }) }
  }
}

function membersFrom(form: Readonly<Record<string, From>> | undefined): Read<JsonObject> {
  const reads = textsFrom(form ?? {})
  return (record) => said(mapValues(reads, (read) => read(record)))
}

function traceFrom(form: MappingForm["trace"]): Read<JsonObject> {
  if (form === undefined) return () => undefined
  const pair = textFrom(form.pairId)
  const { phase } = form
  const word = phase === undefined ? undefined : wordAt(phase.at)
  return (record) => {
    const pairId = pair(record)
    if (pairId === undefined) return undefined
    const said = word?.(record)
    const known = said !== undefined && phase !== undefined && Object.hasOwn(phase.table, said)
    return { pairId, ...(known ? { phase: phase.table[said] } : {}) }
  }
}
