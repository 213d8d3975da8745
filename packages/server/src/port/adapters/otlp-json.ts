import { decodeUtf8, encodeUtf8, limits, PosternError } from "@postern/log/base"
import type { JsonObject } from "@postern/log/event"
import {
  type ForeignMembers,
  isObject,
  isStrictObject,
  parseObject,
  tooLargeToRead,
  unreadable,
  writeMembers,
} from "../../formats/index.ts"
import type { AdapterBody } from "./api.ts"
import { ContentIds } from "./content-ids.ts"
import { JsonInk } from "./json-ink.ts"
import { MadeEvent } from "./made-event.ts"
import { OtlpRecords } from "./otlp-groups.ts"
import { attributeNames, type OtlpFacts, otlpMembers } from "./otlp-members.ts"
import { Outline, trimEnd, trimStart } from "./outline.ts"

const braceOpen = 0x7b
const bracketOpen = 0x5b
const letterN = 0x6e

/** What the records of one ScopeLogs have in common, as JSON. */
interface JsonGroup {
  /** What the ResourceLogs and the ScopeLogs hold beside their records, as it came: objects. */
  readonly resourceLogs: Uint8Array
  readonly scopeLogs: Uint8Array
  readonly serviceName: string | undefined
}

/** The log records of a request in JSON. Errors: HTTP_BODY_SYNTAX, HTTP_BODY_TOO_LARGE. */
export function openJson(body: AdapterBody): OtlpRecords<JsonGroup> {
  const { memory } = body.core
  const records = new OtlpRecords<JsonGroup>()
  const at = trimStart(memory, body.at, body.end)
  const end = trimEnd(memory, at, body.end)
  if (at === end) return records.begin()
  const request = splitObject(memory, at, end, "resourceLogs")
  for (let i = 0; i < request.nested.length; i += 2) {
    records.enter()
    const resource = splitObject(memory, ...pairAt(request.nested, i), "scopeLogs")
    const context = checkContext(resource.rest)
    const serviceName = readServiceName(context)
    for (let j = 0; j < resource.nested.length; j += 2) {
      records.enter()
      const scope = splitObject(memory, ...pairAt(resource.nested, j), "logRecords")
      checkContext(scope.rest)
      const bytes = resource.rest.length + scope.rest.length
      const group = { resourceLogs: resource.rest, scopeLogs: scope.rest, serviceName }
      records.add(group, scope.nested, bytes)
    }
  }
  return records.begin()
}

function pairAt(spans: readonly number[], i: number): readonly [number, number] {
  return [spans[i] as number, spans[i + 1] as number]
}

interface SplitObject {
  /** Where the elements of its list stand, two numbers each. */
  readonly nested: readonly number[]
  /** The object without its list. */
  readonly rest: Uint8Array
}

/** An object apart from the list that is its member `name`, by its outline alone. */
function splitObject(memory: Uint8Array, at: number, end: number, name: string): SplitObject {
  if (memory[at] !== braceOpen) throw broken("something there is no object")
  const nested: number[] = []
  const rest = new JsonInk()
  rest.ascii("{")
  const members = new Outline(memory, at, end)
  for (; !members.done; members.advance()) {
    const keyBytes = members.keyEnd - members.keyAt
    const key = Buffer.from(memory.buffer, memory.byteOffset + members.keyAt, keyBytes)
    if (key.toString("latin1") === name) {
      listElements(memory, members.at, members.end, nested)
      continue
    }
    if (rest.at > 1) rest.ascii(",")
    rest.bytes(memory.subarray(members.keyAt - 1, members.end))
  }
  rest.ascii("}")
  return { nested, rest: rest.written }
}

function listElements(memory: Uint8Array, at: number, end: number, spans: number[]): void {
  if (memory[at] === letterN) return // null, which is an empty list.
  if (memory[at] !== bracketOpen) throw broken("something there is no array")
  const elements = new Outline(memory, at, end)
  for (; !elements.done; elements.advance()) {
    if (spans.length > 2 * limits.httpBodyEventsMax)
      throw new PosternError("HTTP_BODY_TOO_LARGE", "too many events")
    spans.push(elements.at, elements.end)
  }
}

/** What stands in every event of its records must be in order. What is as long as this is refused in any case, and not read for it. */
function checkContext(rest: Uint8Array): JsonObject {
  if (rest.length > limits.recordReadBytesMax) return {}
  const text = decodeUtf8(rest)
  const value = text === undefined ? undefined : parseObject(text)
  if (value === undefined) throw broken("a resource or a scope is not JSON")
  return value
}

function readServiceName({ resource }: JsonObject): string | undefined {
  if (!isObject(resource)) return undefined
  return readAttributes(resource.attributes, ["service.name"])["service.name"]
}

/** A log record in JSON: its bytes as they came, and what stands around it. */
export class JsonRecord extends MadeEvent {
  readonly #records: OtlpRecords<JsonGroup>
  readonly #ids = new ContentIds()
  readonly #ink = new JsonInk()
  readonly #identity = new JsonInk()

  constructor(body: AdapterBody, records: OtlpRecords<JsonGroup>) {
    super(body)
    this.#records = records
  }

  protected make(at: number, end: number): Uint8Array {
    const { group } = this.#records
    const { memory } = this.body.core
    const record = memory.subarray(at, end)
    const text = decodeUtf8(record)
    const isLarge = record.length > limits.recordReadBytesMax
    const value = text === undefined || isLarge ? undefined : parseObject(text)
    const isJson = isLarge ? isStrictObject(record) : value !== undefined
    const members = value === undefined ? unreadOf(isLarge) : otlpMembers(factsOf(value))
    const isTimed = members.time !== undefined && members.id === undefined
    const id = isTimed ? this.#ids.of(this.#write(group, record)) : this.body.id()
    const name = group.serviceName
    const source = name === undefined ? this.body.source : this.body.sourceOf(name)
    const ink = this.#ink
    ink.clear()
    ink.text(writeMembers(members, { id, time: this.body.now, source }))
    ink.ascii(',"data":{"format":"otlp","resourceLogs":')
    ink.bytes(group.resourceLogs)
    ink.ascii(',"scopeLogs":')
    ink.bytes(group.scopeLogs)
    if (isJson) {
      ink.ascii(',"otlp":')
      ink.bytes(record)
    } else if (text !== undefined) {
      ink.ascii(',"line":')
      ink.bytes(encodeUtf8(JSON.stringify(text)))
    } else {
      ink.ascii(',"bytes":"')
      ink.base64(memory, at, end)
      ink.ascii('"')
    }
    ink.ascii("}}")
    return ink.written
  }

  #write({ resourceLogs, scopeLogs }: JsonGroup, record: Uint8Array): Uint8Array {
    const identity = this.#identity
    identity.clear()
    identity.ascii(`${resourceLogs.length} ${scopeLogs.length} `)
    identity.bytes(resourceLogs)
    identity.bytes(scopeLogs)
    identity.bytes(record)
    return identity.written
  }
}

function unreadOf(isLarge: boolean): ForeignMembers {
  return isLarge ? tooLargeToRead("otlp") : unreadable("otlp")
}

function factsOf(record: JsonObject): OtlpFacts {
  const happened = readNs(record.timeUnixNano)
  return {
    eventName: textOf(record.eventName),
    attributes: readAttributes(record.attributes, attributeNames),
    timeNs: happened === 0n ? readNs(record.observedTimeUnixNano) : happened,
    severityNumber: typeof record.severityNumber === "number" ? record.severityNumber : 0,
    severityText: textOf(record.severityText),
    traceId: hexOf(record.traceId, 32),
    spanId: hexOf(record.spanId, 16),
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined
}

const nsMax = 2n ** 64n

/** A fixed64: text, or a number as some write it. */
function readNs(value: unknown): bigint {
  const isNumber = typeof value === "number" && Number.isInteger(value) && value > 0
  const isText = typeof value === "string" && /^\d{1,20}$/.test(value)
  const ns = isNumber || isText ? BigInt(value) : 0n
  return ns < nsMax ? ns : 0n
}

function hexOf(value: unknown, digits: number): string | undefined {
  if (typeof value !== "string" || value.length !== digits) return undefined
  return /^[0-9A-Fa-f]+$/.test(value) ? value.toLowerCase() : undefined
}

/** Those of the attributes that have these names, are texts and stand there once. */
function readAttributes<Name extends string>(
  list: unknown,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const found = new Map<Name, string | undefined>()
  for (const one of Array.isArray(list) ? list : []) {
    if (!isObject(one) || !isObject(one.value)) continue
    const name = names.find((wanted) => wanted === one.key)
    const text = textOf(one.value.stringValue)
    if (name === undefined || text === undefined) continue
    found.set(name, found.has(name) ? undefined : text)
  }
  const once = [...found].filter(([, text]) => text !== undefined)
  return Object.fromEntries(once) as Partial<Record<Name, string>>
}

function broken(detail: string): PosternError {
  return new PosternError("HTTP_BODY_SYNTAX", detail)
}
