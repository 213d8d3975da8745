/** The bytes of a file: a length that grows, zeros where nothing was written. */
export class Content {
  #room: Buffer
  #size: number

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.#room = Buffer.alloc(bytes.length)
    this.#room.set(bytes)
    this.#size = bytes.length
  }

  get size(): number {
    return this.#size
  }

  /** A view, until the next change. */
  get bytes(): Buffer {
    return this.#room.subarray(0, this.#size)
  }

  put(bytes: Uint8Array, at: number): void {
    if (bytes.length === 0) return
    if (at + bytes.length > this.#size) this.resize(at + bytes.length)
    this.#room.set(bytes, at)
  }

  resize(size: number): void {
    if (size > this.#room.length) {
      const room = Buffer.alloc(Math.max(16_384, size * 2))
      room.set(this.bytes)
      this.#room = room
    } else if (size > this.#size) this.#room.fill(0, this.#size, size)
    this.#size = size
  }
}
