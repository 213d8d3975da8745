import { verdicts } from "../api.ts"

/** Why a text is refused and where, counted from its first byte. Never leaves the room. */
export class Refusal extends Error {
  readonly verdict: number
  readonly position: number

  constructor(verdict: number, position: number) {
    super(`verdict ${verdict} at ${position}`)
    this.verdict = verdict
    this.position = position
  }
}

/** A string as it stands in the text, without its quotes. */
export interface StringSpan {
  readonly start: number
  readonly end: number
  readonly escaped: boolean
}

export type JsonType = "string" | "number" | "object" | "array" | "boolean" | "null"

const code = (character: string): number => character.charCodeAt(0)
const quote = code('"')
const backslash = code("\\")

/**
 * Reads one JSON text (RFC 8259) in UTF-8 (RFC 3629), byte by byte from left to right. Each `read`
 * starts at the first byte of what it reads and ends behind it, or throws Refusal. The end of the
 * text reads as `undefined`, which fits nowhere.
 */
export class JsonReader {
  readonly #bytes: Uint8Array
  readonly #depthMax: number
  #at = 0
  #depth = 0

  constructor(bytes: Uint8Array, depthMax: number) {
    this.#bytes = bytes
    this.#depthMax = depthMax
  }

  get position(): number {
    return this.#at
  }

  /** The type of the value that begins here, judged by its first byte alone. */
  peekType(): JsonType {
    const byte = this.#bytes[this.#at]
    if (byte === quote) return "string"
    if (byte === code("{")) return "object"
    if (byte === code("[")) return "array"
    if (byte === code("t") || byte === code("f")) return "boolean"
    if (byte === code("n")) return "null"
    if (byte === code("-") || isDigit(byte)) return "number"
    return this.#refuse(verdicts.syntax, this.#at)
  }

  /** Any value. */
  readValue(): void {
    const type = this.peekType()
    if (type === "string") this.readString()
    else if (type === "number") this.readNumber()
    else if (type === "object") this.readObject(() => this.readValue())
    else if (type === "array") this.readArray(() => this.readValue())
    else this.#readLiteral()
  }

  /**
   * `member` is called with the key, standing at the first byte of the value, which it must read.
   * `judge` sees the key before its colon.
   */
  readObject(member: (key: StringSpan) => void, judge?: (key: StringSpan) => void): void {
    this.#readList("{", "}", () => {
      const key = this.readString()
      judge?.(key)
      this.readSpace()
      this.#expect(":")
      this.readSpace()
      member(key)
    })
  }

  readArray(element: () => void): void {
    this.#readList("[", "]", element)
  }

  #readList(open: string, close: string, item: () => void): void {
    if (this.#depth === this.#depthMax) this.#refuse(verdicts.depth, this.#at)
    this.#expect(open)
    this.#depth += 1
    this.readSpace()
    if (this.#bytes[this.#at] !== code(close)) {
      item()
      this.readSpace()
      while (this.#bytes[this.#at] === code(",")) {
        this.#at += 1
        this.readSpace()
        item()
        this.readSpace()
      }
    }
    this.#expect(close)
    this.#depth -= 1
  }

  readString(): StringSpan {
    this.#expect('"')
    const start = this.#at
    let escaped = false
    for (;;) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined || byte < 0x20) return this.#refuse(verdicts.syntax, this.#at)
      if (byte === quote) break
      if (byte === backslash) {
        escaped = true
        this.#readEscape()
      } else if (byte < 0x80) {
        this.#at += 1
      } else {
        this.#readCharacter(byte)
      }
    }
    this.#at += 1
    return { start, end: this.#at - 1, escaped }
  }

  #readEscape(): void {
    this.#at += 1
    const byte = this.#bytes[this.#at]
    if (byte === undefined) return this.#refuse(verdicts.syntax, this.#at)
    if (byte === code("u")) {
      for (let i = 0; i < 4; i++) {
        this.#at += 1
        if (!isHexDigit(this.#bytes[this.#at])) this.#refuse(verdicts.syntax, this.#at)
      }
    } else if (!'"\\/bfnrt'.includes(String.fromCharCode(byte))) {
      this.#refuse(verdicts.syntax, this.#at)
    }
    this.#at += 1
  }

  /** One character of two to four bytes: the table of RFC 3629 §4. */
  #readCharacter(lead: number): void {
    let [low, high, length] = [0x80, 0xbf, 0]
    if (lead >= 0xc2 && lead <= 0xdf) length = 2
    else if (lead >= 0xe0 && lead <= 0xef) length = 3
    else if (lead >= 0xf0 && lead <= 0xf4) length = 4
    else this.#refuse(verdicts.utf8, this.#at)
    if (lead === 0xe0) low = 0xa0
    if (lead === 0xed) high = 0x9f
    if (lead === 0xf0) low = 0x90
    if (lead === 0xf4) high = 0x8f
    for (let i = 1; i < length; i++) {
      const next = this.#bytes[this.#at + i]
      if (next === undefined || next < low || next > high) this.#refuse(verdicts.utf8, this.#at)
      low = 0x80
      high = 0xbf
    }
    this.#at += length
  }

  readNumber(): void {
    if (this.#bytes[this.#at] === code("-")) this.#at += 1
    if (this.#bytes[this.#at] === code("0")) this.#at += 1
    else this.#readDigits()
    if (this.#bytes[this.#at] === code(".")) {
      this.#at += 1
      this.#readDigits()
    }
    if (this.#bytes[this.#at] === code("e") || this.#bytes[this.#at] === code("E")) {
      this.#at += 1
      const sign = this.#bytes[this.#at]
      if (sign === code("+") || sign === code("-")) this.#at += 1
      this.#readDigits()
    }
  }

  #readDigits(): void {
    if (!isDigit(this.#bytes[this.#at])) this.#refuse(verdicts.syntax, this.#at)
    while (isDigit(this.#bytes[this.#at])) this.#at += 1
  }

  #readLiteral(): void {
    const first = this.#bytes[this.#at]
    const literal = first === code("t") ? "true" : first === code("f") ? "false" : "null"
    for (const character of literal) this.#expect(character)
  }

  readSpace(): void {
    for (;;) {
      const byte = this.#bytes[this.#at]
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return
      this.#at += 1
    }
  }

  /** Only white space may follow. */
  readEnd(): void {
    this.readSpace()
    if (this.#at !== this.#bytes.length) this.#refuse(verdicts.syntax, this.#at)
  }

  #expect(character: string): void {
    if (this.#bytes[this.#at] !== code(character)) this.#refuse(verdicts.syntax, this.#at)
    this.#at += 1
  }

  #refuse(verdict: number, position: number): never {
    throw new Refusal(verdict, position)
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= code("0") && byte <= code("9")
}

function isHexDigit(byte: number | undefined): boolean {
  return byte !== undefined && /^[0-9A-Fa-f]$/.test(String.fromCharCode(byte))
}
