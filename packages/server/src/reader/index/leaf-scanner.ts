import { type HashKey, tokenBytesMax, tokenLetters } from "./keyed-hash.ts"

/** Takes the hashes of a leaf's tokens, not yet finished, as often as they stand in it. */
export interface TokenSink {
  add(hash: number): void
}

/** Strings of an event that columns are made of. */
export const captured = {
  action: 0,
  outcome: 1,
  source: 2,
  time: 3,
  actorType: 4,
  actorId: 5,
  targetType: 6,
  targetId: 7,
} as const

/** What stands where a string was expected: nothing, something else, the string as it is, or with escapes. */
export const capture = { none: 0, odd: 1, plain: 2, decoded: 3 } as const

/** Where the walk is. Those below eight are strings to capture. */
const other = 8
const top = 9
const actor = 10
const targets = 11
const firstTarget = 12

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a]
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d]
const [lineFeed, zero, nine, minus, letterU] = [0x0a, 0x30, 0x39, 0x2d, 0x75]
/** An event of the port nests 32 levels at most. */
const depthMax = 64
const digitsMax = 15

const topPlaces = placesOf({
  action: captured.action,
  outcome: captured.outcome,
  source: captured.source,
  time: captured.time,
  actor,
  targets,
})
const actorPlaces = placesOf({ type: captured.actorType, id: captured.actorId })
const targetPlaces = placesOf({ type: captured.targetType, id: captured.targetId })

/**
 * One pass over the bytes of a leaf: every token of docs/spec/query.md goes to the sink, what columns hold is noted. Takes
 * well-formed JSON for granted where it does not matter: a leaf that is none is never a hit, and `scan` ends on any bytes.
 */
export class LeafScanner {
  /** By `captured`: what was found, and where in `bytes` (or in `decoded`, if it had escapes). */
  readonly found = new Uint8Array(8)
  readonly from = new Int32Array(8)
  readonly to = new Int32Array(8)
  readonly decoded: Uint8Array[] = []
  bytes: Uint8Array = new Uint8Array()
  received = 0
  open = 0
  /** What stands at `actor`, `targets` and the first of these is not of the expected type. */
  oddActor = false
  oddTargets = false
  targetCount = 0
  /** Holds a number that is not written as JSON writes a double, or one of more than 15 digits. */
  oddNumber = false
  /** A key at the top or in a party has escapes: nothing is known of the columns. */
  oddKeys = false
  readonly #sink: TokenSink
  readonly #start: number
  readonly #factor: number
  #at = 0
  #end = 0
  #depth = 0
  /** Of the string that was walked last. */
  #hadEscapes = false

  constructor(key: HashKey, sink: TokenSink) {
    this.#sink = sink
    this.#start = key.start
    this.#factor = key.factor
  }

  /** False if it is no stamp and event, or nests too deep: then nothing noted holds. */
  scan(leaf: Uint8Array): boolean {
    this.bytes = leaf
    this.#end = leaf.length
    this.found.fill(capture.none)
    this.oddActor = false
    this.oddTargets = false
    this.oddNumber = false
    this.oddKeys = false
    this.targetCount = 0
    this.#depth = 0
    if (!this.#stamp()) return false
    this.#blank()
    if (leaf[this.#at] !== openBrace) return false
    return this.#value(top)
  }

  /** `{"r":N,"o":N,"q":…}` and the line feed behind it. */
  #stamp(): boolean {
    this.#at = 5
    this.received = this.#digits()
    this.#at += 5
    this.open = this.#digits()
    const at = this.bytes.indexOf(lineFeed, this.#at)
    if (this.received < 0 || this.open < 0 || at < 0) return false
    this.#at = at + 1
    return true
  }

  #digits(): number {
    let value = 0
    let digits = 0
    for (; digits <= 16; digits++) {
      const byte = this.bytes[this.#at] ?? 0
      if (byte < zero || byte > nine) break
      value = value * 10 + byte - zero
      this.#at += 1
    }
    return digits === 0 || !Number.isSafeInteger(value) ? -1 : value
  }

  #blank(): void {
    while (this.#at < this.#end && (this.bytes[this.#at] as number) <= 0x20) this.#at += 1
  }

  #value(place: number): boolean {
    this.#blank()
    const byte = this.bytes[this.#at]
    if (byte === openBrace) return this.#object(place)
    if (byte === openBracket) return this.#array(place)
    if (byte === quote) {
      const from = this.#at + 1
      this.#string()
      if (place < other) this.#capture(place, from)
      else this.#odd(place)
      return true
    }
    this.#odd(place)
    return this.#literal()
  }

  /** Something else stands where a string, an actor or targets are expected. */
  #odd(place: number): void {
    if (place < other) this.found[place] = capture.odd
    else if (place === actor) this.oddActor = true
    else if (place === targets || place === firstTarget) this.oddTargets = true
  }

  #object(place: number): boolean {
    if (++this.#depth > depthMax) return false
    const keys = this.#enter(place)
    this.#at += 1
    for (;;) {
      this.#blank()
      const byte = this.bytes[this.#at]
      if (byte === closeBrace) break
      if (byte === comma) {
        this.#at += 1
        continue
      }
      if (byte !== quote) return false
      const from = this.#at + 1
      this.#string()
      let inner = other
      if (keys !== undefined) {
        if (this.#hadEscapes) this.oddKeys = true
        else inner = this.#placeOf(keys, from, this.#at - 1)
      }
      this.#blank()
      if (this.bytes[this.#at] !== colon) return false
      this.#at += 1
      if (!this.#value(inner)) return false
    }
    this.#at += 1
    this.#depth -= 1
    return true
  }

  /** The keys to look for in an object; of two members with one name the last counts, as for JSON.parse. */
  #enter(place: number): readonly Place[] | undefined {
    if (place === top) return topPlaces
    if (place === actor) {
      this.oddActor = false
      this.found[captured.actorType] = capture.none
      this.found[captured.actorId] = capture.none
      return actorPlaces
    }
    if (place === firstTarget) return targetPlaces
    this.#odd(place)
    return undefined
  }

  #array(place: number): boolean {
    if (++this.#depth > depthMax) return false
    const areTargets = place === targets
    if (areTargets) {
      this.oddTargets = false
      this.targetCount = 0
      this.found[captured.targetType] = capture.none
      this.found[captured.targetId] = capture.none
    } else this.#odd(place)
    this.#at += 1
    for (let count = 0; ; count++) {
      this.#blank()
      const byte = this.bytes[this.#at]
      if (byte === closeBracket) break
      if (byte === comma) {
        this.#at += 1
        count -= 1
        continue
      }
      if (this.#at >= this.#end) return false
      if (areTargets) this.targetCount += 1
      if (!this.#value(areTargets && count === 0 ? firstTarget : other)) return false
    }
    this.#at += 1
    this.#depth -= 1
    return true
  }

  #placeOf(places: readonly Place[], from: number, to: number): number {
    const { bytes } = this
    for (const { name, place } of places) {
      if (name.length !== to - from) continue
      let at = 0
      while (at < name.length && bytes[from + at] === name[at]) at += 1
      if (at === name.length) return place
    }
    return other
  }

  #capture(place: number, from: number): void {
    const to = this.#at - 1
    this.found[place] = capture.plain
    this.from[place] = from
    this.to[place] = to
    if (!this.#hadEscapes) return
    const bytes = decodeString(this.bytes.subarray(from - 1, to + 1))
    if (bytes === undefined) this.found[place] = capture.odd
    else {
      this.found[place] = capture.decoded
      this.decoded[place] = bytes
    }
  }

  /** From the opening quote to behind the closing one, or to the end. */
  #string(): void {
    const { bytes } = this
    const end = this.#end
    let at = this.#at + 1
    let hash = this.#start
    let length = 0
    this.#hadEscapes = false
    while (at < end) {
      const byte = bytes[at] as number
      const letter = tokenLetters[byte] as number
      if (letter !== 0) {
        if (length < tokenBytesMax) hash = Math.imul(hash ^ letter, this.#factor)
        length += 1
        at += 1
        continue
      }
      if (byte === backslash) {
        this.#hadEscapes = true
        const code = bytes[at + 1] === letterU ? this.#escaped(at) : 0
        at += this.#escapeBytes(at)
        if (code >= 0x80 || tokenLetters[code] !== 0) {
          hash = this.#feed(hash, length, code)
          length += utf8Length(code)
          continue
        }
      } else at += 1
      if (length > 1) this.#sink.add(hash)
      hash = this.#start
      length = 0
      if (byte === quote) break
    }
    this.#at = at
  }

  /** The code point of `\uXXXX`, of two of them if they are a pair; half a pair is U+FFFD; 0 if it is no such escape. */
  #escaped(at: number): number {
    const unit = this.#unit(at)
    if (unit < 0xd800 || unit > 0xdfff) return unit
    const low = this.bytes[at + 6] === backslash ? this.#unit(at + 6) : 0
    if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff) return 0xfffd
    return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
  }

  #escapeBytes(at: number): number {
    if (this.bytes[at + 1] !== letterU) return 2
    return this.#escaped(at) > 0xffff ? 12 : 6
  }

  #unit(at: number): number {
    if (this.bytes[at + 1] !== letterU) return 0
    let unit = 0
    for (let i = at + 2; i < at + 6; i++) {
      const digit = hexDigits[this.bytes[i] ?? 0] as number
      if (digit === 0xff) return 0
      unit = unit * 16 + digit
    }
    return unit
  }

  /** The UTF-8 bytes of a code point go on a token of so many bytes. */
  #feed(hash: number, length: number, code: number): number {
    if (code < 0x80) {
      if (length >= tokenBytesMax) return hash
      return Math.imul(hash ^ (tokenLetters[code] as number), this.#factor)
    }
    const bytes = utf8Length(code)
    let fed = hash
    for (let i = 0; i < bytes && length + i < tokenBytesMax; i++) {
      fed = Math.imul(fed ^ utf8Byte(code, bytes, i), this.#factor)
    }
    return fed
  }

  /** A number, true, false or null. False where no value stands. */
  #literal(): boolean {
    const { bytes } = this
    const from = this.#at
    let hash = this.#start
    let length = 0
    let at = from
    let isInteger = true
    for (; at < this.#end; at++) {
      const byte = bytes[at] as number
      if (byte === comma || byte === closeBrace || byte === closeBracket || byte <= 0x20) break
      if (byte === quote || byte === openBrace || byte === openBracket) break
      if ((byte < zero || byte > nine) && at > from) isInteger = false
      const letter = tokenLetters[byte] as number
      if (letter !== 0) {
        if (length < tokenBytesMax) hash = Math.imul(hash ^ letter, this.#factor)
        length += 1
        continue
      }
      if (length > 1) this.#sink.add(hash)
      hash = this.#start
      length = 0
    }
    if (length > 1) this.#sink.add(hash)
    this.#at = at
    const first = bytes[from] ?? 0
    if (first === minus || (first >= zero && first <= nine)) this.#number(from, at, isInteger)
    return at > from
  }

  /** What is found by its value must have the tokens of that value, as it is written for a query. */
  #number(from: number, to: number, isInteger: boolean): void {
    if (isInteger && this.bytes[from] !== minus && to - from <= digitsMax) return
    const text = Buffer.from(this.bytes.buffer, this.bytes.byteOffset + from, to - from).toString(
      "latin1",
    )
    if (text.length > digitsMax || String(Number(text)) !== text) this.oddNumber = true
  }
}

interface Place {
  readonly name: Uint8Array
  readonly place: number
}

function placesOf(places: Readonly<Record<string, number>>): readonly Place[] {
  return Object.entries(places).map(([name, place]) => ({ name: Buffer.from(name), place }))
}

const hexDigits = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = Number.parseInt(String.fromCharCode(byte), 16)
  return Number.isNaN(digit) ? 0xff : digit
})

function utf8Length(code: number): number {
  if (code < 0x80) return 1
  if (code < 0x800) return 2
  return code < 0x10000 ? 3 : 4
}

function utf8Byte(code: number, length: number, i: number): number {
  const bits = (code >> (6 * (length - 1 - i))) & 0x3f
  if (i > 0) return 0x80 | bits
  if (length === 2) return 0xc0 | (code >> 6)
  return length === 3 ? 0xe0 | (code >> 12) : 0xf0 | (code >> 18)
}

/** A JSON string with its quotes, decoded; undefined if it is none. */
function decodeString(json: Uint8Array): Uint8Array | undefined {
  try {
    return Buffer.from(String(JSON.parse(Buffer.from(json).toString("utf8"))), "utf8")
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
