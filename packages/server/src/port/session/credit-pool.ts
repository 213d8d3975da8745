import { limits } from "@postern/log/base"

/**
 * Bytes that all connections together may have received and not yet acknowledged. A connection's window starts small
 * and doubles with use while the pool has room, so that one busy writer gets much and a thousand idle ones little.
 */
export class CreditPool {
  #left: number

  constructor(bytes: number = limits.creditPoolBytes) {
    this.#left = bytes
  }

  get left(): number {
    return this.#left
  }

  /** Takes `bytes` if they are there. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false
    this.#left -= bytes
    return true
  }

  give(bytes: number): void {
    this.#left += bytes
  }
}
