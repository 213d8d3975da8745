import { limits } from "@postern/log/base"

/**
 * Bytes that all connections together may have received and not yet acknowledged. A connection's window starts small
 * and doubles with use while the pool is well filled; what is kept back is for frames that begin within a window and
 * go beyond it. Such a frame gets its room whole, or its connection waits: so those that have room can always finish.
 */
export class CreditPool {
  readonly #kept: number
  #left: number
  readonly #waiting: { readonly bytes: number; readonly go: () => void }[] = []

  constructor(bytes: number = limits.creditPoolBytes) {
    this.#left = bytes
    this.#kept = bytes / 2
  }

  get left(): number {
    return this.#left
  }

  /** Takes `bytes` if they are there and nobody waits for them. */
  take(bytes: number): boolean {
    if (bytes > this.#left || this.#waiting.length > 0) return false
    this.#left -= bytes
    return true
  }

  /** Takes `bytes` for a wider window, which nobody needs, if enough is left for those who do. */
  takeSpare(bytes: number): boolean {
    return this.#left - bytes >= this.#kept && this.take(bytes)
  }

  /** Takes `bytes` as soon as they are there, then calls `go`: now, or later in the order of asking. */
  takeWhenThere(bytes: number, go: () => void): void {
    if (this.take(bytes)) return go()
    this.#waiting.push({ bytes, go })
  }

  give(bytes: number): void {
    this.#left += bytes
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (first.bytes > this.#left) return
      this.#left -= first.bytes
      this.#waiting.shift()
      first.go()
    }
  }
}
