import type { JsonInk } from "./json-ink.ts"
import { Names } from "./names.ts"
import { attributeNames, type OtlpFacts } from "./otlp-members.ts"
import { type OtlpValues, readPair, readValue, valueFields } from "./otlp-values.ts"
import { ProtobufFields, readVarint, wireType } from "./protobuf.ts"

/** Numbers of the fields of LogRecord, and how they stand on the wire. */
const numbers = {
  time: 1,
  severityNumber: 2,
  severityText: 3,
  body: 5,
  attributes: 6,
  dropped: 7,
  flags: 8,
  traceId: 9,
  spanId: 10,
  observedTime: 11,
  eventName: 12,
} as const
const types: readonly (number | undefined)[] = [
  undefined,
  ...[wireType.fixed64, wireType.varint, wireType.bytes, undefined, wireType.bytes],
  ...[wireType.bytes, wireType.varint, wireType.fixed32, wireType.bytes, wireType.bytes],
  ...[wireType.fixed64, wireType.bytes],
]
const names = new Names(attributeNames)
/** An attribute that stands twice, of which nobody knows which one counts. */
const twice = Symbol("twice")

/** Where the fields of one log record stand; of fields that stand twice, the last. */
export class RecordFields {
  at = 0
  end = 0
  readonly #memory: Uint8Array
  readonly #view: DataView
  readonly #buffer: Buffer
  readonly #spans = new Uint32Array(2 * types.length)
  readonly #fields: ProtobufFields

  constructor(memory: Uint8Array) {
    this.#memory = memory
    this.#view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength)
    this.#buffer = Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength)
    this.#fields = new ProtobufFields(memory)
  }

  /** Undefined for bytes that are no LogRecord. */
  read(at: number, end: number): OtlpFacts | undefined {
    this.at = at
    this.end = end
    this.#spans.fill(0)
    const fields = this.#fields.open(at, end)
    const attributes: Record<string, string | typeof twice> = {}
    while (fields.next()) {
      if (types[fields.number] !== fields.type) continue
      this.#spans[2 * fields.number] = fields.at
      this.#spans[2 * fields.number + 1] = fields.end
      if (fields.number === numbers.attributes) this.#note(fields.at, fields.end, attributes)
    }
    if (fields.isBroken) return undefined
    const happened = this.#fixed64(numbers.time)
    return {
      eventName: this.#text(numbers.eventName),
      attributes: onceSaid(attributes),
      timeNs: happened === 0n ? this.#fixed64(numbers.observedTime) : happened,
      severityNumber: this.#number(numbers.severityNumber),
      severityText: this.#text(numbers.severityText),
      traceId: this.#hex(numbers.traceId, 16),
      spanId: this.#hex(numbers.spanId, 8),
    }
  }

  #note(at: number, end: number, found: Record<string, string | typeof twice>): void {
    const { key, value } = readPair(this.#memory, at, end)
    const number = names.find(this.#memory, key.at, key.end - key.at)
    const name = attributeNames[number]
    if (name === undefined) return
    const text = readValue(this.#memory, value.at, value.end)
    if (text.number !== valueFields.string || text.from === text.to) return
    found[name] = Object.hasOwn(found, name) ? twice : this.#utf8(text.from, text.to)
  }

  /** As OTLP's JSON has it. What is not there, or 0, is left out. */
  write(ink: JsonInk, values: OtlpValues): void {
    const start = ink.at + 1
    const name = (text: string): void => ink.ascii(ink.at === start ? text : `,${text}`)
    ink.ascii("{")
    for (const [field, key] of timeKeys) {
      const ns = this.#fixed64(field)
      if (ns !== 0n) name(`"${key}":"${ns}"`)
    }
    const severity = this.#number(numbers.severityNumber)
    if (severity !== 0) name(`"severityNumber":${severity}`)
    for (const [field, key] of textKeys) {
      if (this.#isEmpty(field)) continue
      name(`"${key}":`)
      values.text(this.#at(field), this.#end(field))
    }
    if (this.#at(numbers.body) > 0) {
      name('"body":')
      values.value(this.#at(numbers.body), this.#end(numbers.body), bodyDepth)
    }
    if (this.#at(numbers.attributes) > 0) {
      name('"attributes":')
      values.pairs(this.at, this.end, numbers.attributes, bodyDepth)
    }
    const dropped = this.#number(numbers.dropped)
    if (dropped !== 0) name(`"droppedAttributesCount":${dropped}`)
    const flags =
      this.#at(numbers.flags) > 0 ? this.#view.getUint32(this.#at(numbers.flags), true) : 0
    if (flags !== 0) name(`"flags":${flags}`)
    for (const [field, key] of idKeys) {
      if (this.#isEmpty(field)) continue
      name(`"${key}":"`)
      values.hex(this.#at(field), this.#end(field))
      ink.ascii('"')
    }
    ink.ascii("}")
  }

  #at(field: number): number {
    return this.#spans[2 * field] as number
  }

  #end(field: number): number {
    return this.#spans[2 * field + 1] as number
  }

  #isEmpty(field: number): boolean {
    return this.#at(field) === this.#end(field)
  }

  #fixed64(field: number): bigint {
    return this.#at(field) === 0 ? 0n : this.#view.getBigUint64(this.#at(field), true)
  }

  /** A varint of 32 bits. */
  #number(field: number): number {
    if (this.#at(field) === 0) return 0
    return Number(BigInt.asIntN(32, readVarint(this.#memory, this.#at(field), this.#end(field))))
  }

  #text(field: number): string | undefined {
    return this.#isEmpty(field) ? undefined : this.#utf8(this.#at(field), this.#end(field))
  }

  #utf8(at: number, end: number): string {
    return this.#buffer.toString("utf8", at, Math.min(end, at + factBytesMax))
  }

  #hex(field: number, bytes: number): string | undefined {
    const at = this.#at(field)
    if (this.#end(field) - at !== bytes) return undefined
    return this.#buffer.toString("hex", at, at + bytes)
  }
}

const timeKeys = [
  [numbers.time, "timeUnixNano"],
  [numbers.observedTime, "observedTimeUnixNano"],
] as const
const textKeys = [
  [numbers.severityText, "severityText"],
  [numbers.eventName, "eventName"],
] as const
const idKeys = [
  [numbers.traceId, "traceId"],
  [numbers.spanId, "spanId"],
] as const
/** Of the members of a record: the event, data and the record are around them. */
const bodyDepth = 4
/** Of a text that becomes a member, which is clipped to less. */
const factBytesMax = 2048

function onceSaid(found: Record<string, string | typeof twice>): OtlpFacts["attributes"] {
  for (const name of Object.keys(found)) if (found[name] === twice) delete found[name]
  return found as OtlpFacts["attributes"]
}
