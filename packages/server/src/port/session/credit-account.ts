import { limits } from "@postern/log/base"
import type { CreditPool } from "./credit-pool.ts"

/**
 * The credit of one connection: how much it was granted, has sent and has in flight (docs/spec/wire.md, CREDIT). Its window
 * starts small and doubles with use; a frame that was begun within it and goes beyond it is an overdraft from the pool.
 */
export class CreditAccount {
  readonly #pool: CreditPool
  #window: number = limits.creditBytesStart
  #received = 0
  #granted: number = limits.creditBytesStart
  #overdraft = 0
  /** Frame bytes of the batches placed and not yet durable, oldest first. */
  readonly #inFlight: number[] = []
  #closed = false

  /** @param pool gives the first window, if it has it: `isOpen` says whether */
  constructor(pool: CreditPool) {
    this.#pool = pool
    if (pool.take(this.#window)) return
    this.#window = 0
    this.#closed = true
  }

  get isOpen(): boolean {
    return !this.#closed
  }

  /** Bytes that the writer may have sent in all. */
  get granted(): number {
    return this.#granted
  }

  /** How far received frames and `more` bytes go beyond what was granted. */
  beyond(more: number): number {
    return this.#received + more - this.#granted
  }

  /** A whole frame has come. False if it was begun without credit. */
  receive(bytes: number): boolean {
    if (this.#received >= this.#granted) return false
    this.#received += bytes
    return true
  }

  place(bytes: number): void {
    this.#inFlight.push(bytes)
  }

  /** Gets room for a frame that goes `beyond` what was granted. False if there is none now: `go` is called when it is there. */
  overdraw(beyond: number, go: () => void): boolean {
    const bytes = beyond - this.#overdraft
    if (bytes <= 0) return true
    let isThere = false
    let isLater = false
    this.#pool.takeWhenThere(bytes, () => {
      if (this.#closed) return this.#pool.give(bytes)
      this.#overdraft += bytes
      isThere = true
      if (isLater) go()
    })
    isLater = true
    return isThere
  }

  /**
   * So many of the oldest batches are durable: what they took may be sent again; a window that was used up doubles while
   * the pool has room. `unfinished`: bytes of the frame that has begun.
   */
  grant(batches: number, unfinished: number): void {
    let freed = 0
    for (let i = 0; i < batches; i++) freed += this.#inFlight.shift() ?? 0
    this.free(freed, unfinished)
  }

  /** As grant(), for `bytes` that were received and are no longer held, without having been placed. */
  free(bytes: number, unfinished: number): void {
    let freed = bytes
    const busy = this.#received + limits.creditBytesStart / 2 > this.#granted
    const wider = Math.min(this.#window, limits.creditBytesMax - this.#window)
    if (busy && wider > 0 && this.#pool.takeSpare(wider)) {
      this.#window += wider
      freed += wider
    }
    this.#granted += freed
    const beyond = Math.max(0, this.beyond(unfinished))
    if (beyond >= this.#overdraft) return
    // Giving back lets whoever waits go on, this account too: it then lends anew.
    const settled = this.#overdraft - beyond
    this.#overdraft = beyond
    this.#pool.give(settled)
  }

  /** Gives back what the pool lent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#pool.give(this.#window + this.#overdraft)
  }
}
