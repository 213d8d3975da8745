import { limits } from "@postern/log/base"
import { HeldBytes } from "./held-bytes.ts"
import {
  broken,
  EndFinder,
  endOfPacked,
  Incomplete,
  type Packed,
  packedToJson,
  readPacked,
} from "./msgpack.ts"

/** Of one message, as it comes and unpacked. */
const messageBytesMax = limits.httpBodyBytesMax
/** Of records that came compressed. */
export const inflatedBytesMax = limits.httpBodyInflatedBytesMax
const eventTimeType = 0
/** By one of these a record says its own time. */
const timeNames = new Set(["date", "@timestamp", "timestamp", "time"])

export type Inflate = (bytes: Buffer) => Buffer

/** A message of Fluentd's forward protocol, v1. */
export interface ForwardMessage {
  /** Each record as JSON. */
  readonly records: readonly Buffer[]
  /** What the sender wants to hear when they are kept. */
  readonly chunk: string | undefined
}

/** Cuts what a connection sends into messages. Errors: HTTP_BODY_SYNTAX, after which nothing of the connection is to be read. */
export class ForwardReader {
  readonly #held = new HeldBytes()
  #finder = new EndFinder(0)
  readonly #inflate: Inflate

  /** @param inflate unpacks gzip, to at most inflatedBytesMax bytes; throws if it cannot */
  constructor(inflate: Inflate) {
    this.#inflate = inflate
  }

  push(chunk: Buffer): ForwardMessage[] {
    this.#held.add(chunk)
    const messages: ForwardMessage[] = []
    while (this.#held.length > 0) {
      const end = this.#finder.find(this.#held.bytes)
      if (end === undefined) {
        if (this.#held.length > messageBytesMax) throw broken("a message is too long")
        break
      }
      messages.push(wholeMessage(this.#held.bytes.subarray(0, end), this.#inflate))
      this.#held.drop(end)
      this.#finder = new EndFinder(0)
    }
    return messages
  }

  /** Bytes of a message that is not complete. */
  get openBytes(): number {
    return this.#held.length
  }
}

/** A message may say less than its kind needs. */
function wholeMessage(message: Buffer, inflate: Inflate): ForwardMessage {
  try {
    return readMessage(message, inflate)
  } catch (error) {
    throw error instanceof Incomplete ? broken("a message that is cut") : error
  }
}

/** [tag, time, record, option?] · [tag, [[time, record], …], option?] · [tag, bytes of such pairs, option?] */
function readMessage(message: Buffer, inflate: Inflate): ForwardMessage {
  const head = readPacked(message, 0)
  if (head.kind !== "array" || head.count < 2 || head.count > 4) throw broken("no forward message")
  const tag = readPacked(message, head.end)
  if (tag.kind !== "text" && tag.kind !== "bytes") throw broken("a message without a tag")
  const second = readPacked(message, tag.end)
  const name = tag.bytes.toString()
  const isOne = second.kind === "integer" || second.kind === "ext" || second.kind === "float"
  const optionAt = endOfPacked(message, isOne ? second.end : tag.end)
  const fields = isOne ? 3 : 2
  const option = head.count > fields ? readOption(message, optionAt) : new Map<string, string>()
  const chunk = option.get("chunk")
  if (isOne) return { records: [recordOf(message, tag.end, name).record], chunk }
  if (second.kind === "array") {
    return { records: pairsOf(message, second.end, second.count, name), chunk }
  }
  if (second.kind !== "text" && second.kind !== "bytes") throw broken("a message without records")
  return { records: packedPairs(second, name, option.get("compressed"), inflate), chunk }
}

function readOption(message: Buffer, at: number): Map<string, string> {
  const head = readPacked(message, at)
  const option = new Map<string, string>()
  if (head.kind === "nil") return option
  if (head.kind !== "map") throw broken("an option that is no map")
  let next = head.end
  for (let i = 0; i < head.count; i++) {
    const key = readPacked(message, next)
    const valueAt = endOfPacked(message, next)
    const value = readPacked(message, valueAt)
    const isText = value.kind === "text" || value.kind === "bytes"
    if (isText) option.set(key.bytes.toString(), value.bytes.toString())
    next = endOfPacked(message, valueAt)
  }
  return option
}

function packedPairs(
  { bytes }: Packed,
  tag: string,
  compressed: string | undefined,
  inflate: Inflate,
): Buffer[] {
  if (compressed !== undefined && compressed !== "gzip" && compressed !== "text") {
    throw broken(`compressed with ${compressed}`)
  }
  const plain = compressed === "gzip" ? inflated(bytes, inflate) : bytes
  const records: Buffer[] = []
  try {
    for (let at = 0; at < plain.length; ) {
      endOfPacked(plain, at)
      const { record, end } = pairOf(plain, at, tag)
      records.push(record)
      at = end
    }
  } catch (error) {
    throw error instanceof Incomplete ? broken("records that are cut") : error
  }
  return records
}

function inflated(bytes: Buffer, inflate: Inflate): Buffer {
  try {
    return inflate(bytes)
  } catch (error) {
    throw broken(`records that cannot be unpacked: ${error}`)
  }
}

function pairsOf(message: Buffer, from: number, count: number, tag: string): Buffer[] {
  const records: Buffer[] = []
  let at = from
  for (let i = 0; i < count; i++) {
    const { record, end } = pairOf(message, at, tag)
    records.push(record)
    at = end
  }
  return records
}

function pairOf(from: Buffer, at: number, tag: string): { record: Buffer; end: number } {
  const head = readPacked(from, at)
  if (head.kind !== "array" || head.count !== 2) throw broken("no pair of time and record")
  return recordOf(from, head.end, tag)
}

/** The record as a JSON object, with the message's tag and time in it where it has no such members itself. */
function recordOf(from: Buffer, timeAt: number, tag: string): { record: Buffer; end: number } {
  const time = readPacked(from, timeAt)
  const head = readPacked(from, time.end)
  if (head.kind !== "map") throw broken("a record that is no map")
  const { json, end } = packedToJson(from, time.end)
  const names = new Set(namesOf(from, head))
  const own = [`${JSON.stringify(names.has("tag") ? "fluent.tag" : "tag")}:${JSON.stringify(tag)}`]
  if (![...names].some((name) => timeNames.has(name))) own.unshift(`"date":${secondsOf(time)}`)
  const rest = head.count === 0 ? "}" : `,${json.slice(1)}`
  return { record: Buffer.from(`{${own.join(",")}${rest}`), end }
}

function namesOf(from: Buffer, { count, end }: Packed): string[] {
  const names: string[] = []
  let at = end
  for (let i = 0; i < count; i++) {
    names.push(readPacked(from, at).bytes.toString())
    at = endOfPacked(from, endOfPacked(from, at))
  }
  return names
}

/** As a JSON number. */
function secondsOf({ kind, text, extType, bytes }: Packed): string {
  if (kind === "integer" || (kind === "float" && !text.startsWith('"'))) return text
  if (kind !== "ext" || extType !== eventTimeType || bytes.length !== 8) {
    throw broken("a time that is none")
  }
  const nanoseconds = String(bytes.readUInt32BE(4)).padStart(9, "0")
  return `${bytes.readUInt32BE(0)}.${nanoseconds}`
}

/** The answer to a message with a chunk: the map {"ack": chunk}. */
export function encodeForwardAck(chunk: string): Buffer {
  const text = Buffer.from(chunk)
  const head = Buffer.from([
    0x81,
    0xa3,
    0x61,
    0x63,
    0x6b,
    0xda,
    text.length >> 8,
    text.length & 255,
  ])
  return Buffer.concat([head, text])
}

/** Longest chunk id that is answered. */
export const chunkBytesMax = 65_535
