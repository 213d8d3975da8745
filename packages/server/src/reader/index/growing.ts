/** Numbers that are appended one by one; room doubles as it is needed. */
export class Uint32List {
  values: Uint32Array
  length = 0

  constructor(room = 1024) {
    this.values = new Uint32Array(room)
  }

  push(value: number): void {
    if (this.length === this.values.length) this.values = grown(this.values)
    this.values[this.length++] = value
  }
}

export class Float64List {
  values = new Float64Array(1024)
  length = 0

  push(value: number): void {
    if (this.length === this.values.length) {
      const more = new Float64Array(this.values.length * 2)
      more.set(this.values)
      this.values = more
    }
    this.values[this.length++] = value
  }
}

/** Bytes of a section in the making; numbers as docs/spec/index.md writes them. */
export class ByteList {
  bytes: Uint8Array
  length = 0

  constructor(room = 1024) {
    this.bytes = new Uint8Array(room)
  }

  /** Makes room for so many more. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return
    const more = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count))
    more.set(this.bytes.subarray(0, this.length))
    this.bytes = more
  }

  push(byte: number): void {
    this.reserve(1)
    this.bytes[this.length++] = byte
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  /** Seven bits a byte, the lowest first; the high bit says that more follow. `value`: a whole number from 0 to 2^53 - 1. */
  varint(value: number): void {
    this.reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest % 0x80) | 0x80
      rest = rest < 0x8000_0000 ? rest >>> 7 : Math.floor(rest / 0x80)
    }
    this.bytes[this.length++] = rest
  }

  /** Zeros up to the next multiple of `bytes`. */
  align(bytes: number): void {
    while (this.length % bytes !== 0) this.push(0)
  }

  taken(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }
}

function grown(values: Uint32Array): Uint32Array {
  const more = new Uint32Array(values.length * 2)
  more.set(values)
  return more
}
