const quote = 0x22
const backslash = 0x5c
const startBytes = 4096
const hexDigits = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0))
/** Up to here a loop is cheaper than a call of write(). */
const shortText = 24
/** Of a byte, as an escape in a string. */
const escapeBytesMax = 6
const lenientUtf8 = new TextDecoder("utf-8", { ignoreBOM: true })

/** Writes JSON as bytes into memory of its own, which grows with what is written. */
export class JsonInk {
  at = 0
  #bytes = Buffer.allocUnsafe(startBytes)

  /** Starts anew, over what was written before. */
  clear(): void {
    this.at = 0
  }

  /** What was written; it holds until something else is. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.at)
  }

  /** ASCII, as it stands. */
  ascii(text: string): void {
    this.#room(text.length)
    const bytes = this.#bytes
    if (text.length > shortText) {
      this.at += bytes.write(text, this.at, "latin1")
      return
    }
    for (let i = 0; i < text.length; i++) bytes[this.at + i] = text.charCodeAt(i)
    this.at += text.length
  }

  /** Any text as it stands. */
  text(text: string): void {
    this.#room(3 * text.length)
    this.at += this.#bytes.write(text, this.at)
  }

  byte(byte: number): void {
    this.#room(1)
    this.#bytes[this.at++] = byte
  }

  /** The length of what follows, as protobuf has it. */
  varint(value: number): void {
    let rest = value
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) this.byte((rest % 0x80) | 0x80)
    this.byte(rest)
  }

  /** Bytes as they stand. */
  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.at)
    this.at += bytes.length
  }

  /**
   * The text at `[at, end)` as a JSON string, of which `bytesMax` bytes at most; what is no UTF-8 in it as U+FFFD. False if something
   * was left out.
   */
  string(memory: Uint8Array, at: number, end: number, bytesMax: number): boolean {
    const isWhole = end - at <= bytesMax
    const last = isWhole ? end : cutBetween(memory, at, at + bytesMax)
    this.#room(escapeBytesMax * (last - at) + 2)
    const bytes = this.#bytes
    const start = this.at
    let to = start
    bytes[to++] = quote
    for (let i = at; i < last; i++) {
      const byte = memory[i] as number
      if (byte < 0x20 || byte > 0x7e || byte === quote || byte === backslash) {
        this.at = start
        this.text(JSON.stringify(lenientUtf8.decode(memory.subarray(at, last))))
        return isWhole
      }
      bytes[to++] = byte
    }
    bytes[to++] = quote
    this.at = to
    return isWhole
  }

  /** Lower-case, without quotes. */
  hex(memory: Uint8Array, at: number, end: number): void {
    this.#room(2 * (end - at))
    for (let i = at; i < end; i++) {
      const byte = memory[i] as number
      this.#bytes[this.at++] = hexDigits[byte >> 4] as number
      this.#bytes[this.at++] = hexDigits[byte & 15] as number
    }
  }

  /** RFC 4648 §4 with padding, without quotes. */
  base64(memory: Uint8Array, at: number, end: number): void {
    this.ascii(Buffer.from(memory.buffer, memory.byteOffset + at, end - at).toString("base64"))
  }

  #room(bytes: number): void {
    if (this.at + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(2 * (this.at + bytes))
    larger.set(this.#bytes.subarray(0, this.at))
    this.#bytes = larger
  }
}

/** The last place at or before `end` where UTF-8 may be cut. */
function cutBetween(memory: Uint8Array, at: number, end: number): number {
  let cut = end
  while (cut > at && cut > end - 4 && ((memory[cut] as number) & 0xc0) === 0x80) cut -= 1
  return cut
}
