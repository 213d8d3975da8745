import { decodeUtf8, formatBase64, PosternError } from "@postern/log/base"

/** Objects and arrays in each other. */
const depthMax = 30

/** What stands at a place of MessagePack bytes. */
export interface Packed {
  readonly kind:
    | "nil"
    | "boolean"
    | "integer"
    | "float"
    | "text"
    | "bytes"
    | "array"
    | "map"
    | "ext"
  /** Of an integer or a float its digits as JSON, of a boolean its word. */
  readonly text: string
  /** Elements of an array, members of a map. */
  readonly count: number
  /** Of texts and bytes; of an ext behind its type. */
  readonly bytes: Buffer
  readonly extType: number
  /** Behind it; of an array and a map behind its head. */
  readonly end: number
}

const none = { text: "", count: 0, bytes: Buffer.alloc(0), extType: 0 }

/** The bytes end before the value does. */
export class Incomplete extends Error {
  /** It is of no use to look again before there are so many bytes. */
  readonly bytesNeeded: number

  constructor(bytesNeeded: number) {
    super()
    this.bytesNeeded = bytesNeeded
  }
}

/** The value whose first byte is at `at`. Errors: Incomplete; HTTP_BODY_SYNTAX for what is no MessagePack. */
export function readPacked(from: Buffer, at: number): Packed {
  const first = byteAt(from, at)
  if (first < 0x80) return integer(String(first), at + 1)
  if (first < 0x90) return holder("map", first & 0x0f, at + 1)
  if (first < 0xa0) return holder("array", first & 0x0f, at + 1)
  if (first < 0xc0) return span(from, "text", at + 1, first & 0x1f)
  if (first >= 0xe0) return integer(String(first - 256), at + 1)
  if (first === 0xc0) return { ...none, kind: "nil", text: "null", end: at + 1 }
  if (first === 0xc2) return { ...none, kind: "boolean", text: "false", end: at + 1 }
  if (first === 0xc3) return { ...none, kind: "boolean", text: "true", end: at + 1 }
  if (first >= 0xca && first <= 0xd3) return readNumber(from, first, at + 1)
  return readSized(from, first, at + 1)
}

function byteAt(from: Buffer, at: number): number {
  const byte = from[at]
  if (byte === undefined) throw new Incomplete(at + 1)
  return byte
}

function room(from: Buffer, at: number, bytes: number): void {
  if (at + bytes > from.length) throw new Incomplete(at + bytes)
}

function integer(text: string, end: number): Packed {
  return { ...none, kind: "integer", text, end }
}

function holder(kind: "map" | "array", count: number, end: number): Packed {
  return { ...none, kind, count, end }
}

function span(from: Buffer, kind: "text" | "bytes", at: number, bytes: number): Packed {
  room(from, at, bytes)
  return { ...none, kind, bytes: from.subarray(at, at + bytes), end: at + bytes }
}

/** Bytes of the numbers 0xca to 0xd3: float 32 and 64, unsigned 8 to 64, signed 8 to 64. */
const numberBytes = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8] as const

function readNumber(from: Buffer, first: number, at: number): Packed {
  const bytes = numberBytes[first - 0xca] as number
  room(from, at, bytes)
  const end = at + bytes
  if (first === 0xca || first === 0xcb) {
    const value = first === 0xca ? from.readFloatBE(at) : from.readDoubleBE(at)
    // JSON has no such numbers.
    const text = Number.isFinite(value) ? JSON.stringify(value) : `"${value}"`
    return { ...none, kind: "float", text, end }
  }
  if (first === 0xcf) return integer(String(from.readBigUInt64BE(at)), end)
  if (first === 0xd3) return integer(String(from.readBigInt64BE(at)), end)
  return integer(String(first < 0xd0 ? from.readUIntBE(at, bytes) : from.readIntBE(at, bytes)), end)
}

/** Kinds with a length of 1, 2 or 4 bytes before them. */
const sized: Readonly<
  Record<number, readonly ["text" | "bytes" | "array" | "map" | "ext", number]>
> = {
  196: ["bytes", 1],
  197: ["bytes", 2],
  198: ["bytes", 4],
  199: ["ext", 1],
  200: ["ext", 2],
  201: ["ext", 4],
  217: ["text", 1],
  218: ["text", 2],
  219: ["text", 4],
  220: ["array", 2],
  221: ["array", 4],
  222: ["map", 2],
  223: ["map", 4],
}

function readSized(from: Buffer, first: number, at: number): Packed {
  // fixext 1, 2, 4, 8, 16
  if (first >= 0xd4 && first <= 0xd8) return readExt(from, at, 1 << (first - 0xd4))
  const found = sized[first]
  if (found === undefined) throw broken(`0x${first.toString(16)} is no MessagePack`)
  const [kind, lengthBytes] = found
  room(from, at, lengthBytes)
  const length = from.readUIntBE(at, lengthBytes)
  const begin = at + lengthBytes
  if (kind === "ext") return readExt(from, begin, length)
  if (kind === "array" || kind === "map") return holder(kind, length, begin)
  return span(from, kind, begin, length)
}

function readExt(from: Buffer, at: number, bytes: number): Packed {
  room(from, at, 1 + bytes)
  const body = from.subarray(at + 1, at + 1 + bytes)
  return { ...none, kind: "ext", extType: from.readInt8(at), bytes: body, end: at + 1 + bytes }
}

/** Looks for the end of a value whose bytes come in pieces. */
export class EndFinder {
  /** Values that are still to come, in each of the objects and arrays around. */
  readonly #left: number[] = [1]
  #depth = 0
  #end: number
  #bytesNeeded: number

  constructor(at: number) {
    this.#end = at
    this.#bytesNeeded = at
  }

  /** Behind the value, once all of it is there. Errors: HTTP_BODY_SYNTAX, also if it is too deep. */
  find(from: Buffer): number | undefined {
    if (from.length < this.#bytesNeeded) return undefined
    while (this.#depth >= 0) {
      if (this.#left[this.#depth] === 0) this.#depth -= 1
      else if (!this.#step(from)) return undefined
    }
    return this.#end
  }

  /** One value, or the head of one that holds others. */
  #step(from: Buffer): boolean {
    const packed = this.#readIfThere(from)
    if (packed === undefined) return false
    const { kind, count, end } = packed
    this.#end = end
    this.#left[this.#depth] = (this.#left[this.#depth] as number) - 1
    if (kind !== "array" && kind !== "map") return true
    this.#depth += 1
    if (this.#depth > depthMax) throw broken(`it is deeper than ${depthMax}`)
    this.#left[this.#depth] = kind === "map" ? 2 * count : count
    return true
  }

  #readIfThere(from: Buffer): Packed | undefined {
    try {
      return readPacked(from, this.#end)
    } catch (error) {
      if (!(error instanceof Incomplete)) throw error
      this.#bytesNeeded = error.bytesNeeded
      return undefined
    }
  }
}

/** Behind the whole value at `at`. Errors: Incomplete; HTTP_BODY_SYNTAX. */
export function endOfPacked(from: Buffer, at: number): number {
  const end = new EndFinder(at).find(from)
  if (end === undefined) throw new Incomplete(from.length + 1)
  return end
}

/**
 * The value at `at` as JSON: integers with all their digits; bytes that are no text as `{"base64": …}`, an ext as `{"ext": type,
 * "base64": …}`, a name that is no text as the JSON of its value. The value is whole: endOfPacked() has found its end.
 */
export function packedToJson(
  from: Buffer,
  at: number,
): { readonly json: string; readonly end: number } {
  const packed = readPacked(from, at)
  const { kind, text, bytes, extType, end } = packed
  if (kind === "text" || kind === "bytes") return { json: textOf(bytes), end }
  if (kind === "ext") {
    return { json: `{"ext":${extType},"base64":"${formatBase64(bytes)}"}`, end }
  }
  if (kind !== "array" && kind !== "map") return { json: text, end }
  return holderToJson(from, packed)
}

function holderToJson(from: Buffer, { kind, count, end }: Packed): { json: string; end: number } {
  const parts: string[] = []
  let at = end
  for (let i = 0; i < count; i++) {
    const name = kind === "map" ? packedToJson(from, at) : undefined
    const value = packedToJson(from, name?.end ?? at)
    at = value.end
    parts.push(name === undefined ? value.json : `${nameOf(name.json)}:${value.json}`)
  }
  return { json: kind === "map" ? `{${parts.join(",")}}` : `[${parts.join(",")}]`, end: at }
}

function nameOf(json: string): string {
  return json.startsWith('"') ? json : JSON.stringify(json)
}

function textOf(bytes: Buffer): string {
  const text = decodeUtf8(bytes)
  return text === undefined ? `{"base64":"${formatBase64(bytes)}"}` : JSON.stringify(text)
}

export function broken(detail: string): PosternError {
  return new PosternError("HTTP_BODY_SYNTAX", detail)
}
