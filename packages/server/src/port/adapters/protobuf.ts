/**
 * The wire form of protobuf (https://protobuf.dev/programming-guides/encoding), as far as one has to read it to find the
 * fields of a message where they stand. Nothing is copied, nothing is made for a field: a hostile message costs no memory.
 */

/** How a field's value stands on the wire. */
export const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

const fieldNumberMax = 2 ** 29 - 1
const varintBytesMax = 10

/** The fields of the message at `[at, end)`, one at a time, in the order in which they stand. */
export class ProtobufFields {
  /** Of the present field: where it begins, with its tag. */
  start = 0
  number = 0
  type = 0
  /** Where the present value stands: of `bytes` what is in it, of the others the number. */
  at = 0
  end = 0
  /** The message cannot be read from here on. */
  isBroken = false
  #memory: Uint8Array
  #next = 0
  #end = 0

  constructor(memory: Uint8Array) {
    this.#memory = memory
  }

  /** Begins with a message somewhere else. */
  openIn(memory: Uint8Array, at: number, end: number): this {
    this.#memory = memory
    return this.open(at, end)
  }

  /** Begins with another message. */
  open(at: number, end: number): this {
    this.#next = at
    this.#end = end
    this.isBroken = false
    return this
  }

  /** Goes to the next field; false if there is none, or none that can be read. */
  next(): boolean {
    if (this.#next >= this.#end || this.isBroken) return false
    this.start = this.#next
    const tag = this.#varint()
    this.number = Math.floor(tag / 8)
    this.type = tag % 8
    if (this.number < 1 || this.number > fieldNumberMax) return this.#break()
    this.at = this.#next
    if (this.type === wireType.varint) this.#varint()
    else if (this.type === wireType.fixed64) this.#next += 8
    else if (this.type === wireType.fixed32) this.#next += 4
    else if (this.type === wireType.bytes) this.#bytes()
    else return this.#break() // Groups, which no message of today has.
    this.end = this.#next
    return this.isBroken || this.end > this.#end ? this.#break() : true
  }

  #bytes(): void {
    const length = this.#varint()
    this.at = this.#next
    this.#next += length
  }

  /** A number of which more than 53 bits matter to nobody here: those above are not exact. */
  #varint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < varintBytesMax; i++) {
      if (this.#next >= this.#end) break
      const byte = this.#memory[this.#next++] as number
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 128
    }
    this.#break()
    return 0
  }

  #break(): false {
    this.isBroken = true
    return false
  }
}

/** The varint at `[at, end)`, which is one, as the unsigned 64 bits that it stands for. */
export function readVarint(memory: Uint8Array, at: number, end: number): bigint {
  let value = 0n
  for (let i = end - 1; i >= at; i--) value = (value << 7n) | BigInt((memory[i] as number) & 0x7f)
  return BigInt.asUintN(64, value)
}

/** Bytes that a number takes. */
export function varintLength(value: number): number {
  let bytes = 1
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes += 1
  return bytes
}

/** Bytes of a length as a varint, one after the other. */
export function varintBytes(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  bytes.push(rest)
  return bytes
}

/** A field of `bytes`. */
export function bytesField(number: number, ...parts: readonly Uint8Array[]): Uint8Array[] {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const head = [...varintBytes(8 * number + wireType.bytes), ...varintBytes(length)]
  return [Uint8Array.from(head), ...parts]
}

/** A field of a number that is not negative. */
export function varintField(number: number, value: number): Uint8Array {
  return Uint8Array.from([...varintBytes(8 * number + wireType.varint), ...varintBytes(value)])
}
