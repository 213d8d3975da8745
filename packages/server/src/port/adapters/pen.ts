import { assert } from "@postern/log/base"

/** Below this many bytes a loop is cheaper than the call of copyWithin. */
const copyBytesMin = 32

/**
 * Writes bytes one after the other into the core's memory. Lifted, it only counts them: what is to
 * be measured and what is to be written are one piece of code.
 */
export class Pen {
  at = 0
  readonly #memory: Uint8Array
  #lifted = false

  constructor(memory: Uint8Array) {
    this.#memory = memory
  }

  /** Starts writing at `at`. */
  lower(at: number): void {
    this.at = at
    this.#lifted = false
  }

  /** Starts counting at 0. */
  lift(): void {
    this.at = 0
    this.#lifted = true
  }

  get isLifted(): boolean {
    return this.#lifted
  }

  /** Bytes from elsewhere, a constant most often. */
  put(bytes: Uint8Array): void {
    if (!this.#lifted) {
      if (bytes.length >= copyBytesMin) this.#memory.set(bytes, this.at)
      else for (let i = 0; i < bytes.length; i++) this.#memory[this.at + i] = bytes[i] as number
    }
    this.at += bytes.length
  }

  /** `[at, end)` of the memory. */
  copy(at: number, end: number): void {
    const memory = this.#memory
    if (!this.#lifted) {
      if (end - at >= copyBytesMin) memory.copyWithin(this.at, at, end)
      else for (let i = at; i < end; i++) memory[this.at + i - at] = memory[i] as number
    }
    this.at += end - at
  }

  byte(byte: number): void {
    if (!this.#lifted) this.#memory[this.at] = byte
    this.at += 1
  }

  /** Printable ASCII. */
  text(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      assert(code >= 0x20 && code < 0x7f, "only printable ASCII is written as text")
      this.byte(code)
    }
  }

  /** The length field of a framed event, at `at`: not where the pen is. */
  frame(at: number, length: number): void {
    const memory = this.#memory
    memory[at] = length >>> 24
    memory[at + 1] = length >>> 16
    memory[at + 2] = length >>> 8
    memory[at + 3] = length
  }
}
