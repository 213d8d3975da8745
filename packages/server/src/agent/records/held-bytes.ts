const keptBytes = 65_536

/** Bytes that come in pieces and leave in front: each is copied a few times at most, however small the pieces are. */
export class HeldBytes {
  #room: Buffer = Buffer.alloc(0)
  #from = 0
  #to = 0

  get length(): number {
    return this.#to - this.#from
  }

  /** What is held; valid until the next call of add(). */
  get bytes(): Buffer {
    return this.#room.subarray(this.#from, this.#to)
  }

  add(piece: Uint8Array): void {
    if (this.#to + piece.length > this.#room.length) this.#move(this.length + piece.length)
    this.#room.set(piece, this.#to)
    this.#to += piece.length
  }

  /** Into room for twice as much: so it comes only once for as many bytes as are copied. */
  #move(needed: number): void {
    const { bytes } = this
    this.#room = Buffer.allocUnsafeSlow(2 * needed)
    this.#room.set(bytes)
    this.#from = 0
    this.#to = bytes.length
  }

  /** Lets the first `count` go, which are there. */
  drop(count: number): void {
    this.#from += count
    if (this.length > 0) return
    this.#from = 0
    this.#to = 0
    // One long message is no reason to keep as much for ever.
    if (this.#room.length > keptBytes) this.#room = Buffer.alloc(0)
  }
}
