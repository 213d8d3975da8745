import type { JsonInk } from "./json-ink.ts"
import { ProtobufFields, readVarint, wireType } from "./protobuf.ts"

/** Of a text in JSON that is made for searching; the bytes beside it have the rest. */
const textBytesMax = 16_384
/** Brackets may nest so deep in an event. */
const depthMax = 32

/**
 * Writes values of opentelemetry.proto.common.v1 as OTLP's JSON has them. What is written is bounded: a text, a list or a depth beyond
 * is cut, and `isCut` says so.
 */
export class OtlpValues {
  isCut = false
  readonly #memory: Uint8Array
  readonly #view: DataView
  readonly #ink: JsonInk
  /** The ink's position from which on nothing but what closes is written. */
  #limit = 0

  constructor(memory: Uint8Array, ink: JsonInk) {
    this.#memory = memory
    this.#view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength)
    this.#ink = ink
  }

  /** Begins with another record: at most about `bytesMax` more. */
  begin(bytesMax: number): void {
    this.isCut = false
    this.#limit = this.#ink.at + bytesMax
  }

  text(at: number, end: number): void {
    const room = Math.max(0, Math.min(textBytesMax, this.#limit - this.#ink.at))
    if (!this.#ink.string(this.#memory, at, end, room)) this.isCut = true
  }

  hex(at: number, end: number): void {
    const room = Math.max(0, this.#limit - this.#ink.at)
    if (end - at > room) this.isCut = true
    this.#ink.hex(this.#memory, at, Math.min(end, at + room))
  }

  /**
   * `[…]` of all fields `number` of the message at `[at, end)`: key-value pairs.
   * @param depth of the list's bracket in the event, from 1
   */
  pairs(at: number, end: number, number: number, depth: number): void {
    this.#list(at, end, number, (from, to) => this.#pair(from, to, depth + 1))
  }

  #list(at: number, end: number, number: number, each: (at: number, end: number) => void): void {
    const ink = this.#ink
    const fields = new ProtobufFields(this.#memory).open(at, end)
    let isFirst = true
    ink.ascii("[")
    while (fields.next()) {
      if (fields.number !== number || fields.type !== wireType.bytes) continue
      if (ink.at >= this.#limit) {
        this.isCut = true
        break
      }
      if (!isFirst) ink.ascii(",")
      isFirst = false
      each(fields.at, fields.end)
    }
    if (fields.isBroken) this.isCut = true
    ink.ascii("]")
  }

  #pair(at: number, end: number, depth: number): void {
    const ink = this.#ink
    const { key, value } = readPair(this.#memory, at, end)
    ink.ascii('{"key":')
    this.text(key.at, key.end)
    if (value.at > 0) {
      ink.ascii(',"value":')
      this.value(value.at, value.end, depth + 1)
    }
    ink.ascii("}")
  }

  /** An AnyValue, of whose fields the last one counts. @param depth of its brace in the event, from 1 */
  value(at: number, end: number, depth: number): void {
    const { ink, found } = { ink: this.#ink, found: readValue(this.#memory, at, end) }
    const { number, from, to } = found
    switch (number) {
      case valueFields.string:
        ink.ascii('{"stringValue":')
        this.text(from, to)
        break
      case valueFields.bool:
        ink.ascii(`{"boolValue":${readVarint(this.#memory, from, to) !== 0n}`)
        break
      case valueFields.int:
        ink.ascii(`{"intValue":"${BigInt.asIntN(64, readVarint(this.#memory, from, to))}"`)
        break
      case valueFields.double:
        ink.ascii(`{"doubleValue":${formatDouble(this.#view.getFloat64(from, true))}`)
        break
      case valueFields.bytes:
        this.#bytes(from, to)
        break
      case valueFields.array:
      case valueFields.pairs:
        this.#nested(number, from, to, depth)
        break
      default:
        ink.ascii("{")
    }
    ink.ascii("}")
  }

  #bytes(at: number, end: number): void {
    const room = Math.max(0, Math.min(textBytesMax, this.#limit - this.#ink.at))
    if (end - at > room) this.isCut = true
    this.#ink.ascii('{"bytesValue":"')
    this.#ink.base64(this.#memory, at, Math.min(end, at + room))
    this.#ink.ascii('"')
  }

  /** A list or a map: four brackets deeper at most. */
  #nested(number: number, at: number, end: number, depth: number): void {
    const ink = this.#ink
    if (depth + 4 > depthMax) {
      this.isCut = true
      ink.ascii("{")
    } else if (number === valueFields.array) {
      ink.ascii('{"arrayValue":{"values":')
      this.#list(at, end, 1, (from, to) => this.value(from, to, depth + 3))
      ink.ascii("}")
    } else {
      ink.ascii('{"kvlistValue":{"values":')
      this.pairs(at, end, 1, depth + 2)
      ink.ascii("}")
    }
  }
}

/** Numbers of the fields of AnyValue. */
export const valueFields = {
  string: 1,
  bool: 2,
  int: 3,
  double: 4,
  array: 5,
  pairs: 6,
  bytes: 7,
} as const
const typeOfValue = [
  -1,
  ...[wireType.bytes, wireType.varint, wireType.varint, wireType.fixed64],
  ...[wireType.bytes, wireType.bytes, wireType.bytes],
] as const

const valueWalk = { number: 0, from: 0, to: 0 }
const walkFields = new ProtobufFields(new Uint8Array(0))

/** Which value an AnyValue has, and where; number 0 = none. The object is the same each time. */
export function readValue(memory: Uint8Array, at: number, end: number): typeof valueWalk {
  const fields = walkFields.openIn(memory, at, end)
  valueWalk.number = 0
  while (fields.next()) {
    if (typeOfValue[fields.number] !== fields.type) continue
    valueWalk.number = fields.number
    valueWalk.from = fields.at
    valueWalk.to = fields.end
  }
  return valueWalk
}

interface Span {
  at: number
  end: number
}

const pairWalk: { key: Span; value: Span } = { key: { at: 0, end: 0 }, value: { at: 0, end: 0 } }

/** Where key and value of a KeyValue stand; 0, 0 = not there. The object is the same each time. */
export function readPair(memory: Uint8Array, at: number, end: number): typeof pairWalk {
  const fields = walkFields.openIn(memory, at, end)
  const { key, value } = pairWalk
  key.at = key.end = value.at = value.end = 0
  while (fields.next()) {
    if (fields.type !== wireType.bytes || fields.number > 2) continue
    const span = fields.number === 1 ? key : value
    span.at = fields.at
    span.end = fields.end
  }
  return pairWalk
}

/** As JSON of protobuf writes a double. */
function formatDouble(value: number): string {
  return Number.isFinite(value) ? JSON.stringify(value) : `"${value}"`
}
