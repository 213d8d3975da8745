import { limits } from "@postern/log/base"
import { AssemblyPlaces } from "./assembly-places.ts"

/**
 * Bytes that all connections together may have received and not yet acknowledged, and of them those of one writer. A
 * connection's window starts small and doubles with use while the pool is well filled; what is kept back is for frames
 * that begin within a window and go beyond it. Such a frame gets its room whole, or its connection waits: so those that
 * have room can always finish.
 */
export class CreditPool {
  readonly #bytes: number
  /** The pool of all, if this is one writer's share of it. */
  readonly #whole: CreditPool | undefined
  readonly #shares = new Map<string, CreditPool>()
  /** What is put together from several frames is no longer in flight: it has a bound of its own, beside the pool. */
  readonly assemblies: AssemblyPlaces
  #left: number
  readonly #waiting: { readonly bytes: number; readonly go: () => void }[] = []
  /** The first that waits here is being served; in a share, it waits for the whole pool. */
  #asking = false

  /** @param whole the pool of which this is a share */
  constructor(bytes: number = limits.creditPoolBytes, whole?: CreditPool) {
    this.#bytes = bytes
    this.#left = bytes
    this.#whole = whole
    this.assemblies = whole?.assemblies ?? new AssemblyPlaces()
  }

  /** The share of one writer: what it lends comes from this pool, and it has an end of its own. As many as have a grant. */
  of(writer: string): CreditPool {
    const known = this.#shares.get(writer)
    if (known !== undefined) return known
    const share = new CreditPool(Math.min(this.#bytes, limits.creditWriterBytes), this)
    this.#shares.set(writer, share)
    return share
  }

  get left(): number {
    return this.#left
  }

  /** Whose bytes are used up, if `take` has refused as many. */
  shortage(bytes: number): "of one writer" | "in all" {
    const own = bytes > this.#left || this.#waiting.length > 0
    return own && this.#whole !== undefined ? "of one writer" : "in all"
  }

  /** Takes `bytes` if they are there and nobody waits for them. */
  take(bytes: number): boolean {
    if (bytes > this.#left || this.#waiting.length > 0) return false
    if (this.#whole?.take(bytes) === false) return false
    this.#left -= bytes
    return true
  }

  /** Takes `bytes` for a wider window, which nobody needs, if enough is left for those who do. */
  takeSpare(bytes: number): boolean {
    const whole = this.#whole ?? this
    return whole.#left - bytes >= whole.#bytes / 2 && this.take(bytes)
  }

  /** Takes `bytes` as soon as they are there, then calls `go`: now, or later in the order of asking. */
  takeWhenThere(bytes: number, go: () => void): void {
    if (this.take(bytes)) return go()
    this.#waiting.push({ bytes, go })
    this.#serve()
  }

  give(bytes: number): void {
    this.#left += bytes
    this.#whole?.give(bytes)
    this.#serve()
  }

  /** Whoever waits for its own share does not keep others from the whole. */
  #serve(): void {
    const first = this.#waiting[0]
    if (first === undefined || this.#asking || first.bytes > this.#left) return
    const lend = (): void => {
      this.#asking = false
      this.#left -= first.bytes
      this.#waiting.shift()
      first.go()
      this.#serve()
    }
    this.#asking = true
    if (this.#whole === undefined) lend()
    else this.#whole.takeWhenThere(first.bytes, lend)
  }
}
